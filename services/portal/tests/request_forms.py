"""A filled in New Request form, and what of it an answer shows."""

import re
from html import unescape

import httpx

NEW = "/requests/new"
DRAFT = "0123456789abcdef"
FORM = {
    "draft": DRAFT,
    "profile_id": "prof-ours",
    "affected_operating_systems": "windows-10",
    "issue_type": "product",
    "category": "product-issues",
    "subject": "It broke",
    "description": "Line one\r\nLine two",
    "severity": "low",
    "cc": "a@example.com\r\n\r\nb@example.com",
    "contact/method": "email",
}


def error(field: str, code: str = "required", message: str = "Wrong.", says: str = "Do this.") -> dict[str, str]:
    return {"field": field, "code": code, "message": message, "help": says}


def draft_of(answer: httpx.Response) -> str:
    found = re.search(r'name="draft" value="([^"]*)"', answer.text)
    assert found is not None
    return found[1]


def value_of(answer: httpx.Response, name: str) -> str:
    """What a browser would show in a text field."""
    area = re.search(rf'<textarea[^>]* name="{re.escape(name)}"[^>]*>\n(.*?)</textarea>', answer.text, re.DOTALL)
    if area is not None:
        return unescape(area[1])
    field = re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]* value="([^"]*)"', answer.text)
    assert field is not None, name
    return unescape(field[1])
