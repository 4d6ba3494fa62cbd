from collections.abc import Collection as Items
from datetime import datetime
from typing import Any
from uuid import uuid4

from caseway_kit.mongo import Collection, Database, Document, DuplicateKey, Index
from url_rating.overrides import Override

REPLACED = "replaced by the next"


class MongoOverrideRepository:
    def __init__(self, database: Database) -> None:
        self._overrides: Collection = database.collection("overrides")

    async def prepare(self) -> None:
        await self._overrides.ensure_indexes(
            [
                Index([("digest", 1), ("account_id", 1)], unique=True, partial={"active": True}),
                Index([("account_id", 1), ("_id", 1)]),
            ]
        )

    async def put(self, override: Override) -> None:
        if override.awaits_second:
            return await self._overrides.insert_one({**_document(override), "active": False})
        unseen = {} if override.account_id else {"unseen": uuid4().hex}
        while True:
            await self._replace(override, override.by, override.at)
            try:
                return await self._overrides.insert_one({**_document(override), "active": True, **unseen})
            except DuplicateKey:  # somebody else was between the two
                continue

    async def second(self, override_id: str, *, by: str, at: datetime) -> Override | None:
        waiting: Document = {
            "_id": override_id,
            "account_id": None,
            "awaits_second": True,
            "removed_at": None,
            "by": {"$ne": by},
            "$or": [{"expires_at": None}, {"expires_at": {"$gt": at}}],
        }
        seconded = {"awaits_second": False, "seconded_by": by, "seconded_at": at, "active": True}
        while (found := await self._overrides.find_one(waiting)) is not None:
            await self._replace(_override(found), by, at)
            try:
                done = await self._overrides.update_one(waiting, {"$set": {**seconded, "unseen": uuid4().hex}})
            except DuplicateKey:  # somebody else was between the two
                continue
            if not done.matched:  # somebody else seconded it, or took it back
                continue
            kept = await self._overrides.find_one({"_id": override_id})
            return None if kept is None else _override(kept)
        return None

    async def _replace(self, override: Override, by: str, at: datetime) -> None:
        same = {
            "_id": {"$ne": override.id},  # somebody else may have put it in force since we read it
            "digest": override.digest,
            "account_id": override.account_id,
            "active": True,
        }
        removed = {"removed_by": by, "removed_at": at, "removed_reason": REPLACED, "active": False}
        # Should the next one never come, its cases are told all the same that this one is over.
        unseen = {} if override.account_id else {"unseen": uuid4().hex}
        await self._overrides.update_many(same, {"$set": {**removed, **unseen}})

    async def find(self, override_id: str) -> Override | None:
        found = await self._overrides.find_one({"_id": override_id})
        return None if found is None else _override(found)

    async def ask_removal(self, override_id: str, *, by: str) -> Override | None:
        first = {"_id": override_id, "removed_at": None, "removal_by": None}
        await self._overrides.update_one(first, {"$set": {"removal_by": by}})
        return await self.find(override_id)

    async def remove(
        self, override_id: str, account_id: str | None, *, by: str, at: datetime, reason: str
    ) -> Override | None:
        mine: Document = {"_id": override_id, "account_id": account_id}
        removed = {"removed_by": by, "removed_at": at, "removed_reason": reason, "active": False}
        unseen = {} if account_id else {"unseen": uuid4().hex}
        await self._overrides.update_one({**mine, "removed_at": None}, {"$set": {**removed, **unseen}})
        found = await self._overrides.find_one(mine)
        return None if found is None else _override(found)

    async def listed(self, account_id: str | None, *, after: str | None, limit: int) -> list[Override]:
        wanted: Document = {"account_id": account_id}
        if after is not None:
            wanted["_id"] = {"$gt": after}
        return [_override(found) for found in await self._overrides.find(wanted, sort=[("_id", 1)], limit=limit)]

    async def in_force(self, digests: Items[bytes], account_id: str | None, now: datetime) -> list[Override]:
        found = await self._overrides.find(
            {
                "active": True,
                "digest": {"$in": list(digests)},
                "account_id": {"$in": [None] if account_id is None else [None, account_id]},
            }
        )
        overrides = [_override(document) for document in found]
        return [one for one in overrides if one.expires_at is None or one.expires_at > now]


def _document(override: Override) -> Document:
    document: dict[str, Any] = override.model_dump()
    return {"_id": document.pop("id"), **document}


def _override(document: Document) -> Override:
    return Override.model_validate({"id": document["_id"], **document})
