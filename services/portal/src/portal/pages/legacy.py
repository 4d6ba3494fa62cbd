"""The table *Threat Analysis Requests*: records from before SR numbers."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_kit.paging import from_cursor, to_cursor
from caseway_kit.problems import Problem
from portal.legacy import LegacyQuery, LegacyRequests, place_of
from portal.listing import words_of
from portal.pages.base import page_router, render
from portal.pages.visitors import Anybody

PAGE = 25


def build_router(requests: LegacyRequests) -> APIRouter:
    router = page_router()

    @router.get("/threat-requests")
    async def show(request: Request, visitor: Anybody, q: str = "", cursor: str = "") -> Response:
        q = q[:255]
        words, after = words_of(q), _position(cursor)
        nothing = bool(q.strip()) and not words
        query = LegacyQuery(words=words, after=after, limit=PAGE + 1)
        found = [] if nothing else list(await requests.listed(visitor.caller, query))
        more = to_cursor(*place_of(found[PAGE - 1])) if len(found) > PAGE else None
        return render(
            request,
            "cases/legacy_list.html",
            q=q,
            requests=found[:PAGE],
            more=_address(q=q, cursor=more) if more else None,
            first=_address(q=q) if after else None,
        )

    @router.get("/threat-requests/{ref_id}")
    async def show_one(request: Request, visitor: Anybody, ref_id: str) -> Response:
        found = await requests.find(visitor.caller, ref_id)
        if found is None:
            raise Problem.not_found()
        return render(request, "cases/legacy.html", one=found)

    return router


def _position(cursor: str) -> tuple[int, str] | None:
    try:
        position: tuple[Any, ...] | None = from_cursor(cursor or None, int, str)
    except Problem:
        return None
    return (position[0], position[1]) if position else None


def _address(**values: str) -> str:
    chosen = {name: value for name, value in values.items() if value}
    return f"/threat-requests?{urlencode(chosen)}" if chosen else "/threat-requests"
