"""Contacts that may not come in any more, though their tokens are still good for some minutes.

A service that checks tokens gives ``DisabledContacts`` to its TokenVerifier, lets ``heed_contacts`` feed it from the
topic ``profiles``, and supervises ``run``.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

import structlog
from faststream import Context

from caseway_contracts.profiles import ContactDisabled, ContactSaved, ProfilesEvent
from caseway_kit.errors import OutageError
from caseway_kit.messaging import Inlet
from caseway_kit.mongo import Collection, DuplicateKey, Index

REFRESH_SECONDS = 15.0
BATCH = 200

_log = structlog.stdlib.get_logger("caseway.contacts")


class ContactRepository(Protocol):
    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        """Keep what was stated last about a contact; raises OutageError."""

    async def disabled(self) -> set[str]:
        """Raises OutageError."""


class MongoContactRepository:
    """Only contacts that were disabled once are kept."""

    def __init__(self, contacts: Collection) -> None:
        self._contacts = contacts

    async def prepare(self) -> None:
        await self._contacts.ensure_indexes([Index([("disabled", 1)])])

    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        update = {"$set": {"disabled": disabled, "at": at}}
        try:
            await self._contacts.update_one({"_id": contact_id, "at": {"$lt": at}}, update, upsert=disabled)
        except DuplicateKey:
            # What is known is not older.
            return

    async def disabled(self) -> set[str]:
        return {one["_id"] for one in await self._contacts.find({"disabled": True}, {"_id": 1})}


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


def heed_contacts(inlet: Inlet) -> None:
    """Let a service read ``profiles``; its consumers are given the DisabledContacts under the name ``disabled``."""

    @inlet.subscriber("profiles", schema=ProfilesEvent, batch=BATCH)
    async def on_profiles(events: list[ProfilesEvent], disabled: Annotated[DisabledContacts, Context()]) -> None:
        await disabled.take([event for event in events if isinstance(event, ContactDisabled | ContactSaved)])
