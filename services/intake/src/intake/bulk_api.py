import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from caseway_contracts.http import Submission
from caseway_kit.bodies import LARGEST_BODY, StrictRoute, parse_json
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.logs import logger
from caseway_kit.problems import Problem
from intake import bulk
from intake.api import Customer, Parts, PartsOf, checked_key, inlined, problem_of
from intake.ports import Person
from intake.refusals import NotFound, Refused, TokenRefused, WrongState

NDJSON = "application/x-ndjson"

router = APIRouter(route_class=StrictRoute, tags=["cases"])
log = logger("intake.bulk")

_LINES: dict[str, Any] = {
    "requestBody": {"content": {NDJSON: {"schema": inlined(Submission.model_json_schema())}}, "required": True},
    "responses": {"200": {"content": {NDJSON: {}}, "description": "One line for each, in the same order"}},
}


class Lines(Response):
    """Starlette's own streaming reads the request to learn of a disconnect; here that is still being read."""

    def __init__(self, lines: AsyncGenerator[bytes, None]) -> None:
        super().__init__(media_type=NDJSON)
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the signature of ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with aclosing(self._lines) as lines:
            async for line in lines:
                await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@router.post("/cases/bulk", openapi_extra=_LINES)
async def submit_many(request: Request, person: Customer, parts: PartsOf) -> Response:
    async def answer(line: bulk.Line) -> bytes:
        return json.dumps({"line": line.number, **await _answer(parts, person, line)}).encode() + b"\n"

    return Lines(bulk.answers(bulk.split_lines(request.stream(), LARGEST_BODY), answer))


async def _answer(parts: Parts, person: Person, line: bulk.Line) -> dict[str, Any]:
    try:
        body, key = _read(line)
        fault_point("K1")
        await parts.rate.turn(person.account_id)
        async with parts.pace.turn(person.account_id, patience=None):
            submitted = await parts.submitting.submit(person, body, key)
    except (Refused, NotFound, WrongState, TokenRefused, Problem) as refusal:
        problem = problem_of(refusal)
    except OutageError as outage:
        log.warning("answered 503", part=outage.part)
        problem = Problem.unavailable()
    except Exception as error:  # a bug with one line must not stop the others
        log.exception("unexpected error", exc_info=error)
        problem = Problem(500, "Something went wrong on our side.")
    else:
        return {"status": 200 if submitted.replayed else 201, "sr_number": submitted.case.sr_number}
    return {"status": problem.status_code, "problem": problem.body()}


def _read(line: bulk.Line) -> tuple[dict[str, Any], str | None]:
    if line.text is None:
        raise Problem.too_large(f"A line may have at most {LARGEST_BODY} bytes.")
    body = parse_json(line.text)
    if not isinstance(body, dict):
        raise Problem.bad_request("A line must be a JSON object.")
    key = body.pop("idempotency_key", None)
    return body, None if key is None else checked_key(key)
