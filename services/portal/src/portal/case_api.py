import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from caseway_contracts.kinds import CaseStatus, Verdict
from caseway_contracts.views import CaseSummary, CaseView, TimelineItem
from caseway_kit.auth import Caller, Tokens, require
from caseway_kit.errors import OutageError
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, to_cursor
from caseway_kit.problems import Problem
from caseway_kit.seats import Full, Seat
from portal.cases import Cases
from portal.feed import Feed, Fragment
from portal.listing import DEFAULT_SORT, ListQuery, Sort, words_of

SignedIn = Annotated[Caller, Depends(require())]

RETRY_MS = 1_000
RETRY_AFTER_SECONDS = 10

_log = structlog.stdlib.get_logger("portal.streams")


class EvidencePage(BaseModel):
    """Results of every list, each with the name of its ``list`` and its ``kind``."""

    items: list[dict[str, Any]]
    next_cursor: str | None = None


def build_router(cases: Cases, feed: Feed) -> APIRouter:
    router = APIRouter(prefix="/api/v1/cases", tags=["cases"])

    @router.get("")
    async def list_cases(
        caller: SignedIn,
        status: CaseStatus | None = None,
        category: Annotated[str | None, Query(max_length=64)] = None,
        verdict: Verdict | None = None,
        q: Annotated[str | None, Query(max_length=255)] = None,
        sort: Sort = DEFAULT_SORT,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[CaseSummary]:
        position = from_cursor(cursor, str, int, str)
        if position is not None and position[0] != sort:
            raise Problem.bad_request("The cursor belongs to a list in another order.")
        words = words_of(q or "")
        if q and q.strip() and not words:
            return Page[CaseSummary](items=[])
        query = ListQuery(
            status=status,
            category=category,
            verdict=verdict,
            words=words,
            sort=sort,
            after=(position[1], position[2]) if position else None,
            limit=limit + 1,
        )
        found = await cases.listed(caller, query)
        more = to_cursor(sort, *query.place(found[limit - 1])) if len(found) > limit else None
        return Page[CaseSummary](items=found[:limit], next_cursor=more)

    @router.get("/{sr_number}")
    async def read_case(caller: SignedIn, sr_number: str) -> CaseView:
        view = await cases.view(caller, sr_number)
        if view is None:
            raise Problem.not_found()
        return view

    @router.get("/{sr_number}/timeline")
    async def read_timeline(
        caller: SignedIn, sr_number: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[TimelineItem]:
        view = await cases.view(caller, sr_number)
        if view is None:
            raise Problem.not_found()
        begin = (from_cursor(cursor, int) or (0,))[0]
        items = view.timeline[max(0, begin) :]
        more = to_cursor(begin + limit) if len(items) > limit else None
        return Page[TimelineItem](items=list(items[:limit]), next_cursor=more)

    @router.get("/{sr_number}/evidence")
    async def read_evidence(
        caller: SignedIn, sr_number: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> EvidencePage:
        evidence = await cases.evidence(caller, sr_number)
        if evidence is None:
            raise Problem.not_found()
        after = from_cursor(cursor, int, int, int)
        found = [one for one in evidence.found if after is None or one.place > after][: limit + 1]
        more = to_cursor(*found[limit - 1].place) if len(found) > limit else None
        return EvidencePage(items=[one.flat() for one in found[:limit]], next_cursor=more)

    @router.get("/{sr_number}/events", response_class=StreamingResponse, response_model=None)
    async def follow_case(
        request: Request,
        caller: SignedIn,
        sr_number: str,
        last_event_id: Annotated[str | None, Header(max_length=512)] = None,
    ) -> Response:
        if not await cases.visible(caller, sr_number):
            raise Problem.not_found()
        tokens: Tokens = request.app.state.tokens
        stopping: asyncio.Event = request.app.state.stopping

        async def welcome() -> bool:
            try:
                await tokens.caller(caller.token)
            except Problem:
                return False
            return True

        async def lines() -> AsyncGenerator[str, None]:
            yield f"retry: {RETRY_MS}\n\n"
            fragments = feed.follow(caller, sr_number, last_event_id or None, stopping=stopping, welcome=welcome)
            try:
                async for fragment in fragments:
                    yield _lines(fragment)
            except OutageError as outage:
                # The head has been sent; the client comes back with its last id.
                _log.warning("a stream was cut", part=outage.part)

        try:
            seat = feed.seat(caller)
        except Full:
            raise Problem.too_many(RETRY_AFTER_SECONDS, "You have too many open streams; close one.") from None
        return EventStream(lines(), seat)

    return router


class SeatedStream(StreamingResponse):
    """A stream that has a seat until it ends, however it ends."""

    def __init__(self, content: AsyncGenerator[Any, None], seat: Seat, headers: Mapping[str, str]) -> None:
        super().__init__(content, headers=headers)
        self._content = content
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Not in the generator: one that never started is not closed.
            self._seat.leave()
            await self._content.aclose()


class EventStream(SeatedStream):
    media_type = "text/event-stream"

    def __init__(self, lines: AsyncGenerator[str, None], seat: Seat) -> None:
        super().__init__(lines, seat, {"X-Accel-Buffering": "no"})


def _lines(fragment: Fragment | None) -> str:
    if fragment is None:
        return ": alive\n\n"
    mark = f"id: {fragment.id}\n" if fragment.id is not None else ""
    return f"{mark}event: {fragment.event}\ndata: {json.dumps(fragment.data, ensure_ascii=False)}\n\n"
