from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from caseway_kit.mongo import Collection, Filter, Index, UpdateOne
from sample_analysis.neighbours import Neighbour

NEWEST_FIRST = [("at", -1), ("_id", 1)]
_FIELDS = ("sr_number", "account_id", "sha256", "tlsh", "verdict", "at")


class MongoNeighbourRepository:
    """One document a file of a case."""

    def __init__(self, neighbours: Collection) -> None:
        self._neighbours = neighbours

    async def prepare(self) -> None:
        await self._neighbours.ensure_indexes([Index([("account_id", 1), *NEWEST_FIRST]), Index([("sr_number", 1)])])

    async def latest(self, account_id: str, *, but_in: str, until: datetime, limit: int) -> Sequence[Neighbour]:
        found = await self._neighbours.find(asked_for(account_id, but_in, until), sort=NEWEST_FIRST, limit=limit)
        return [Neighbour(**{field: document[field] for field in _FIELDS}) for document in found]

    async def keep(self, neighbours: Sequence[Neighbour]) -> None:
        by_id = {f"{one.sr_number}/{one.sha256}": one for one in neighbours}
        await self._neighbours.bulk([_upsert(key, one) for key, one in by_id.items()])

    async def erase(self, sr_number: str) -> None:
        await self._neighbours.delete_many({"sr_number": sr_number})


def asked_for(account_id: str, but_in: str, until: datetime) -> Filter:
    return {"account_id": account_id, "at": {"$lte": until}, "sr_number": {"$ne": but_in}}


def _upsert(key: str, neighbour: Neighbour) -> UpdateOne:
    facts = asdict(neighbour)
    verdict = {"verdict": facts.pop("verdict")}
    return UpdateOne({"_id": key}, {"$set": verdict, "$setOnInsert": facts}, upsert=True)
