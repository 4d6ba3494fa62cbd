"""What the HTTP routes share: who asks, with which key, and how a refusal is answered."""

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request
from starlette.responses import Response

from caseway_catalog import Catalog
from caseway_kit.app import build_api
from caseway_kit.auth import Caller, require
from caseway_kit.problems import FieldError, Problem
from intake.legacy import Legacy
from intake.pace import Pace
from intake.ports import Person
from intake.promoting import Promoting
from intake.rate_limit import RateLimit
from intake.refusals import NotFound, Refused, TokenRefused, TooLarge, TooMany, WrongOffset, WrongState
from intake.submitting import Submitting
from intake.updating import Updating
from intake.uploads import Uploads

TITLE = "Caseway intake"
VERSION = version("caseway-intake")
PREFIX = "/api/v1"


@dataclass(frozen=True)
class Parts:
    """The use cases that the routes call; ``main`` puts them into the app's state."""

    catalog: Catalog
    uploads: Uploads
    submitting: Submitting
    updating: Updating
    promoting: Promoting
    legacy: Legacy
    rate: RateLimit
    pace: Pace
    check_rate: RateLimit

    @cached_property
    def public_catalog(self) -> bytes:
        return json.dumps(self.catalog.public(), ensure_ascii=False).encode()


def build() -> FastAPI:
    from intake import bulk_api, cases_api, catalog_api, internal_api, legacy_api, uploads_api

    api = build_api(title=TITLE, version=VERSION)
    for module in (uploads_api, bulk_api, cases_api, legacy_api, catalog_api):
        api.include_router(module.router, prefix=PREFIX)
    api.include_router(internal_api.router)
    for refusal in (Refused, NotFound, WrongState, TooLarge, TooMany, TokenRefused):
        api.add_exception_handler(refusal, _on_refusal)
    return api


def parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def person_of(caller: Caller) -> Person:
    sees_all = caller.role in ("analyst", "operator", "auditor")
    return Person(caller.contact_id, caller.account_id, caller.email, caller.token, sees_all)


async def _customer(caller: Annotated[Caller, Depends(require("customer", "account_admin"))]) -> Person:
    return person_of(caller)


async def _reader(caller: Annotated[Caller, Depends(require())]) -> Person:
    return person_of(caller)


async def _key(idempotency_key: Annotated[str | None, Header()] = None) -> str | None:
    return None if idempotency_key is None else checked_key(idempotency_key)


def checked_key(key: object) -> str:
    if not isinstance(key, str) or not 0 < len(key) <= 255 or not key.isprintable():
        raise Problem.bad_request("An idempotency key has 1 to 255 printable characters.")
    return key


PartsOf = Annotated[Parts, Depends(parts_of)]
Customer = Annotated[Person, Depends(_customer)]
Reader = Annotated[Person, Depends(_reader)]
Key = Annotated[str | None, Depends(_key)]


def problem_of(error: Exception) -> Problem:
    """How a refusal of the domain is answered."""
    match error:
        case Refused():
            return Problem.rule(*_fields(error))
        case WrongOffset():
            return Problem(409, error.says, headers={"Upload-Offset": str(error.offset)})
        case WrongState():
            return Problem.conflict(error.says, *_fields(error))
        case TooLarge():
            return Problem.too_large(error.says)
        case TooMany():
            headers = {"Retry-After": str(error.seconds)}
            return Problem(429, error.faults[0].message, errors=_fields(error), headers=headers)
        case TokenRefused():
            return Problem.unauthorized()
        case Problem():
            return error
    return Problem.not_found()


def _fields(refusal: Refused | WrongState | TooMany) -> list[FieldError]:
    return [FieldError(fault.field, fault.code, fault.message, fault.help) for fault in refusal.faults]


async def _on_refusal(_: Request, error: Exception) -> Response:
    return problem_of(error).response()


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A pydantic schema with its definitions put where they are named, for a body that FastAPI does not read."""
    definitions = schema.pop("$defs", {})

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return put(definitions[value["$ref"].rpartition("/")[2]])
            return {name: put(inner) for name, inner in value.items()}
        return [put(inner) for inner in value] if isinstance(value, list) else value

    return dict(put(schema))
