from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import JSONResponse, Response

from caseway_kit.bodies import StrictRoute
from caseway_kit.problems import Problem
from intake.api import Customer, PartsOf
from intake.names import upload_name
from intake.refusals import TooLarge
from intake.upload import Upload

router = APIRouter(route_class=StrictRoute, tags=["uploads"])

_BYTES: dict[str, Any] = {"requestBody": {"content": {"application/octet-stream": {}}, "required": False}}


@router.post("/uploads", status_code=201, openapi_extra=_BYTES)
async def upload(
    request: Request,
    person: Customer,
    parts: PartsOf,
    content_disposition: Annotated[str | None, Header()] = None,
    upload_length: Annotated[str | None, Header()] = None,
) -> Response:
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise Problem.unsupported("Send the file's bytes themselves as the body, not a form.")
    declared = _number(request.headers.get("content-length"), "Content-Length")
    name = upload_name(content_disposition)
    if upload_length is not None:
        if declared or "transfer-encoding" in request.headers:
            raise Problem.bad_request("Open a resumable upload without a body, and send its bytes with PATCH.")
        length = _number(upload_length, "Upload-Length") or 0
        return _answer(await parts.uploads.open(person.account_id, person.contact_id, name, length))
    _check_room(declared, parts.uploads.largest)
    received = await parts.uploads.receive(person.account_id, person.contact_id, name, request.stream(), declared)
    return _answer(received)


@router.patch("/uploads/{upload_id}", status_code=204, openapi_extra=_BYTES)
async def append(
    upload_id: str,
    request: Request,
    person: Customer,
    parts: PartsOf,
    upload_offset: Annotated[str | None, Header()] = None,
) -> Response:
    offset = _number(upload_offset, "Upload-Offset")
    if offset is None:
        raise Problem.bad_request("Say in Upload-Offset where the bytes begin.")
    opened = await parts.uploads.find(person.account_id, upload_id)
    _check_room(_number(request.headers.get("content-length"), "Content-Length"), parts.uploads.largest)
    appended = await parts.uploads.append(opened, offset, request.stream())
    if appended.state == "ready":
        return _answer(appended)
    return Response(status_code=204, headers={"Upload-Offset": str(appended.offset)})


@router.head("/uploads/{upload_id}")
async def offset(upload_id: str, person: Customer, parts: PartsOf) -> Response:
    found = await parts.uploads.find(person.account_id, upload_id)
    length = found.length if found.length is not None else found.size
    return Response(headers={"Upload-Offset": str(found.offset), "Upload-Length": str(length)})


@router.delete("/uploads/{upload_id}", status_code=204)
async def withdraw(upload_id: str, person: Customer, parts: PartsOf) -> Response:
    await parts.uploads.withdraw(await parts.uploads.find(person.account_id, upload_id))
    return Response(status_code=204)


def _answer(found: Upload) -> Response:
    body: dict[str, object] = {"upload_id": found.upload_id, "offset": found.offset}
    if found.state == "ready":
        body |= {"sha256": found.sha256, "size": found.size, "type": found.type}
    headers = {"Location": f"/api/v1/uploads/{found.upload_id}", "Upload-Offset": str(found.offset)}
    return JSONResponse(body, 201, headers)


def _number(text: str | None, header: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Problem.bad_request(f"{header} is not a number.")
    return int(text)


def _check_room(declared: int | None, largest: int) -> None:
    # Before anything is read; what nobody declared is counted as it passes.
    if declared is not None and declared > largest:
        raise TooLarge(f"An upload may have at most {largest} bytes.")
