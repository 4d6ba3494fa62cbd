from collections.abc import Sequence
from datetime import datetime
from typing import Any

from caseway_kit.group_commit import GroupCommit
from caseway_kit.mongo import Collection, Index
from caseway_kit.outbox import LONG_AGO
from intake.upload import Part, Upload
from intake.uploads import Quota


class MongoUploadRepository:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._group = GroupCommit(collection)

    async def prepare(self) -> None:
        await self._collection.ensure_indexes(
            [Index([("expires_at", 1)]), Index([("account_id", 1), ("expires_at", 1)])]
        )

    async def add(self, upload: Upload) -> None:
        await self._group.insert(_document(upload))

    async def find(self, account_id: str, upload_ids: Sequence[str]) -> dict[str, Upload]:
        found = await self._collection.find({"_id": {"$in": list(upload_ids)}, "account_id": account_id})
        return {document["_id"]: _upload(document) for document in found}

    async def finish(self, upload: Upload) -> None:
        known = {"state", "length", "offset", "size", "sha256", "type", "expires_at", "parts"}
        await self._collection.update_one(
            {"_id": upload.upload_id, "state": {"$ne": "ready"}}, {"$set": upload.model_dump(include=known)}
        )

    async def held(self, account_id: str) -> Quota:
        total = {"_id": None, "uploads": {"$sum": 1}, "size": {"$sum": "$length"}}
        found = await self._collection.aggregate([{"$match": _held(account_id)}, {"$group": total}])
        return Quota(found[0]["uploads"], found[0]["size"]) if found else Quota(0, 0)

    async def held_ids(self, account_id: str) -> list[str]:
        return [document["_id"] for document in await self._collection.find(_held(account_id), {"_id": 1})]

    async def begin_part(self, upload_id: str, writer: str) -> None:
        await self._collection.update_one({"_id": upload_id}, {"$push": {"writers": writer}})

    async def add_part(self, upload_id: str, at: int, part: Part) -> bool:
        updated = await self._collection.update_one(
            {"_id": upload_id, "state": "open", "offset": at},
            {"$set": {"offset": at + part.size}, "$push": {"parts": part.model_dump()}},
        )
        return updated.matched == 1

    async def remove(self, upload_id: str) -> None:
        await self._collection.delete_one({"_id": upload_id})

    async def expired(self, before: datetime, limit: int) -> list[Upload]:
        # $lt on a date never finds a null, which is what a claimed upload has.
        found = await self._collection.find({"expires_at": {"$lt": before}}, limit=limit)
        return [_upload(document) for document in found]

    async def expire(self, upload_id: str, now: datetime) -> None:
        # What a case is known to name has no such date, and keeps having none.
        await self._collection.update_one({"_id": upload_id, "expires_at": {"$gt": now}}, {"$set": {"expires_at": now}})

    async def keep(self, upload_ids: Sequence[str]) -> None:
        await self._collection.update_many({"_id": {"$in": list(upload_ids)}}, {"$set": {"expires_at": None}})


def _held(account_id: str) -> dict[str, Any]:
    return {"account_id": account_id, "expires_at": {"$gte": LONG_AGO}}


def _document(upload: Upload) -> dict[str, Any]:
    document = upload.model_dump()
    return {"_id": document.pop("upload_id"), **document}


def _upload(document: dict[str, Any]) -> Upload:
    return Upload.model_validate({**document, "upload_id": document["_id"]})
