from datetime import datetime

from caseway_kit.mongo import Collection, DuplicateKey, Index


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
