from datetime import datetime

from caseway_contracts.kinds import Rating
from caseway_kit.mongo import Collection, Document, DuplicateKey, Index


class MongoTold:
    def __init__(self, told: Collection) -> None:
        self._told = told

    async def prepare(self) -> None:
        await self._told.ensure_indexes([Index([("sr_number", 1)])])

    async def decided(self, sr_number: str, digest: bytes, rating: Rating, at: datetime) -> None:
        await self._keep(sr_number, digest, {"at": {"$lt": at}}, {"rating": rating, "by": "decision", "at": at})

    async def claim(self, sr_number: str, digest: bytes, rating: Rating, at: datetime, *, by: str) -> bool:
        mine = {"$or": [{"rating": {"$ne": rating}}, {"by": by}]}
        return await self._keep(sr_number, digest, mine, {"rating": rating, "by": by, "at": at})

    async def erase(self, sr_number: str) -> None:
        await self._told.delete_many({"sr_number": sr_number})

    async def _keep(self, sr_number: str, digest: bytes, unless_other: Document, said: Document) -> bool:
        """Write what was said; False where something is there, and not as ``unless_other`` says."""
        place = f"{sr_number}/{digest.hex()}"
        update = {"$set": {"sr_number": sr_number, **said}}
        try:
            await self._told.update_one({"_id": place, **unless_other}, update, upsert=True)
        except DuplicateKey:
            return False
        return True
