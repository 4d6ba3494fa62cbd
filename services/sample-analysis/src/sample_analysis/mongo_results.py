import json
import zlib
from collections.abc import Collection as Some

from caseway_kit.clock import Clock
from caseway_kit.mongo import Collection, DuplicateKey, Index
from sample_analysis.reuse import Found

KEPT_SECONDS = 30 * 24 * 3600
# Compressed. What is larger took long to make, but is rare, and a document must stay far below what MongoDB takes.
LARGEST = 2 * 1024 * 1024
_FASTEST = 1


class MongoResultRepository:
    """One document a result, with all that the engines found in it, words of the customer's file included."""

    def __init__(self, results: Collection, clock: Clock) -> None:
        self._results = results
        self._clock = clock

    async def prepare(self) -> None:
        await self._results.ensure_indexes([Index([("sha256", 1)]), Index([("at", 1)], expire_after=KEPT_SECONDS)])

    async def find(self, key: str) -> Found | None:
        document = await self._results.find_one({"_id": key}, {"found": 1})
        if document is None:
            return None
        found: Found = json.loads(zlib.decompress(document["found"]))
        return found

    async def keep(self, key: str, sha256: str, found: Found) -> None:
        packed = zlib.compress(json.dumps(found).encode(), _FASTEST)
        if len(packed) > LARGEST:
            return
        try:
            await self._results.insert_one({"_id": key, "sha256": sha256, "found": packed, "at": self._clock.now()})
        except DuplicateKey:
            return

    async def forget(self, hashes: Some[str]) -> None:
        await self._results.delete_many({"sha256": {"$in": list(hashes)}})
