from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from caseway_contracts.http import Body, RatingLookup
from caseway_contracts.kinds import Rating
from caseway_contracts.results import CategoryName, Reason
from caseway_kit.auth import Caller, require
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from caseway_kit.problems import FieldError, Problem
from url_rating.decisions import AlreadyDecided, Decisions, NoSuchRequest, NothingChanges
from url_rating.lookup import Lookup, Rated
from url_rating.reclassifications import Outcome, Proposal, Reclassification
from url_rating.verdicts import UnknownCategories

Analyst = Annotated[Caller, Depends(require("analyst"))]
SignedIn = Annotated[Caller, Depends(require())]
# As many as a request line has room for.
MOST_IDS = 50


class InvalidResult(BaseModel):
    url: str
    error: str


class RatedResult(BaseModel):
    url: str
    canonical: str
    rating: Rating
    score: int
    categories: tuple[CategoryName, ...]
    reasons: tuple[Reason, ...]


class LookupResults(BaseModel):
    results: list[RatedResult | InvalidResult]


class Decision(Body):
    """What an analyst decided. A change names a rating, categories or both."""

    outcome: Outcome
    rating: Rating | None = None
    categories: Annotated[list[int], Field(max_length=10)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    """The customer reads it."""


class RequestItem(BaseModel):
    """A request to rate a URL otherwise."""

    id: str
    sr_number: str
    url: str | None
    canonical: str | None
    requested_rating: Rating | None
    requested_categories: tuple[int, ...] | None
    rating: Rating
    score: int
    categories: tuple[int, ...]
    asked_at: str
    outcome: Outcome | None
    decided_by: str | None
    reason: str | None
    proposed: Proposal | None
    """What a first analyst decided of a widely used site, while it waits for a second one to decide the same."""


def build_router(*, lookup: Lookup, decisions: Decisions) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ratings", tags=["ratings"])

    @router.post("/lookup")
    async def look_up(body: RatingLookup, caller: SignedIn) -> LookupResults:
        rated = await lookup.rate(body.urls, account_id=caller.account_id)
        return LookupResults(results=[_result(one) for one in rated])

    @router.get("/reclassifications")
    async def reclassifications(
        _: Analyst,
        status: Literal["waiting"] = "waiting",  # noqa: ARG001 - the only status that has a list
        id: Annotated[list[str] | None, Query(max_length=MOST_IDS)] = None,  # noqa: A002 - the parameter's name outside
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[RequestItem]:
        """All that wait, or those that are named."""
        position = from_cursor(cursor, str)
        found = await decisions.waiting(ids=id, after=position[0] if position else None, limit=limit + 1)
        return page_of([_item(request) for request in found], limit, lambda item: (item.id,))

    @router.post("/reclassifications/{request_id}/decision")
    async def decide(request_id: str, body: Decision, caller: Analyst) -> RequestItem:
        try:
            return _item(
                await decisions.decide(
                    request_id,
                    body.outcome,
                    by=caller.contact_id,
                    reason=body.reason,
                    rating=body.rating,
                    categories=body.categories,
                )
            )
        except NoSuchRequest:
            raise Problem.not_found() from None
        except AlreadyDecided:
            raise Problem.conflict("This request was decided already.") from None
        except NothingChanges:
            raise Problem.rule(
                FieldError("/rating", "required", "A change needs a rating or categories.", "Give one, or keep it.")
            ) from None
        except UnknownCategories as unknown:
            raise Problem.rule(
                FieldError("/categories", "choice.invalid", f"There are no categories {unknown.categories}.")
            ) from None

    return router


def _result(rated: Rated) -> RatedResult | InvalidResult:
    if rated.canonical is None:
        assert rated.error is not None
        return InvalidResult(url=rated.url, error=f"{rated.error.says} {rated.error.help}")
    judgement = rated.judgement
    return RatedResult(
        url=rated.url,
        canonical=str(rated.canonical),
        rating=judgement.rating,
        score=judgement.score,
        categories=judgement.categories,
        reasons=judgement.reasons,
    )


def _item(request: Reclassification) -> RequestItem:
    return RequestItem.model_validate({**request.model_dump(), "asked_at": request.asked_at.isoformat()})
