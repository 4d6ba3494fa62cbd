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
class Draft:
    draft_id: str
    subject: str
    saved_at: datetime
    pairs: tuple[Pair, ...] = ()

    @property
    def typed(self) -> Typed:
        return Typed(self.pairs)


class DraftTooLarge(Exception):
    """More was typed than is kept."""


class DraftRepository(Protocol):
    async def save(self, owner: Owner, draft: Draft, expires_at: datetime) -> None: ...

    async def find(self, owner: Owner, draft_id: str) -> Draft | None: ...

    async def list(self, owner: Owner) -> Sequence[Draft]:
        """The owner's, without what is typed in them, the latest first."""

    async def delete(self, owner: Owner, draft_ids: Sequence[str]) -> None: ...


def is_draft_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


class Drafts:
    def __init__(self, drafts: DraftRepository, clock: Clock) -> None:
        self._drafts = drafts
        self._clock = clock

    async def save(self, owner: Owner, draft_id: str, typed: Typed) -> None:
        """Raises DraftTooLarge. Beyond the twentieth, a person's oldest is dropped."""
        if typed.size() > MOST_BYTES:
            raise DraftTooLarge
        now = self._clock.now()
        draft = Draft(draft_id, typed.one("subject")[:255], now, tuple(typed.pairs()))
        await self._drafts.save(owner, draft, now + KEPT)
        known = await self._drafts.list(owner)
        if len(known) > MOST_DRAFTS:
            await self._drafts.delete(owner, [one.draft_id for one in known[MOST_DRAFTS:]])

    async def find(self, owner: Owner, draft_id: str) -> Draft | None:
        return await self._drafts.find(owner, draft_id) if is_draft_id(draft_id) else None

    async def list(self, owner: Owner) -> Sequence[Draft]:
        return await self._drafts.list(owner)

    async def delete(self, owner: Owner, draft_id: str) -> None:
        await self._drafts.delete(owner, [draft_id])
