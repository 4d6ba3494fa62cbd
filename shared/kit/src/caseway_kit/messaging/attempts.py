"""How often a message was tried: kept in MongoDB, as a service that is killed forgets."""

from collections import defaultdict
from datetime import timedelta
from typing import Protocol

from caseway_kit.clock import Clock
from caseway_kit.mongo import Collection, Index

KEPT = timedelta(days=7)


class Attempts(Protocol):
    """Counts by message, named by group, topic, partition and offset."""

    async def started(self, message: str) -> int:
        """Count a start; the answer counts the starts that had no end, this one included."""

    async def failed(self, message: str) -> int:
        """Count a failure; the answer counts all of them."""

    async def ended(self, message: str) -> None:
        """The message was handled: forget it."""

    async def parked(self, message: str) -> None:
        """The message was parked: a redelivery must not park it again."""

    async def was_parked(self, message: str) -> bool: ...


class MemoryAttempts:
    def __init__(self) -> None:
        self._starts: dict[str, int] = defaultdict(int)
        self._failures: dict[str, int] = defaultdict(int)
        self._parked: set[str] = set()

    async def started(self, message: str) -> int:
        self._starts[message] += 1
        return self._starts[message]

    async def failed(self, message: str) -> int:
        self._failures[message] += 1
        return self._failures[message]

    async def ended(self, message: str) -> None:
        self._starts.pop(message, None)
        self._failures.pop(message, None)

    async def parked(self, message: str) -> None:
        self._parked.add(message)

    async def was_parked(self, message: str) -> bool:
        return message in self._parked


class MongoAttempts:
    def __init__(self, collection: Collection, clock: Clock) -> None:
        self._collection = collection
        self._clock = clock

    async def prepare(self) -> None:
        expiry = Index([("at", 1)], expire_after=int(KEPT.total_seconds()))
        await self._collection.ensure_indexes([expiry])

    async def started(self, message: str) -> int:
        return await self._count(message, "starts")

    async def failed(self, message: str) -> int:
        return await self._count(message, "failures")

    async def ended(self, message: str) -> None:
        await self._collection.delete_one({"_id": message})

    async def parked(self, message: str) -> None:
        update = {"$set": {"parked": True, "at": self._clock.now()}}
        await self._collection.update_one({"_id": message}, update, upsert=True)

    async def was_parked(self, message: str) -> bool:
        return await self._collection.find_one({"_id": message, "parked": True}) is not None

    async def _count(self, message: str, what: str) -> int:
        update = {"$inc": {what: 1}, "$set": {"at": self._clock.now()}}
        counted = await self._collection.find_one_and_update({"_id": message}, update, upsert=True)
        return int((counted or {})[what])
