import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from caseway_kit.auth import Caller, require
from caseway_kit.bodies import LARGEST_BODY, StrictRoute, parse_json
from caseway_kit.errors import OutageError
from caseway_kit.logs import logger
from caseway_kit.problems import Problem
from intake import bulk
from intake.api import Parts, PartsOf, inlined, person_of, problem_of
from intake.bulk_api import NDJSON, Lines
from intake.legacy import LegacyLine
from intake.ports import Person
from intake.refusals import Refused

router = APIRouter(route_class=StrictRoute, tags=["operations"])
log = logger("intake.legacy")

Operator = Annotated[Caller, Depends(require("operator"))]
_LINES: dict[str, Any] = {
    "requestBody": {"content": {NDJSON: {"schema": inlined(LegacyLine.model_json_schema())}}, "required": True},
    "responses": {"200": {"content": {NDJSON: {}}, "description": "One line for each, in the same order"}},
}


@router.post("/legacy-requests", openapi_extra=_LINES)
async def import_many(request: Request, caller: Operator, parts: PartsOf) -> Response:
    """Import threat requests from before SR numbers; a bad line stops nothing, a repeated one changes nothing."""
    person = person_of(caller)

    async def answer(line: bulk.Line) -> bytes:
        return json.dumps({"line": line.number, **await _answer(parts, person, line)}).encode() + b"\n"

    return Lines(bulk.answers(bulk.split_lines(request.stream(), LARGEST_BODY), answer))


async def _answer(parts: Parts, person: Person, line: bulk.Line) -> dict[str, Any]:
    try:
        if line.text is None:
            raise Problem.too_large(f"A line may have at most {LARGEST_BODY} bytes.")
        body = parse_json(line.text)
        if not isinstance(body, dict):
            raise Problem.bad_request("A line must be a JSON object.")
        ref_id, became = await parts.legacy.take(person, body)
    except (Refused, Problem) as refusal:
        problem = problem_of(refusal)
    except OutageError as outage:
        log.warning("answered 503", part=outage.part)
        problem = Problem.unavailable()
    except Exception as error:  # a bug with one line must not stop the others
        log.exception("unexpected error", exc_info=error)
        problem = Problem(500, "Something went wrong on our side.")
    else:
        return {"status": 201 if became == "imported" else 200, "ref_id": ref_id}
    return {"status": problem.status_code, "problem": problem.body()}
