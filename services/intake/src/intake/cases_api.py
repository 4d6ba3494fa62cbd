from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import JSONResponse, Response

from caseway_contracts.http import CaseUpdate, Close, Escalate, Promote, Reopen, Submission
from caseway_kit.bodies import StrictRoute, json_body
from caseway_kit.faults import fault_point
from caseway_kit.problems import MOST_ERRORS, FieldError, Problem
from intake.api import Customer, Key, Parts, PartsOf, inlined
from intake.case_views import first_view
from intake.submitting import Submitted
from intake.updating import Updated

router = APIRouter(route_class=StrictRoute, tags=["cases"])


def _reads(model: type[Submission | CaseUpdate | Promote]) -> dict[str, Any]:
    # Read by hand: the catalogue finds all faults of a body, where a model would stop at those of its shape.
    content = {"application/json": {"schema": inlined(model.model_json_schema())}}
    return {"requestBody": {"content": content, "required": True}}


@router.post("/cases", status_code=201, openapi_extra=_reads(Submission))
async def submit(request: Request, person: Customer, key: Key, parts: PartsOf) -> Response:
    body = await _object(request)
    fault_point("K1")
    _check_rate(parts, person.account_id)
    async with parts.pace.turn(person.account_id):
        return _created(await parts.submitting.submit(person, body, key))


@router.post("/cases/check", openapi_extra=_reads(Submission))
async def check(request: Request, person: Customer, parts: PartsOf) -> Response:
    body = await _object(request)
    if seconds := parts.check_rate.take(person.account_id):
        raise Problem.too_many(int(seconds) + 1, "Your account checks faster than its limit; wait a little.")
    faults = await parts.submitting.check(person, body)
    # The same words as a refusal's, but an answer: nobody asked for a case.
    return JSONResponse({"errors": [asdict(fault) for fault in faults[:MOST_ERRORS]]})


@router.post("/cases/{sr}/promote", status_code=201, openapi_extra=_reads(Promote))
async def promote(sr: str, request: Request, person: Customer, key: Key, parts: PartsOf) -> Response:
    body = await _object(request)
    _check_rate(parts, person.account_id)
    ids, submission = body.get("evidence_ids"), body.get("submission")
    unknown = [f"/{name[:64]}" for name in body if name not in Promote.model_fields]
    faults = [FieldError(field, "field.unknown", "There is no such field here.", "Leave it out.") for field in unknown]
    if not isinstance(ids, list) or not 0 < len(ids) <= 20 or not all(isinstance(one, str) for one in ids):
        faults.append(FieldError("/evidence_ids", "required", "Name 1 to 20 pieces of the case."))
    if not isinstance(submission, Mapping):
        faults.append(FieldError("/submission", "required", "Say what the case is about."))
    if faults or not isinstance(ids, list) or not isinstance(submission, Mapping):
        raise Problem.rule(*faults)
    async with parts.pace.turn(person.account_id):
        return _created(await parts.promoting.promote(person, sr, ids, submission, key))


@router.post("/cases/{sr}/updates", status_code=202, openapi_extra=_reads(CaseUpdate))
async def update(sr: str, request: Request, person: Customer, key: Key, parts: PartsOf) -> Response:
    body = await _object(request)
    async with parts.pace.turn(person.account_id):
        return _accepted(await parts.updating.update(person, sr, body, key))


@router.post("/cases/{sr}/close", status_code=202)
async def close(
    sr: str, person: Customer, key: Key, parts: PartsOf, body: Annotated[Close | None, Body()] = None
) -> Response:
    said = (body or Close()).model_dump(exclude_none=True)
    return _accepted(await parts.updating.close(person, sr, said, key))


@router.post("/cases/{sr}/reopen", status_code=202)
async def reopen(sr: str, body: Reopen, person: Customer, key: Key, parts: PartsOf) -> Response:
    return _accepted(await parts.updating.reopen(person, sr, body.model_dump(), key))


@router.post("/cases/{sr}/escalate", status_code=202)
async def escalate(sr: str, body: Escalate, person: Customer, key: Key, parts: PartsOf) -> Response:
    return _accepted(await parts.updating.escalate(person, sr, body.model_dump(), key))


async def _object(request: Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Problem.bad_request("The body must be a JSON object.")
    return body


def _check_rate(parts: Parts, account_id: str) -> None:
    if seconds := parts.rate.take(account_id):
        raise Problem.too_many(int(seconds) + 1, "Your account submits faster than its limit; wait a little.")


def _created(submitted: Submitted) -> Response:
    headers = {"Location": f"/api/v1/cases/{submitted.case.sr_number}"} | _replayed(submitted.replayed)
    content = first_view(submitted.case).model_dump_json()
    return Response(content, 200 if submitted.replayed else 201, headers, "application/json")


def _accepted(updated: Updated) -> Response:
    status = 200 if updated.replayed else 202
    return JSONResponse({"update_id": updated.update_id}, status, _replayed(updated.replayed))


def _replayed(replayed: bool) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if replayed else {}
