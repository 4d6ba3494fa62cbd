import re
from collections.abc import Sequence

from caseway_kit.mongo import Collection, Document, Filter, Index, UpdateOne
from portal.legacy import LegacyQuery, LegacyRow, LegacyView, place_of
from portal.listing import prefixes_of, rarest_prefix, words_of

INDEXES = [
    Index([*scope, *keys, ("submitted_at", 1), ("_id", 1)])
    for scope in ([("account_id", 1)], [])
    for keys in ([], [("prefixes", 1)])
]


class MongoLegacyRepository:
    def __init__(self, legacy_requests: Collection) -> None:
        self._requests = legacy_requests

    async def prepare(self) -> None:
        await self._requests.ensure_indexes(INDEXES)

    async def save(self, rows: Sequence[LegacyRow]) -> None:
        writes = [UpdateOne({"_id": row.view.ref_id}, {"$setOnInsert": _document(row)}, upsert=True) for row in rows]
        await self._requests.bulk(writes)

    async def remove(self, ref_id: str, account_id: str) -> None:
        await self._requests.delete_one({"_id": ref_id, "account_id": account_id})

    async def listed(self, query: LegacyQuery, account_id: str | None) -> Sequence[LegacyView]:
        wanted, order = asked_for(query, account_id)
        found = await self._requests.find(wanted, {"view": 1}, order, query.limit)
        return [LegacyView.model_validate(one["view"]) for one in found]

    async def find(self, ref_id: str, account_id: str | None) -> LegacyView | None:
        found = await self._requests.find_one({"_id": ref_id, **_scope(account_id)}, {"view": 1})
        return None if found is None else LegacyView.model_validate(found["view"])


def asked_for(query: LegacyQuery, account_id: str | None) -> tuple[Filter, list[tuple[str, int]]]:
    conditions: list[Filter] = [_scope(account_id)]
    if (prefix := rarest_prefix(query.words)) is not None:
        conditions.append({"prefixes": prefix})
    conditions += [{"words": {"$regex": f"^{re.escape(word)}"}} for word in query.words]
    if query.after is not None:
        at, ref_id = query.after
        conditions.append({"$or": [{"submitted_at": {"$lt": at}}, {"submitted_at": at, "_id": {"$lt": ref_id}}]})
    return {"$and": conditions}, [("submitted_at", -1), ("_id", -1)]


def _scope(account_id: str | None) -> Document:
    return {} if account_id is None else {"account_id": account_id}


def _document(row: LegacyRow) -> Document:
    words = words_of(row.view.subject, row.view.ref_id)
    return {
        "account_id": row.account_id,
        "submitted_at": place_of(row.view)[0],
        "words": list(words),
        "prefixes": prefixes_of(words),
        "view": row.view.model_dump(mode="json"),
    }
