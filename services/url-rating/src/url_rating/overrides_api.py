"""Overrides over HTTP: an account admin's are of the own account, an analyst's for everybody."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from caseway_contracts.http import Body
from caseway_contracts.kinds import Rating
from caseway_kit.auth import Caller, require
from caseway_kit.paging import DEFAULT_LIMIT, Cursor, Limit, Page, from_cursor, page_of
from caseway_kit.problems import FieldError, Problem
from url_rating.canonical import TYPED_LIMIT, InvalidUrl
from url_rating.overrides import NotInTheFuture, NotYours, Override, Overriding
from url_rating.verdicts import UnknownCategories

Decider = Annotated[Caller, Depends(require("account_admin", "analyst"))]
Reason = Annotated[str, Field(min_length=1, max_length=2_000)]


class NewOverride(Body):
    """The rating of a URL, and of what is below it unless something more specific is known."""

    url: Annotated[str, Field(min_length=1, max_length=TYPED_LIMIT)]
    rating: Rating
    categories: Annotated[tuple[int, ...], Field(max_length=10)] = ()
    reason: Reason
    expires_at: AwareDatetime | None = None


class Removal(Body):
    reason: Reason


class OverrideItem(BaseModel):
    id: str
    for_everybody: bool
    expression: str
    rating: Rating
    score: int
    categories: tuple[int, ...]
    reason: str
    by: str
    at: datetime
    expires_at: datetime | None
    awaits_second: bool
    """A widely used site: it counts when another analyst seconds it."""
    seconded_by: str | None
    seconded_at: datetime | None
    removal_by: str | None
    """Who would take back what two made: it counts until another analyst takes it back, too."""
    removed_by: str | None
    removed_at: datetime | None
    removed_reason: str | None


def build_overrides_router(overriding: Overriding) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ratings/overrides", tags=["overrides"])

    @router.get("")
    async def overrides(caller: Decider, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[OverrideItem]:
        position = from_cursor(cursor, str)
        found = await overriding.listed(
            account_id=_scope(caller), after=position[0] if position else None, limit=limit + 1
        )
        return page_of([_item(one) for one in found], limit, lambda item: (item.id,))

    @router.post("", status_code=201)
    async def put(body: NewOverride, caller: Decider) -> OverrideItem:
        try:
            override = await overriding.put(
                body.url,
                account_id=_scope(caller),
                rating=body.rating,
                categories=body.categories,
                reason=body.reason,
                by=caller.contact_id,
                expires_at=body.expires_at,
            )
        except InvalidUrl as invalid:
            raise Problem.rule(FieldError("/url", "url.invalid", invalid.says, invalid.help)) from None
        except UnknownCategories as unknown:
            raise Problem.rule(
                FieldError("/categories", "choice.invalid", f"There are no categories {unknown.categories}.")
            ) from None
        except NotInTheFuture:
            raise Problem.rule(
                FieldError("/expires_at", "choice.invalid", "This time is past.", "Give a later one, or none.")
            ) from None
        return _item(override)

    @router.post("/{override_id}/second")
    async def second(override_id: str, caller: Annotated[Caller, Depends(require("analyst"))]) -> OverrideItem:
        try:
            return _item(await overriding.second(override_id, by=caller.contact_id))
        except NotYours:
            raise Problem.conflict("Nothing of this id waits for you: somebody else than its author decides.") from None

    @router.post("/{override_id}/remove")
    async def remove(override_id: str, body: Removal, caller: Decider) -> OverrideItem:
        removed = await overriding.remove(
            override_id, account_id=_scope(caller), reason=body.reason, by=caller.contact_id
        )
        if removed is None:
            raise Problem.not_found()
        return _item(removed)

    return router


def _scope(caller: Caller) -> str | None:
    return None if caller.role == "analyst" else caller.account_id


def _item(override: Override) -> OverrideItem:
    return OverrideItem.model_validate({**override.model_dump(), "for_everybody": override.account_id is None})
