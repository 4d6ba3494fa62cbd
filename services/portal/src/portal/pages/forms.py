"""What a person typed into a form, and what is wrong with it, field by field."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from caseway_kit.bodies import read_body
from caseway_kit.problems import FieldError, Problem

CSRF = "csrf_token"
KEY = "form_key"
MOST_FIELDS = 2_000
MOST_FILES = 20
_KEPT = "caseway.form"


class Form:
    """A form's values and errors. A field is named by its JSON pointer: ``/name``, in HTML ``name``."""

    def __init__(
        self,
        values: Mapping[str, str | Iterable[str] | None] | None = None,
        errors: Sequence[FieldError] = (),
        *,
        files: Mapping[str, list[UploadFile]] | None = None,
    ) -> None:
        self.values = {_name(name): _several(value) for name, value in (values or {}).items()}
        self.errors = tuple(errors)
        self._files = dict(files or {})

    def one(self, pointer: str) -> str:
        return next(iter(self.values.get(_name(pointer), ())), "")

    def many(self, pointer: str) -> tuple[str, ...]:
        return self.values.get(_name(pointer), ())

    def files(self, pointer: str) -> list[UploadFile]:
        return self._files.get(_name(pointer), [])

    def lines(self, pointer: str) -> list[str]:
        """Of a text with one thing a line: what is not blank."""
        return [line.strip() for line in self.one(pointer).split("\n") if line.strip()]

    @property
    def key(self) -> str:
        """Goes with the form as the Idempotency-Key of what it makes, so that sent twice it counts once."""
        if not self.one(KEY):
            self.values[KEY] = (secrets.token_urlsafe(16),)
        return self.one(KEY)[:64]

    def with_errors(self, errors: Iterable[FieldError]) -> "Form":
        return Form(self.values, tuple(errors), files=self._files)

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
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    values: dict[str, list[str]] = {}
    files: dict[str, list[UploadFile]] = {}
    if content_type == "application/x-www-form-urlencoded":
        body = (await read_body(request)).decode("utf-8", "replace")
        try:
            pairs = parse_qsl(body, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Problem.too_large("The form has too many fields.") from None
        for name, value in pairs:
            values.setdefault(name, []).append(value.replace("\r\n", "\n"))
    elif content_type == "multipart/form-data":
        sent = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS)
        for name, part in sent.multi_items():
            if isinstance(part, str):
                values.setdefault(name, []).append(part.replace("\r\n", "\n"))
            elif part.filename:
                files.setdefault(name, []).append(part)
    else:
        raise Problem.unsupported("Send the form as a browser does.")
    return Form(values, files=files)


def _name(pointer: str) -> str:
    return pointer.lstrip("/")


def _several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
