"""Lists in MongoDB. An entry's ``_id`` is the hash of its expression and the number of its list version, so that a
look-up is one query by ``_id`` over all active versions, and no second index has to be kept while millions load.

Which version is active stands in one document a list: it switches at one stroke.
"""

import asyncio
from collections.abc import Collection as Items
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from caseway_kit.clock import Clock
from caseway_kit.mongo import Collection, Database, Document, UpdateOne
from url_rating.lists import ListEntry, ListSuperseded, ListVersion, Match

# Of 36 bytes each: a query well below what one message takes, and few queries for 500 URLs.
IDS_IN_A_QUERY = 5_000
# How long a switch may take to be seen; the version before it is still there meanwhile.
FRESH = timedelta(seconds=2)


class MongoListRepository:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._entries: Collection = database.collection("list_entries")
        self._lists: Collection = database.collection("lists")
        self._counters: Collection = database.collection("counters")
        self._clock = clock
        self._active: tuple[ListVersion, ...] = ()
        self._read_at: datetime | None = None

    async def find(self, digests: Items[bytes]) -> list[Match]:
        versions = {version.number: version for version in await self.active()}
        marks = [_mark(number) for number in versions]
        ids = [digest + mark for digest in digests for mark in marks]
        lots = [ids[start : start + IDS_IN_A_QUERY] for start in range(0, len(ids), IDS_IN_A_QUERY)]
        found = await asyncio.gather(*(self._entries.find({"_id": {"$in": lot}}) for lot in lots))
        return [_match(document, versions) for documents in found for document in documents]

    async def active(self) -> tuple[ListVersion, ...]:
        now = self._clock.now()
        if self._read_at is None or now - self._read_at > FRESH:
            documents = await self._lists.find({"active": {"$ne": None}}, sort=[("_id", 1)])
            self._active = tuple(_version(document["_id"], document["active"]) for document in documents)
            self._read_at = now
        return self._active

    async def begin(self, name: str, version: str) -> ListVersion:
        counted = await self._counters.find_one_and_update({"_id": "lists"}, {"$inc": {"last": 1}}, upsert=True)
        assert counted is not None
        begun = ListVersion(name, version, counted["last"])
        before = await self._lists.find_one({"_id": name}) or {}
        await self._lists.update_one({"_id": name}, {"$set": {"loading": _document(begun)}}, upsert=True)
        if before.get("loading"):
            await self._sweep(before["loading"]["number"])
        return begun

    async def add(self, version: ListVersion, entries: Sequence[ListEntry]) -> None:
        mark = _mark(version.number)
        documents = [
            {"_id": entry.digest + mark, "s": entry.score, "c": list(entry.categories), "v": version.number}
            for entry in entries
        ]
        refused = await self._entries.insert_many(documents)
        await self._entries.bulk([_merging(documents[position]) for position in refused])

    async def activate(self, version: ListVersion) -> None:
        switched = await self._lists.find_one_and_update(
            {"_id": version.name, "loading.number": version.number},
            [
                {
                    "$set": {
                        "dropped": "$previous",
                        "previous": "$active",
                        "active": {**_document(version), "at": self._clock.now()},
                        "loading": None,
                    }
                }
            ],
        )
        if switched is None:
            raise ListSuperseded(version.name)
        self._read_at = None
        if switched.get("dropped"):
            await self._sweep(switched["dropped"]["number"])

    async def abandon(self, version: ListVersion) -> None:
        await self._lists.update_one(
            {"_id": version.name, "loading.number": version.number}, {"$set": {"loading": None}}
        )
        await self._sweep(version.number)

    async def roll_back(self, name: str) -> ListVersion | None:
        switched = await self._lists.find_one_and_update(
            {"_id": name, "previous": {"$ne": None}}, [{"$set": {"active": "$previous", "previous": "$active"}}]
        )
        self._read_at = None
        return None if switched is None else _version(name, switched["active"])

    async def _sweep(self, number: int) -> None:
        await self._entries.delete_many({"v": number})


def _mark(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _match(document: Document, versions: dict[int, ListVersion]) -> Match:
    version = versions[document["v"]]
    return Match(document["_id"][:32], document["s"], tuple(document["c"]), version.name, version.version)


def _merging(document: Document) -> UpdateOne:
    return UpdateOne(
        {"_id": document["_id"]},
        {"$min": {"s": document["s"]}, "$addToSet": {"c": {"$each": document["c"]}}},
    )


def _document(version: ListVersion) -> dict[str, Any]:
    return {"version": version.version, "number": version.number, "entries": version.entries}


def _version(name: str, document: Document) -> ListVersion:
    return ListVersion(name, document["version"], document["number"], document["entries"])
