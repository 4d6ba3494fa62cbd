import base64
import binascii
import json
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from caseway_kit.problems import FieldError, Problem

LONGEST_CURSOR = 512

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=LONGEST_CURSOR)]
DEFAULT_LIMIT = 50


class Page(BaseModel, Generic[Item]):
    """One page of a list; ``next_cursor`` is null on the last."""

    items: list[Item]
    next_cursor: str | None = None


def to_cursor(*position: str | int) -> str:
    """The opaque mark of a place in a list; ``position`` is what the next query goes on after."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).rstrip(b"=").decode()


def from_cursor(cursor: str | None, *kinds: type[str] | type[int]) -> tuple[Any, ...] | None:
    """The position in ``cursor``, whose parts are exactly of ``kinds``; anything else is a 400 (code ``cursor``)."""
    if cursor is None:
        return None
    try:
        if len(cursor) > LONGEST_CURSOR:
            raise ValueError
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(position, list) or [type(part) for part in position] != list(kinds):
            raise ValueError
        if to_cursor(*position) != cursor or any(isinstance(part, int) and abs(part) >= 2**63 for part in position):
            raise ValueError
        "".join(part for part in position if isinstance(part, str)).encode()
    except (ValueError, binascii.Error, RecursionError):
        raise Problem.bad_request(
            "The cursor is not one that we gave.",
            FieldError("/cursor", "cursor", "The cursor is not one that we gave.", "Start again without it."),
        ) from None
    return tuple(position)


def page_of(found: list[Item], limit: int, place: Callable[[Item], tuple[str | int, ...]]) -> Page[Item]:
    """A page from up to ``limit + 1`` items; ``place`` gives the position of an item (what ``to_cursor`` takes)."""
    items = found[:limit]
    return Page(items=items, next_cursor=to_cursor(*place(items[-1])) if len(found) > limit else None)
