from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from caseway_kit.mongo import Collection, Index
from intake.profile_facts import Learned


class MongoLearnedRepository:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def prepare(self) -> None:
        await self._collection.ensure_indexes([Index([("learned_at", 1)]), Index([("out", 1)], partial={"out": True})])

    async def find(self, subject: str) -> Learned | None:
        found = await self._collection.find_one({"_id": subject})
        return None if found is None else _learned(found)

    async def save(self, learned: Learned) -> None:
        document = asdict(learned)
        await self._collection.replace_one({"_id": document.pop("subject")}, document, upsert=True)

    async def out(self) -> Sequence[Learned]:
        return [_learned(document) for document in await self._collection.find({"out": True})]

    async def since(self, moment: datetime) -> Sequence[Learned]:
        return [_learned(document) for document in await self._collection.find({"learned_at": {"$gte": moment}})]


def _learned(document: dict[str, Any]) -> Learned:
    return Learned(subject=document.pop("_id"), **document)
