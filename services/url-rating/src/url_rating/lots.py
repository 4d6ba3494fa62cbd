"""The lots of URLs that were stated, as they were stated last: what is looked at again when ratings change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from caseway_contracts.base import ObjectRef
from caseway_contracts.ratings import UrlsRated


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

    @classmethod
    def of(cls, stated: UrlsRated, cause: UUID, *, given_up: bool = False) -> "Lot":
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
        )

    def is_of(self, kept: "Lot") -> bool:
        """Whether what is kept is this statement, or one that followed it."""
        return kept.cause == self.cause and kept.first in (0, self.first)

    def next(self, report: ObjectRef) -> "Lot":
        return replace(self, revision=self.revision + 1, report=report)


class LotRepository(Protocol):
    async def find(self, subject_id: str) -> Lot | None: ...

    async def put(self, lot: Lot) -> bool:
        """Keep a lot as it was stated, unless something later of it is kept; False where that is another cause's."""

    async def revise(self, before: Lot, stated: UrlsRated) -> bool:
        """Keep the next statement about a lot and state it, in one write; False where another was made meanwhile."""

    async def of_site(self, site: bytes, behind: str) -> Sequence[str]:
        """Subjects of some lots that hold a URL of a site, in their order, from behind one; none: that was all."""

    async def find_many(self, subject_ids: Collection[str]) -> list[Lot]: ...

    async def after(self, subject_id: str, limit: int) -> list[Lot]:
        """Lots in the order of their subjects, from behind one."""

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


@dataclass(frozen=True, slots=True)
class Pass:
    """The lists that all lots were last looked at with (None: never), those that a pass is on its way for, and the lot
    that it has come to."""

    done: tuple[str, ...] | None = None
    towards: tuple[str, ...] | None = None
    behind: str = ""


class ChangeLog(Protocol):
    """What was decided and has not been looked at for cases that it concerns."""

    async def expire(self) -> None:
        """Take back what has expired."""

    async def pending(self) -> list[Change]: ...

    async def seen(self, change: Change) -> None: ...

    async def progress(self) -> Pass: ...

    async def save(self, progress: Pass) -> None: ...
