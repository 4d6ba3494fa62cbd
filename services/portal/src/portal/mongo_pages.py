import re
from collections.abc import Collection as Some
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from caseway_kit.mongo import Collection, Document, Filter, Index, ReplaceOne, UpdateOne
from portal.listing import ListQuery, milliseconds, prefixes_of, severity_rank, words_of
from portal.page import CasePage
from portal.projection import CountedBy, Mark
from portal.summary import summary_of

# What the lists are ordered by stands beside the page: (field of the query, field of the document).
_PLACES = {"submitted_at": "listed.submitted_at", "severity": "listed.severity"}
_FILTERS = ("status", "category", "verdict")

INDEXES = (
    *(
        Index([*scope, *keys])
        for scope in ([("listed.account_id", 1)], [])
        for keys in (
            [("listed.submitted_at", 1), ("_id", 1)],
            [("listed.severity", 1), ("_id", 1)],
            [("listed.status", 1), ("listed.submitted_at", 1), ("_id", 1)],
            [("listed.category", 1), ("listed.submitted_at", 1), ("_id", 1)],
            [("listed.status", 1), ("listed.category", 1), ("listed.submitted_at", 1), ("_id", 1)],
            [("listed.verdict", 1), ("listed.submitted_at", 1), ("_id", 1)],
            [("listed.prefixes", 1), ("listed.submitted_at", 1), ("_id", 1)],
        )
    ),
    Index([("listed.changed_at", -1)]),
)

# A list needs neither of these, and they are most of a page.
_LIGHT = {"page.history": 0, "page.inbox": 0, "page.early": 0, "page.waiting": 0}


LISTED_AT_ONCE = 500


class MongoPageRepository:
    def __init__(self, case_pages: Collection) -> None:
        self._case_pages = case_pages

    async def prepare(self) -> None:
        await self._case_pages.ensure_indexes(INDEXES)
        await self._list_anew()

    async def find_many(self, sr_numbers: Some[str]) -> Mapping[str, CasePage]:
        found = await self._case_pages.find({"_id": {"$in": list(sr_numbers)}})
        return {document["_id"]: _from_document(document) for document in found}

    async def save_many(self, pages: Some[CasePage]) -> set[str]:
        if not pages:
            return set()
        written = list(pages)
        # Where another version stands, the filter finds nothing and the upsert runs into the _id that is there.
        refused = await self._case_pages.bulk(
            [
                ReplaceOne({"_id": page.sr_number, "version": page.version - 1}, to_document(page), upsert=True)
                for page in written
            ]
        )
        return {written[position].sr_number for position in refused}

    async def find(self, sr_number: str, account_id: str | None) -> CasePage | None:
        document = await self._case_pages.find_one(_scoped(account_id, _id=sr_number))
        return None if document is None else _from_document(document)

    async def mark(self, sr_number: str, account_id: str | None) -> Mark | None:
        found = await self._case_pages.find_one(_scoped(account_id, _id=sr_number), {"version": 1, "page.epoch": 1})
        return None if found is None else Mark(found["page"]["epoch"], found["version"])

    async def listed(self, query: ListQuery, account_id: str | None) -> Sequence[CasePage]:
        wanted, order = asked_for(query, account_id)
        found = await self._case_pages.find(wanted, _LIGHT, order, query.limit)
        return [_from_document(document) for document in found]

    async def counted(self, name: CountedBy, value: str, account_id: str | None, most: int) -> int:
        return await self._case_pages.count(_scoped(account_id, **{f"listed.{name}": value}), most)

    async def newest(self) -> datetime | None:
        newest = [("listed.changed_at", -1)]
        found = await self._case_pages.find({}, {"listed.changed_at": 1}, newest, 1)
        listed = found[0].get("listed") if found else None
        return listed["changed_at"] if listed else None

    async def _list_anew(self) -> None:
        """What an earlier version listed lacks what lists are searched by now."""
        earlier = {"listed.prefixes": None, "listed.account_id": {"$exists": True}}
        while found := await self._case_pages.find(earlier, limit=LISTED_AT_ONCE):
            await self._case_pages.bulk(
                [
                    UpdateOne(
                        {"_id": document["_id"], "version": document["version"]},
                        {"$set": {"listed": _listed_of(_from_document(document))}},
                    )
                    for document in found
                ]
            )


def _scoped(account_id: str | None, **more: Any) -> Document:
    """Only pages whose case has come, of one account or of all."""
    return {**more, "listed.account_id": {"$exists": True} if account_id is None else account_id}


def asked_for(query: ListQuery, account_id: str | None) -> tuple[Filter, list[tuple[str, int]]]:
    """The query as the database is asked it: filter and order."""
    exact = {f"listed.{name}": getattr(query, name) for name in _FILTERS if getattr(query, name) is not None}
    if query.prefix is not None:
        exact["listed.prefixes"] = query.prefix
    conditions: list[Filter] = [_scoped(account_id, **exact)]
    conditions += [{"listed.words": {"$regex": f"^{re.escape(word)}"}} for word in query.words]
    if query.after is not None:
        place, (value, sr_number) = _PLACES[query.by], query.after
        beyond = "$lt" if query.descending else "$gt"
        conditions.append({"$or": [{place: {beyond: value}}, {place: value, "_id": {beyond: sr_number}}]})
    direction = -1 if query.descending else 1
    return {"$and": conditions}, [(_PLACES[query.by], direction), ("_id", direction)]


def to_document(page: CasePage) -> Document:
    listed = None if page.case is None else _listed_of(page)
    document = page.model_dump(mode="json", exclude={"sr_number", "version"})
    return {"_id": page.sr_number, "version": page.version, "listed": listed, "page": document}


def _listed_of(page: CasePage) -> Document:
    assert page.case is not None, "only pages with their case are listed"
    summary = summary_of(page)
    words = words_of(summary.subject, summary.sr_number)
    return {
        "account_id": page.case.account_id,
        "status": summary.status,
        "category": summary.category,
        "verdict": page.verdict(),
        "severity": severity_rank(summary.severity),
        "submitted_at": milliseconds(summary),
        "words": list(words),
        "prefixes": prefixes_of(words),
        "changed_at": page.changed_at,
    }


def _from_document(document: Document) -> CasePage:
    return CasePage.model_validate({**document["page"], "sr_number": document["_id"], "version": document["version"]})
