"""A browser's resumable uploads, passed through to intake as they come."""

from collections.abc import AsyncIterator
from typing import Annotated, Protocol
from urllib.parse import unquote

from fastapi import APIRouter, Header, Request
from starlette.responses import JSONResponse, Response

from caseway_contracts.clients import Refused
from caseway_kit.problems import Problem
from portal.pages.base import page_router
from portal.pages.visitors import Customer

LONGEST_NAME = 1024


class UploadSessions(Protocol):
    async def open_upload(self, token: str, name: str, length: int) -> dict[str, object]: ...

    async def append(
        self, token: str, upload_id: str, offset: int, chunks: AsyncIterator[bytes]
    ) -> dict[str, object]: ...

    async def offset(self, token: str, upload_id: str) -> tuple[int, int]: ...

    async def withdraw(self, token: str, upload_id: str) -> None: ...


def build_router(intake: UploadSessions) -> APIRouter:
    router = page_router()

    @router.post("/uploads", status_code=201)
    async def open_upload(
        visitor: Customer, upload_length: Annotated[str, Header()], upload_name: Annotated[str, Header()] = ""
    ) -> Response:
        # A header, as an address would stand in logs; percent-encoded UTF-8.
        name = unquote(upload_name)[:LONGEST_NAME]
        return _answer(await intake.open_upload(visitor.token, name, _number(upload_length)), 201)

    @router.patch("/uploads/{upload_id}")
    async def append(
        request: Request, visitor: Customer, upload_id: str, upload_offset: Annotated[str, Header()]
    ) -> Response:
        try:
            known = await intake.append(visitor.token, upload_id, _number(upload_offset), request.stream())
        except Refused as refused:
            if refused.status != 409:
                raise
            return JSONResponse({"detail": refused.problem.get("detail", "")}, 409)
        return _answer(known, 200)

    @router.head("/uploads/{upload_id}")
    async def offset(visitor: Customer, upload_id: str) -> Response:
        there, length = await intake.offset(visitor.token, upload_id)
        return Response(headers={"Upload-Offset": str(there), "Upload-Length": str(length)})

    @router.delete("/uploads/{upload_id}", status_code=204)
    async def withdraw(visitor: Customer, upload_id: str) -> Response:
        await intake.withdraw(visitor.token, upload_id)
        return Response(status_code=204)

    return router


def _answer(known: dict[str, object], status: int) -> Response:
    return JSONResponse(known, status, headers={"Cache-Control": "no-store"})


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Problem.bad_request("The header is not a number.")
    return int(text)
