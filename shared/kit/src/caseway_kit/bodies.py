"""JSON bodies from strangers: read within limits, parsed strictly.

What is not JSON (RFC 8259) or too deep is 400. What is JSON, but nothing that we could store and give back as
it came (a key twice, a lone surrogate, NUL, a number beyond 64 bits), is 422 with a pointer to it.
"""

import json
import math
import re
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any, NoReturn, TypeAlias

from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from caseway_kit.problems import LONGEST_POINTER, FieldError, Problem

LARGEST_BODY = 1024 * 1024
DEEPEST = 32
LARGEST_INTEGER = 2**63 - 1

_Path: TypeAlias = "tuple[_Path, str | int] | None"
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class _Twice(dict[str, Any]):
    """An object that had one of its keys more than once."""

    key: str = ""


async def json_body(request: Request, *, limit: int = LARGEST_BODY) -> Any:
    """The body of ``request``, parsed by ``parse_json``; 415 if it is not declared as JSON, 413 beyond ``limit``."""
    if not _is_json(request.headers.get("content-type", "")):
        raise Problem.unsupported()
    return parse_json(await read_body(request, limit=limit))


async def read_body(request: Request, *, limit: int = LARGEST_BODY) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def parse_json(body: bytes, *, deepest: int = DEEPEST) -> Any:
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_not_a_number, parse_float=_float
        )
    # RecursionError: tens of thousands of brackets. ValueError: bad UTF-8, bad JSON, a number of 4,300 digits.
    except (ValueError, RecursionError):
        raise Problem.bad_request("The body is not JSON that we accept.") from None
    # Raw control characters are no JSON and raw surrogates no UTF-8, so only an escape can bring them.
    _check(value, deepest, texts=b"\\u" in body)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: set[str] = set()
    marked = _Twice(value)
    marked.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() gives None: the idiom for "seen before"
    return marked


def _not_a_number(_: str) -> NoReturn:
    raise ValueError


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


def _check(root: object, deepest: int, *, texts: bool) -> None:
    containers: list[tuple[dict[str, Any] | list[Any], _Path, int]] = []

    def look(value: object, path: _Path, depth: int) -> None:
        if isinstance(value, str):
            if texts:
                _check_text(value, path)
        elif isinstance(value, dict | list):
            if depth > deepest:
                raise Problem.bad_request(f"The body is nested deeper than {deepest} levels.")
            if isinstance(value, _Twice):
                raise _refused((path, value.key), "This key stands here twice.")
            containers.append((value, path, depth))
        elif isinstance(value, int) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise _refused(path, "The number is too large.")

    look(root, None, 1)
    while containers:
        value, path, depth = containers.pop()
        for part, item in value.items() if isinstance(value, dict) else enumerate(value):
            if texts and isinstance(part, str):
                _check_text(part, path)
            look(item, (path, part), depth + 1)


def _check_text(text: str, path: _Path) -> None:
    # MongoDB refuses NUL in keys, and mail in texts; a lone surrogate has no UTF-8.
    if "\x00" in text:
        raise _refused(path, "The text holds a NUL character.")
    if not text.isascii() and _HALF_PAIR.search(text):
        raise _refused(path, "The text holds half of a character pair.")


def _refused(path: _Path, message: str) -> Problem:
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(str(part)[:LONGEST_POINTER].replace("~", "~0").replace("/", "~1"))
    pointer = "".join(f"/{part}" for part in reversed(parts))
    return Problem.rule(FieldError(pointer[:LONGEST_POINTER], "value.invalid", message))


def _too_large(limit: int) -> Problem:
    return Problem.too_large(f"The body may have at most {limit} bytes.")


def _is_json(content_type: str) -> bool:
    message = Message()
    message["content-type"] = content_type.replace("\r", " ").replace("\n", " ")
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


class _StrictRequest(Request):
    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self)
        return self._body

    async def json(self) -> Any:
        return parse_json(await self.body())


class StrictRoute(APIRoute):
    """The ``route_class`` whose JSON bodies are read by the rules of this module."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

        async def strictly(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            if takes_json and await strict.body() and not _is_json(strict.headers.get("content-type", "")):
                raise Problem.unsupported()
            return await handle(strict)

        return strictly
