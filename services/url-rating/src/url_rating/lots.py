"""The lots of URLs that were stated, as they were stated last: what is looked at again when ratings change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from caseway_contracts.base import ObjectRef
from caseway_contracts.kinds import Rating
from caseway_contracts.ratings import UrlsRated
from url_rating.lookup import NEVER, Standing


@dataclass(frozen=True, slots=True)
class Lot:
    """``cause`` is the event that brought the URLs: what is stated about them later has ids derived from it, too.
    ``first`` is the revision that was stated for it before any of those (0: not known). Of one that an operator gave up
    only the revision counts."""

    subject_id: str
    sr_number: str
    account_id: str
    cause: UUID
    case_revision: int
    revision: int
    report: ObjectRef
    first: int = 0
    given_up: bool = False
    standing: Standing = NEVER
    marked: str | None = None
    """Set while it is to be looked at again because of a decision."""

    @classmethod
    def of(cls, stated: UrlsRated, cause: UUID, standing: Standing, *, given_up: bool = False) -> "Lot":
        return cls(
            stated.subject_id,
            stated.key,
            stated.account_id,
            cause,
            stated.case_revision,
            stated.revision,
            stated.report,
            stated.revision,
            given_up,
            standing,
        )

    def is_of(self, kept: "Lot") -> bool:
        """Whether what is kept is this statement, or one that followed it."""
        return kept.cause == self.cause and kept.first in (0, self.first)


class LotRepository(Protocol):
    async def find(self, subject_id: str) -> Lot | None: ...

    async def put(self, lot: Lot) -> bool:
        """Keep a lot as it was stated, unless something later of it is kept; False where that is another cause's."""

    async def behind(self, standing: Standing, limit: int) -> list[Lot]:
        """Lots to look at again: those that are marked, then those that were stated with something older. Never one
        that was stated with something newer: whoever has that looks at it."""

    async def revise(self, before: Lot, stated: UrlsRated, standing: Standing) -> bool:
        """Keep the next statement about a lot and state it, in one write; False where another was made, or the lot was
        marked again, meanwhile."""

    async def looked_at(self, lots: Sequence[Lot], standing: Standing) -> None:
        """Keep that nothing was to be said about these, but of those that were stated or marked again meanwhile."""

    async def mark(self, site: bytes, token: str) -> None:
        """Have all lots that hold a URL of a site looked at again."""

    async def forget(self, subject_id: str) -> None: ...

    async def erase(self, sr_number: str) -> None:
        """Forget the lots of a case."""


@dataclass(frozen=True, slots=True)
class Change:
    """A decision that not all cases that hold a URL of the site have been looked at for. ``token`` tells a later change
    of the same decision from this one."""

    id: str
    site: bytes
    token: str


class ChangeLog(Protocol):
    """What was decided and has not been looked at for cases that it concerns."""

    async def expire(self) -> None:
        """Take back what has expired."""

    async def pending(self) -> list[Change]: ...

    async def seen(self, change: Change) -> None: ...


class Told(Protocol):
    """What the people of a case were told last about a URL: a change is told once, however many lots hold the URL."""

    async def decided(self, sr_number: str, digest: bytes, rating: Rating, at: datetime) -> None:
        """The case's own request was decided, which tells its people; keep it unless they were told something later."""

    async def claim(self, sr_number: str, digest: bytes, rating: Rating, at: datetime, *, by: str) -> bool:
        """Whether ``by``, a statement, is to tell it; False where another one has."""

    async def erase(self, sr_number: str) -> None: ...
