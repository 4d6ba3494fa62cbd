"""What a person typed into a form, and what is wrong with it, field by field."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from caseway_kit.bodies import read_body
from caseway_kit.problems import FieldError, Problem

CSRF = "csrf_token"
KEY = "form_key"
MOST_FIELDS = 2_000
# A key goes on as a header.
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEPT = "caseway.form"


class Form:
    """A form's values and errors. A field is named by its JSON pointer: ``/name``, in HTML ``name``."""

    def __init__(
        self,
        values: Mapping[str, str | Iterable[str] | None] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        self.values = {_name(name): _several(value) for name, value in (values or {}).items()}
        self.errors = tuple(errors)

    def one(self, pointer: str) -> str:
        return next(iter(self.values.get(_name(pointer), ())), "")

    def many(self, pointer: str) -> tuple[str, ...]:
        return self.values.get(_name(pointer), ())

    def lines(self, pointer: str) -> list[str]:
        """Of a text with one thing a line: what is not blank."""
        return [line.strip() for line in self.one(pointer).split("\n") if line.strip()]

    @property
    def key(self) -> str:
        """Goes with the form as the Idempotency-Key of what it makes, so that sent twice it counts once."""
        if not _KEY.fullmatch(self.one(KEY)):
            self.values[KEY] = (secrets.token_urlsafe(16),)
        return self.one(KEY)

    def with_errors(self, errors: Iterable[FieldError]) -> "Form":
        return Form(self.values, tuple(errors))

    def errors_at(self, pointer: str) -> list[FieldError]:
        """Those of a field and of what is below it: ``/cc/3`` shows at ``/cc``."""
        at = "/" + _name(pointer)
        return [error for error in self.errors if error.field == at or error.field.startswith(f"{at}/")]


def errors_in(problem: Mapping[str, Any]) -> list[FieldError]:
    """The field errors of a problem+json body; its own sentence when it names no field."""
    found = [
        FieldError(*(str(one.get(name) or "") for name in ("field", "code", "message", "help")))
        for one in problem.get("errors") or ()
    ]
    return found or [FieldError("", "refused", str(problem.get("detail") or ""))]


async def read_form(request: Request) -> Form:
    """The posted form, read once for a request. Line ends are as they were typed, not as they travel."""
    kept: Form | None = request.scope.get(_KEPT)
    if kept is None:
        kept = request.scope[_KEPT] = await _read(request)
    return kept


Posted = Annotated[Form, Depends(read_form)]


async def _read(request: Request) -> Form:
    """Whoever sends it has shown no token yet: a small body only. What brings files is read by ``StreamedForm``."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise Problem.unsupported("Send the form as a browser does.")
    body = (await read_body(request)).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(body, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Problem.too_large("The form has too many fields.") from None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return Form(values)


def _name(pointer: str) -> str:
    return pointer.lstrip("/")


def _several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
