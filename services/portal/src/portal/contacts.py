"""Contacts that may not come in any more, though their tokens are still good for some minutes."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog

from caseway_contracts.profiles import ContactDisabled, ContactSaved
from caseway_kit.errors import OutageError

REFRESH_SECONDS = 15.0

_log = structlog.stdlib.get_logger("portal.contacts")


class ContactRepository(Protocol):
    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        """Keep what was stated last about a contact; raises OutageError."""

    async def disabled(self) -> set[str]:
        """Raises OutageError."""


class DisabledContacts:
    """What the token check asks. Each process reads what any of them has consumed."""

    def __init__(self, contacts: ContactRepository, *, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self._contacts = contacts
        self._refresh_seconds = refresh_seconds
        self._disabled: set[str] = set()

    def __contains__(self, contact_id: object, /) -> bool:
        return contact_id in self._disabled

    async def take(self, events: Sequence[ContactDisabled | ContactSaved]) -> None:
        for event in events:
            disabled = isinstance(event, ContactDisabled)
            await self._contacts.save(event.subject_id, disabled=disabled, at=event.occurred_at)
        if events:
            await self.refresh()

    async def refresh(self) -> None:
        self._disabled = await self._contacts.disabled()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_seconds)
            try:
                await self.refresh()
            except OutageError as outage:
                _log.warning("disabled contacts not read, those known stay out", part=outage.part)
