"""What a person has typed and not submitted: it survives a reload, a sign-out and a restart, and is theirs alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from caseway_kit.clock import Clock
from portal.requests.typed import Pair, Typed

KEPT = timedelta(days=30)
MOST_BYTES = 1024 * 1024
MOST_DRAFTS = 20
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True)
class Owner:
    account_id: str
    contact_id: str


@dataclass(frozen=True)
class Turn:
    """Which posting of which open page something came with: one that comes late undoes no later one."""

    page: str
    number: int


@dataclass(frozen=True)
class Draft:
    draft_id: str
    subject: str
    saved_at: datetime
    pairs: tuple[Pair, ...] = ()
    turn: Turn | None = None

    @property
    def typed(self) -> Typed:
        return Typed(self.pairs)


class DraftTooLarge(Exception):
    """More was typed than is kept."""


class DraftIsOver(Exception):
    """It was handed in or discarded, and nothing that comes late brings it back."""


class DraftRepository(Protocol):
    async def save(self, owner: Owner, draft: Draft, expires_at: datetime) -> None:
        """Nothing changes where a later turn of the same page stands. Raises DraftIsOver."""

    async def find(self, owner: Owner, draft_id: str) -> Draft | None: ...

    async def list(self, owner: Owner) -> Sequence[Draft]:
        """The owner's, without what is typed in them, the latest first."""

    async def delete(self, owner: Owner, draft_ids: Sequence[str]) -> None: ...

    async def end(self, owner: Owner, draft_id: str, expires_at: datetime) -> None:
        """There is no such draft, and until then there will be none."""


def is_draft_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


class Drafts:
    def __init__(self, drafts: DraftRepository, clock: Clock) -> None:
        self._drafts = drafts
        self._clock = clock

    async def save(self, owner: Owner, draft_id: str, typed: Typed, turn: Turn | None = None) -> None:
        """Raises DraftTooLarge and DraftIsOver. Beyond the twentieth, a person's oldest is dropped."""
        if typed.size() > MOST_BYTES:
            raise DraftTooLarge
        now = self._clock.now()
        draft = Draft(draft_id, typed.one("subject")[:255], now, tuple(typed.pairs()), turn)
        await self._drafts.save(owner, draft, now + KEPT)
        known = await self._drafts.list(owner)
        if len(known) > MOST_DRAFTS:
            await self._drafts.delete(owner, [one.draft_id for one in known[MOST_DRAFTS:]])

    async def find(self, owner: Owner, draft_id: str) -> Draft | None:
        return await self._drafts.find(owner, draft_id) if is_draft_id(draft_id) else None

    async def list(self, owner: Owner) -> Sequence[Draft]:
        return await self._drafts.list(owner)

    async def end(self, owner: Owner, draft_id: str) -> None:
        """It was handed in or discarded."""
        await self._drafts.end(owner, draft_id, self._clock.now() + KEPT)
