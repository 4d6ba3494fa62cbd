from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel

from caseway_catalog import Catalog
from caseway_contracts.kinds import CaseStatus
from caseway_kit.auth import Caller, require
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from caseway_kit.problems import FieldError, Problem
from routing.desk import Desk

Analyst = Annotated[Caller, Depends(require("analyst"))]


class QueuedItem(BaseModel):
    """A case with URLs that its customer wants rated otherwise, and that no rule could decide about. What they are
    stands under each id at ``/api/v1/ratings/reclassifications``, where they are decided, too."""

    sr_number: str
    account_id: str
    team: str
    priority: int
    due_at: AwareDatetime
    status: CaseStatus
    url_ids: tuple[str, ...]


def build_router(*, desk: Desk, catalog: Catalog) -> APIRouter:
    router = APIRouter(prefix="/api/v1/desk", tags=["desk"])

    @router.get("/reclassifications")
    async def reclassifications(
        _: Analyst, team: str | None = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[QueuedItem]:
        """Those due first in front."""
        teams = [one.slug for one in catalog.teams]
        if team is not None and team not in teams:
            raise Problem.rule(
                FieldError("/team", "choice.invalid", "There is no such team.", f"There are {', '.join(teams)}.")
            )
        place = from_cursor(cursor, str, str)
        after = None if place is None else (place[0], place[1])
        found = await desk.reclassifications(team, after=after, limit=limit + 1)
        page = page_of(found, limit, lambda case: (case.due_at, case.sr_number))
        items = [QueuedItem.model_validate(case.model_dump()) for case in page.items]
        return Page(items=items, next_cursor=page.next_cursor)

    return router
