"""Events inside the document that they speak of, and the relay that publishes them.

An HTTP write that states a fact is one write: the document with its pending events (``outbox``). The relay is woken
by the write itself and publishes at once; what a crash left behind is found by polling. A lease on the document keeps
two relays from the same one, so that its events stay in order; readers drop what was published twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog

from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.messaging.wire import Encoded
from caseway_kit.mongo import Collection, Document, Index, UpdateOne

LEASE = timedelta(seconds=15)
POLL_SECONDS = 1.0
CHUNK = 200
MAX_INSERTED = 2_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

# What waits, and whose lease has run out, is found by this index.
OUTBOX_INDEX = Index([("outbox_until", 1)], partial={"outbox.0": {"$exists": True}})

Publish = Callable[[Sequence[Encoded]], Awaitable[None]]
Prepare = Callable[[Document], Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Backlog:
    """Documents with events that are not published, and since how many seconds the oldest of those is a fact."""

    count: int
    oldest_seconds: float | None


class Relay:
    """Publishes the pending events of one collection's documents.

    ``prepare`` is called with a document before its events go out: intake writes the objects that they name.
    """

    def __init__(
        self, collection: Collection, publish: Publish, *, clock: Clock, prepare: Prepare | None = None
    ) -> None:
        self._collection = collection
        self._publish = publish
        self._prepare = prepare
        self._clock = clock
        self._token = uuid4().hex
        self._inserted: list[Document] = []
        self._woken: set[Any] = set()
        self._wake = asyncio.Event()
        self._looks_again = 0.0

    def pending(self, *events: Encoded) -> Document:
        """Fields of a document that is about to be inserted; tell :meth:`inserted` when it is."""
        return {
            "outbox": [event.document() for event in events],
            "outbox_token": self._token,
            "outbox_until": self._clock.now() + LEASE,
        }

    @staticmethod
    def push(*events: Encoded) -> Document:
        """Operand of ``$push`` for an update of a document; tell :meth:`updated` when it is done."""
        return {"outbox": {"$each": [event.document() for event in events]}}

    def inserted(self, document: Document) -> None:
        if len(self._inserted) < MAX_INSERTED:  # beyond, polling finds it when its lease runs out
            self._inserted.append(document)
        self._wake.set()

    def updated(self, document_id: Any) -> None:
        self._woken.add(document_id)
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            try:
                await self._round()
            except OutageError as outage:
                log.warning("the relay waits", part=outage.part)
                await asyncio.sleep(POLL_SECONDS)

    async def backlog(self) -> Backlog:
        stated = {"$min": {"$min": "$outbox.headers.ce_time"}}
        total = {"_id": None, "count": {"$sum": 1}, "oldest": stated}
        # The date is what lets the outbox's own index answer.
        dated = [{"outbox_until": {"$gte": LONG_AGO}}, {"outbox_until": None}]
        waiting = {"outbox.0": {"$exists": True}, "$or": dated}
        found = await self._collection.aggregate([{"$match": waiting}, {"$group": total}])
        if not found:
            return Backlog(0, None)
        oldest = found[0]["oldest"]
        age = None if oldest is None else (self._clock.now() - datetime.fromisoformat(oldest)).total_seconds()
        return Backlog(found[0]["count"], age)

    async def _round(self) -> None:
        """What was inserted, what was updated and what others left take turns: none waits for an idle moment."""
        documents, self._inserted = self._inserted[:CHUNK], self._inserted[CHUNK:]
        if documents:
            await self._relay_or_remember(documents)
        woken = await self._claim({"_id": {"$in": self._take_woken()}}) if self._woken else []
        if woken:
            await self._relay_or_remember(woken)
        left = await self._claim({}) if self._is_time_to_look() or not documents + woken else []
        if left:
            await self._relay_or_remember(left)
        if not documents + woken + left:
            await self._idle()

    def _is_time_to_look(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._looks_again:
            return False
        self._looks_again = now + POLL_SECONDS
        return True

    async def _relay_or_remember(self, documents: Sequence[Document]) -> None:
        """What an outage holds up goes out as soon as it ends, and not only when its lease has run out."""
        try:
            await self._relay(documents)
        except OutageError:
            if len(self._woken) < MAX_INSERTED:
                self._woken.update(document["_id"] for document in documents)
            raise

    def _take_woken(self) -> list[Any]:
        woken = list(self._woken)[:CHUNK]
        self._woken.difference_update(woken)
        return woken

    async def _idle(self) -> None:
        if self._inserted or self._woken:
            return
        self._wake.clear()
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _claim(self, which: Document) -> list[Document]:
        """Take the lease of documents that wait and that no relay holds (or that this one holds)."""
        now = self._clock.now()
        free = {"$or": [{"outbox_until": {"$lt": now}}, {"outbox_until": None}]}
        if which:
            free["$or"].append({"outbox_token": {"$regex": f"^{self._token}"}})
        wanted: Document = {"outbox.0": {"$exists": True}, **free, **which}
        found = await self._collection.find(wanted, {"_id": 1}, limit=CHUNK)
        if not found:
            return []
        ids = [document["_id"] for document in found]
        claim = f"{self._token}/{uuid4().hex}"
        lease = {"$set": {"outbox_token": claim, "outbox_until": now + LEASE}}
        await self._collection.update_many({**wanted, "_id": {"$in": ids}}, lease)
        return await self._collection.find({"_id": {"$in": ids}, "outbox_token": claim})

    async def _relay(self, documents: Sequence[Document]) -> None:
        documents = await self._prepared(documents)
        fault_point("K4")
        events = [[Encoded.from_document(one) for one in document["outbox"]] for document in documents]
        await self._publish([event for one in events for event in one])
        fault_point("K5")
        operations = [
            UpdateOne(
                {"_id": document["_id"]},
                {
                    "$pull": {"outbox": {"event_id": {"$in": [event.event_id for event in sent]}}},
                    "$set": {"outbox_until": LONG_AGO},
                },
            )
            for document, sent in zip(documents, events, strict=True)
        ]
        await self._collection.bulk(operations)

    async def _prepared(self, documents: Sequence[Document]) -> Sequence[Document]:
        """The documents that are ready to go out; one that a bug holds back must not hold up the others."""
        if self._prepare is None:
            return documents
        results = await asyncio.gather(*map(self._prepare, documents), return_exceptions=True)
        for document, result in zip(documents, results, strict=True):
            if isinstance(result, OutageError | asyncio.CancelledError):
                raise result
            if result is not None:
                log.error("a document cannot be relayed", document=str(document["_id"]), exc_info=result)
        return [document for document, result in zip(documents, results, strict=True) if result is None]
