"""Lists of known URLs: what an entry holds, who keeps them, and which version of a list is asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ListEntry:
    """What a list knows under the hash of one expression."""

    digest: bytes
    score: int
    categories: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ListVersion:
    """One version of a list. ``number`` marks its entries and is never used again."""

    name: str
    version: str
    number: int
    entries: int = 0

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Match:
    """What a source says of an expression. ``override`` is somebody's decision and outranks every list: an account's
    own that of an analyst, and of two analysts' the later one."""

    digest: bytes
    score: int
    categories: tuple[int, ...]
    source: str
    version: str
    override: bool = False
    at: datetime | None = None
    why: str | None = None


class ListSuperseded(Exception):
    """Another import of the same list began; only the last one may take the list's place."""


class ListRepository(Protocol):
    """Versions of lists. A version that is being loaded is asked by nobody until it is activated, at one stroke."""

    async def find(self, digests: Collection[bytes]) -> list[Match]:
        """Everything that the active versions say of the expressions."""

    async def active(self) -> tuple[ListVersion, ...]: ...

    async def switches(self) -> int | None:
        """How often what is asked has become another version, of all lists together, so that a later state has a higher
        number. None while a list that is in force cannot be asked."""

    async def begin(self, name: str, version: str) -> ListVersion:
        """A new version to load; what an import that died left of this list is swept."""

    async def add(self, version: ListVersion, entries: Sequence[ListEntry]) -> None:
        """Entries of a version; of those with the same hash the lower score counts, and the categories of both."""

    async def activate(self, version: ListVersion) -> ListVersion:
        """Ask this version from now on, keep the one before for :meth:`roll_back`, drop the one before that; the
        answer says how many different entries it has.

        :class:`ListSuperseded` where another import of the list began meanwhile.
        """

    async def abandon(self, version: ListVersion) -> None:
        """Drop a version that was not activated."""

    async def roll_back(self, name: str) -> ListVersion | None:
        """Ask the version before again; None where there is none."""
