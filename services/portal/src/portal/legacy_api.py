from typing import Annotated

from fastapi import APIRouter, Depends, Query

from caseway_kit.auth import Caller, require
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from caseway_kit.problems import Problem
from portal.legacy import LegacyQuery, LegacyRequests, LegacyView, place_of
from portal.listing import words_of

SignedIn = Annotated[Caller, Depends(require())]


def build_router(requests: LegacyRequests) -> APIRouter:
    router = APIRouter(prefix="/api/v1/legacy-requests", tags=["cases"])

    @router.get("")
    async def list_requests(
        caller: SignedIn,
        q: Annotated[str | None, Query(max_length=255)] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[LegacyView]:
        """Threat requests from before SR numbers, the youngest first."""
        position = from_cursor(cursor, int, str)
        words = words_of(q or "")
        if q and q.strip() and not words:
            return Page[LegacyView](items=[])
        after = (position[0], position[1]) if position else None
        found = await requests.listed(caller, LegacyQuery(words=words, after=after, limit=limit + 1))
        return page_of(list(found), limit, place_of)

    @router.get("/{ref_id}")
    async def read_request(caller: SignedIn, ref_id: str) -> LegacyView:
        found = await requests.find(caller, ref_id)
        if found is None:
            raise Problem.not_found()
        return found

    return router
