"""What the topic ``profiles`` states that intake must heed at once: profiles that changed, contacts that are out.

The process that reads a partition stores what it learns; every process of intake looks there a few seconds later.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from caseway_contracts.profiles import ContactDisabled, ContactSaved, ProductProfileDeleted, ProductProfileSaved
from caseway_kit.clock import Clock
from caseway_kit.errors import InvalidEvent, OutageError
from intake.profiles_cache import ProfilesCache

REFRESH_SECONDS = 5.0
# What another process stored a moment before we looked, with a clock that is a little behind.
OVERLAP = timedelta(seconds=30)

log = structlog.get_logger()

Heeded = ContactDisabled | ContactSaved | ProductProfileDeleted | ProductProfileSaved


@dataclass(frozen=True)
class Learned:
    """The latest that is known of a contact or a profile."""

    subject: str
    kind: Literal["contact", "profile"]
    event_id: str
    digest: str
    stated_at: datetime
    learned_at: datetime
    out: bool
    revision: int


class LearnedRepository(Protocol):
    async def find(self, subject: str) -> Learned | None: ...

    async def save(self, learned: Learned) -> None: ...

    async def out(self) -> Sequence[Learned]:
        """Every contact that is out, and every profile that is gone."""

    async def since(self, moment: datetime) -> Sequence[Learned]:
        """What was learned from then on."""


class ProfileFacts:
    def __init__(self, repository: LearnedRepository, cache: ProfilesCache, clock: Clock) -> None:
        self._repository = repository
        self._cache = cache
        self._clock = clock
        self.disabled: set[str] = set()

    async def learn(self, event: Heeded, digest: str) -> None:
        known = await self._repository.find(event.subject_id)
        if known is not None and known.event_id == str(event.event_id) and known.digest != digest:
            raise InvalidEvent("the same event with other facts")
        if known is None or known.stated_at < event.occurred_at:
            known = Learned(
                subject=event.subject_id,
                kind="contact" if isinstance(event, ContactDisabled | ContactSaved) else "profile",
                event_id=str(event.event_id),
                digest=digest,
                stated_at=event.occurred_at,
                learned_at=self._clock.now(),
                out=isinstance(event, ContactDisabled | ProductProfileDeleted),
                revision=event.revision,
            )
            await self._repository.save(known)
        self._heed(known)

    async def load(self) -> None:
        for learned in await self._repository.out():
            self._heed(learned)

    async def run(self) -> None:
        """Heed what other processes learn, until cancelled."""
        looked = self._clock.now()
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            started = self._clock.now()
            try:
                for learned in await self._repository.since(looked - OVERLAP):
                    self._heed(learned)
            except OutageError as outage:
                log.warning("what other processes learned waits", part=outage.part)
            else:
                looked = started

    def _heed(self, learned: Learned) -> None:
        if learned.kind == "profile":
            if learned.out:
                self._cache.deleted(learned.subject)
            else:
                self._cache.saved(learned.subject, learned.revision)
        elif learned.out:
            self.disabled.add(learned.subject)
        else:
            self.disabled.discard(learned.subject)
