"""Every refusal is ``application/problem+json``; nobody sees a stack, a host name or a library's own words."""

import http
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from caseway_kit.errors import OutageError

MOST_ERRORS = 50
LONGEST_POINTER = 200
OUTAGE_RETRY_AFTER = 5

_log = structlog.stdlib.get_logger("caseway.problems")


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field: ``field`` is a JSON pointer into the body, or ``/name`` of a parameter."""

    field: str
    code: str
    message: str
    help: str = ""


class Problem(HTTPException):
    """A refusal that the caller can read.

    It is an ``HTTPException`` so that FastAPI lets it pass where it turns other errors of body reading into 400.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        id: str | None = None,  # noqa: A002 -- the member's name in the answer
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.errors = tuple(errors)
        self.id = id

    @classmethod
    def bad_request(cls, detail: str, *errors: FieldError) -> Self:
        return cls(400, detail, errors=errors)

    @classmethod
    def unauthorized(cls, detail: str = "Sign in and send the token as 'Authorization: Bearer …'.") -> Self:
        return cls(401, detail, headers={"WWW-Authenticate": "Bearer"})

    @classmethod
    def forbidden(cls, detail: str = "Your role does not allow this.") -> Self:
        return cls(403, detail)

    @classmethod
    def not_found(cls, detail: str = "There is nothing here that you can see.") -> Self:
        return cls(404, detail)

    @classmethod
    def conflict(cls, detail: str, *errors: FieldError) -> Self:
        return cls(409, detail, errors=errors)

    @classmethod
    def too_slow(cls, detail: str = "The body came too slowly; send it again.") -> Self:
        return cls(408, detail, headers={"Connection": "close"})

    @classmethod
    def too_large(cls, detail: str) -> Self:
        return cls(413, detail, headers={"Connection": "close"})

    @classmethod
    def unsupported(cls, detail: str = "Send the body as application/json.") -> Self:
        return cls(415, detail)

    @classmethod
    def rule(cls, *errors: FieldError, detail: str = "Some fields need a correction.") -> Self:
        return cls(422, detail, errors=errors)

    @classmethod
    def too_many(cls, retry_after: int, detail: str = "Too many requests; wait a little.") -> Self:
        return cls(429, detail, headers={"Retry-After": str(max(1, retry_after))})

    @classmethod
    def unavailable(
        cls, retry_after: int = OUTAGE_RETRY_AFTER, detail: str = "A part of the system is away; try again."
    ) -> Self:
        return cls(503, detail, headers={"Retry-After": str(max(1, retry_after))})

    @classmethod
    def out_of_space(cls, detail: str = "There is no room for this at the moment.") -> Self:
        return cls(507, detail)

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
            "errors": [asdict(error) for error in self.errors[:MOST_ERRORS]],
        }
        return body | ({"id": self.id} if self.id else {})

    def response(self) -> Response:
        # "replace": a refusal that repeats a lone surrogate must not fail itself.
        content = json.dumps(self.body(), ensure_ascii=False).encode("utf-8", "replace")
        return Response(content, self.status_code, self.headers, "application/problem+json")


def install_problems(api: FastAPI) -> None:
    """Let every error of ``api`` answer as a Problem."""
    api.add_exception_handler(Problem, _on_problem)
    api.add_exception_handler(HTTPException, _on_http_exception)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(OutageError, _on_outage)
    api.add_middleware(UnexpectedErrors)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _on_http_exception(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return Problem.not_found().response()
    detail = error.detail if error.status_code < 500 else http.HTTPStatus(error.status_code).phrase
    return Problem(error.status_code, str(detail), headers=error.headers).response()


async def _on_outage(_: Request, error: Exception) -> Response:
    assert isinstance(error, OutageError)
    _log.warning("answered 503", part=error.part, exc_info=error)
    return Problem.unavailable().response()


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_of(error.errors(), error.body).response()


def problem_of(errors: Sequence[Mapping[str, Any]], body: object = None) -> Problem:
    """The refusal for what pydantic found wrong with ``body``."""
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem.bad_request("The body is not JSON.")
    return Problem.rule(*[_field_error(error, body) for error in errors[:MOST_ERRORS]])


def _field_error(error: Mapping[str, Any], body: object) -> FieldError:
    kind, context = str(error["type"]), error.get("ctx") or {}
    field = _pointer(error["loc"], body)
    if kind == "missing" or (kind in ("string_too_short", "too_short") and not error.get("input")):
        return FieldError(field, "required", "This field is required.")
    if kind == "extra_forbidden":
        return FieldError(field, "field.unknown", "There is no such field.", "Leave it out, or check its spelling.")
    if kind == "string_too_long":
        most = context.get("max_length")
        return FieldError(field, "text.too_long", "The text is too long.", f"Use at most {most} characters.")
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        choices = context.get("expected") or context.get("expected_tags")
        return FieldError(field, "choice.invalid", "This is not one of the choices.", f"Choose from {choices}.")
    # A rule's own PydanticCustomError("url.invalid", …) carries the code of our contract.
    code = kind if "." in kind else "value.invalid"
    return FieldError(field, code, str(error["msg"]).removeprefix("Value error, ")[:300])


def _pointer(loc: Sequence[str | int], body: object) -> str:
    """Pydantic's location without the names of union members, which are no part of what was sent."""
    source, parts, here, pointer = loc[0], loc[1:], body, ""
    for position, part in enumerate(parts):
        known: object = None
        if isinstance(here, dict) and part in here:
            known = here[part]
        elif isinstance(here, list) and isinstance(part, int):
            known = here[part] if part < len(here) else None
        elif source == "body" and (position < len(parts) - 1 or not isinstance(here, dict)):
            continue
        here = known
        pointer += "/" + str(part).replace("~", "~0").replace("/", "~1")
    return pointer[:LONGEST_POINTER]


class UnexpectedErrors:
    """The last resort: anything that nobody expected is logged with an id, and the answer names that id only."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            return
        except Exception as error:
            problem = _unexpected(error)
            if started:
                raise
            await problem.response()(scope, receive, send)


def _unexpected(error: Exception) -> Problem:
    outage = next((inner for inner in _leaves(error) if isinstance(inner, OutageError)), None)
    if outage is not None:
        _log.warning("answered 503", part=outage.part, exc_info=error)
        return Problem.unavailable()
    incident = uuid.uuid4().hex
    _log.error("unexpected error", id=incident, exc_info=error)
    return Problem(500, "Something went wrong on our side. Name this id when you ask about it.", id=incident)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
