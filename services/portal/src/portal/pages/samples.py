"""A customer's own piece, handed back only inside a zip that nothing opens by accident."""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Protocol
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_kit.archives import ZipOfOne
from caseway_kit.objects import ObjectDamaged, ObjectMissing
from caseway_kit.problems import Problem
from caseway_kit.seats import Full, Seats
from portal.case_api import SeatedStream
from portal.cases import Cases
from portal.fresh import FreshPiece
from portal.pages.base import page_router, site_of
from portal.pages.visitors import Customer

PASSWORD = "infected"  # noqa: S105 - the field's own word for samples, told on the page
DOWNLOADS_EACH = 2
MOST_DOWNLOADS = 6
BUSY_SECONDS = 5
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class ObjectStream(Protocol):
    def stream(self, key: str) -> AsyncIterator[bytes]: ...


def build_router(cases: Cases, objects: ObjectStream) -> APIRouter:
    router = page_router()
    seats = Seats(each=DOWNLOADS_EACH, most=MOST_DOWNLOADS)

    @router.get("/requests/{sr_number}/evidence/{piece_id}.zip")
    async def download(request: Request, visitor: Customer, sr_number: str, piece_id: str) -> Response:
        piece = await cases.piece(visitor.caller, sr_number, piece_id)
        if piece is None or piece.kind == "url" or not piece.key:
            raise Problem.not_found()
        name = piece.name or "sample"
        try:
            seat = seats.take(visitor.caller.account_id)
        except Full as full:
            says = site_of(request).say("cases.download_busy")
            raise (Problem.too_many if full.own else Problem.unavailable)(BUSY_SECONDS, says) from None
        packed = _packed(objects, piece, inner_name(name))
        try:
            begun = await anext(packed)
        except BaseException as error:
            seat.leave()
            if isinstance(error, ObjectMissing):
                raise Problem.not_found() from None
            raise
        return Zip(_rest(begun, packed), seat, HEADERS | {"Content-Disposition": disposed(name)})

    return router


class Zip(SeatedStream):
    media_type = "application/zip"


async def _packed(objects: ObjectStream, piece: FreshPiece, name: str) -> AsyncGenerator[bytes, None]:
    """The zip as it is written. Breaks off before its end when the bytes are not those that were handed in."""
    digest = hashlib.sha256()
    packing = ZipOfOne(name, piece.size, PASSWORD)
    try:
        async for chunk in objects.stream(piece.key):
            digest.update(chunk)
            yield await asyncio.to_thread(packing.write, chunk)
        if digest.hexdigest() != piece.sha256:
            raise ObjectDamaged(piece.key)
        yield packing.finish()
    finally:
        packing.close()


async def _rest(begun: bytes, packed: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(packed):
        yield begun
        async for more in packed:
            yield more


def inner_name(name: str) -> str:
    """The last part of the name: no archive of ours writes beside the folder that it is opened in."""
    last = re.split(r"[\\/]", name)[-1].strip()
    kept = "".join("_" if unicodedata.category(one)[0] == "C" else one for one in last)
    return kept[:150] if kept.strip(". ") else "sample"


def disposed(name: str) -> str:
    """An ASCII name of letters, digits and little else, and the real one as RFC 6266 has it."""
    stem = inner_name(name)
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", letters).strip("._") or "sample"
    encoded = quote(f"{stem}.zip".encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain[:100]}.zip\"; filename*=UTF-8''{encoded}"
