"""What of a page does not depend on the words in it: its elements, and the text fields of its forms."""

from collections.abc import Mapping
from html.parser import HTMLParser

import httpx

# What a person types into; other inputs only take what the page offers.
TYPED_INTO = ("text", "search", "email", "tel", "password")


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, str]] = {}
        self.elements: list[tuple[str, ...]] = []
        self._form: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, *(name for name, _ in attrs)))
        kind = "textarea" if tag == "textarea" else given.get("type") or "text"
        if tag == "form":
            self._form = given.get("action") or ""
        elif self._form is not None and (tag == "textarea" or (tag == "input" and kind in TYPED_INTO)):
            self.fields.setdefault(self._form, {})[given.get("name") or ""] = kind

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def text_fields(answer: httpx.Response) -> Mapping[str, Mapping[str, str]]:
    """By the address of the form and the name of the field: "textarea", or the type of the input."""
    return _read(answer).fields


def elements_of(answer: httpx.Response) -> list[tuple[str, ...]]:
    """Each element with the names of its attributes: other words must not change them."""
    return _read(answer).elements


def _read(answer: httpx.Response) -> _Forms:
    page = _Forms()
    page.feed(answer.text)
    page.close()
    return page
