from collections.abc import Sequence
from dataclasses import asdict

from caseway_kit.mongo import Collection, Index
from sample_analysis.neighbours import Neighbour

_FIELDS = ("sr_number", "account_id", "sha256", "tlsh", "verdict", "at")


class MongoNeighbourRepository:
    """One document a file of a case."""

    def __init__(self, neighbours: Collection) -> None:
        self._neighbours = neighbours

    async def prepare(self) -> None:
        await self._neighbours.ensure_indexes([Index([("account_id", 1), ("at", -1)]), Index([("sr_number", 1)])])

    async def latest(self, account_id: str, *, limit: int) -> Sequence[Neighbour]:
        found = await self._neighbours.find({"account_id": account_id}, sort=[("at", -1), ("_id", 1)], limit=limit)
        return [Neighbour(**{field: document[field] for field in _FIELDS}) for document in found]

    async def add(self, neighbours: Sequence[Neighbour]) -> None:
        # A refused one is there already.
        by_id = {f"{one.sr_number}/{one.sha256}": asdict(one) for one in neighbours}
        await self._neighbours.insert_many([{"_id": key, **one} for key, one in by_id.items()])

    async def erase(self, sr_number: str) -> None:
        await self._neighbours.delete_many({"sr_number": sr_number})
