"""A customer's own piece, handed back only inside a zip that nothing opens by accident."""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_kit.archives import protected_zip
from caseway_kit.objects import ObjectMissing
from caseway_kit.problems import Problem
from portal.cases import Cases
from portal.pages.base import page_router, site_of
from portal.pages.visitors import Customer

PASSWORD = "infected"  # noqa: S105 - the field's own word for samples, told on the page
# Packed in memory, one at a time.
LARGEST = 64 * 1024 * 1024
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class ObjectStream(Protocol):
    def stream(self, key: str) -> AsyncIterator[bytes]: ...


def build_router(cases: Cases, objects: ObjectStream) -> APIRouter:
    router = page_router()
    packing = asyncio.Semaphore(1)

    @router.get("/requests/{sr_number}/evidence/{piece_id}.zip")
    async def download(request: Request, visitor: Customer, sr_number: str, piece_id: str) -> Response:
        piece = await cases.piece(visitor.caller, sr_number, piece_id)
        if piece is None or piece.kind == "url" or not piece.key:
            raise Problem.not_found()
        if piece.size > LARGEST:
            raise Problem.too_large(site_of(request).say("cases.too_large"))
        name = piece.name or "sample"
        async with packing:
            try:
                content = b"".join([chunk async for chunk in objects.stream(piece.key)])
            except ObjectMissing:
                raise Problem.not_found() from None
            if hashlib.sha256(content).hexdigest() != piece.sha256:
                raise Problem.not_found()
            zipped = await asyncio.to_thread(protected_zip, {inner_name(name): content}, PASSWORD)
        return Response(zipped, media_type="application/zip", headers=HEADERS | {"Content-Disposition": disposed(name)})

    return router


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
