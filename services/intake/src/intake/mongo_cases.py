from collections.abc import Sequence
from datetime import datetime
from typing import Any

from caseway_contracts.base import Event, ObjectRef
from caseway_kit.clock import Clock
from caseway_kit.group_commit import GroupCommit
from caseway_kit.messaging import encode
from caseway_kit.mongo import Collection, Document, DuplicateKey, Index
from caseway_kit.objects import Objects
from caseway_kit.outbox import LONG_AGO, OUTBOX_INDEX, Publish, Relay
from intake.cases import Case
from intake.ports import KeyTaken, NumberTaken, UploadClaimed

# The arrays are left out while they are empty: to a unique index all empty arrays are the same value.
_INDEXES = (
    OUTBOX_INDEX,
    Index([("keys", 1)], unique=True, partial={"keys": {"$exists": True}}),
    Index([("uploads_claimed", 1)], unique=True, partial={"uploads_claimed": {"$exists": True}}),
    Index([("account_id", 1), ("changed_at", 1)]),
    Index([("changed_at", 1)]),
)


class MongoCaseRepository:
    """Cases with their pending events inside; ``relay`` publishes them, the words that they name first."""

    def __init__(self, collection: Collection, publish: Publish, objects: Objects, clock: Clock) -> None:
        self._collection = collection
        self._objects = objects
        self._group = GroupCommit(collection)
        self.relay = Relay(collection, publish, clock=clock, prepare=self._write_sheets)

    async def prepare(self) -> None:
        await self._collection.ensure_indexes(_INDEXES)

    async def add(self, case: Case, event: Event) -> None:
        document = {**_document(case), **self.relay.pending(encode(event, source="intake"))}
        try:
            await self._group.insert(document)
        except DuplicateKey as duplicate:
            raise _taken(duplicate) from duplicate
        self.relay.inserted(document)

    async def change(self, before: Case, after: Case, event: Event) -> bool:
        was, document = _document(before), _document(after)
        changed = {name: value for name, value in document.items() if was.get(name) != value}
        update = {"$set": changed, "$push": self.relay.push(encode(event, source="intake"))}
        try:
            updated = await self._collection.update_one(
                {"_id": before.sr_number, "account_id": before.account_id, "revision": before.revision}, update
            )
        except DuplicateKey as duplicate:
            raise _taken(duplicate) from duplicate
        if updated.matched:
            self.relay.updated(before.sr_number)
        return bool(updated.matched)

    async def find(self, sr_number: str, account_id: str | None) -> Case | None:
        scope = {} if account_id is None else {"account_id": account_id}
        found = await self._collection.find_one({"_id": sr_number, **scope}, {"outbox": 0})
        return None if found is None else _case(found)

    async def by_key(self, account_id: str, key: str) -> Case | None:
        found = await self._collection.find_one({"keys": _key(account_id, key)}, {"outbox": 0})
        return None if found is None else _case(found)

    async def claimed(self, upload_ids: Sequence[str]) -> set[str]:
        wanted = set(upload_ids)
        found = await self._collection.find({"uploads_claimed": {"$in": sorted(wanted)}}, {"uploads_claimed": 1})
        return wanted & {one for document in found for one in document["uploads_claimed"]}

    async def changed_since(self, account_id: str | None, since: datetime, limit: int) -> list[Case]:
        scope = {} if account_id is None else {"account_id": account_id}
        recent = {**scope, "changed_at": {"$gte": since}}
        # The date, which every waiting document has, is what lets the outbox's own index answer.
        waiting = {**scope, "outbox.0": {"$exists": True}, "outbox_until": {"$gte": LONG_AGO}}
        found = await self._collection.find(
            {"$or": [recent, waiting]}, {"outbox": 0}, sort=[("changed_at", -1)], limit=limit
        )
        return [_case(document) for document in found]

    async def _write_sheets(self, document: Document) -> None:
        pending = {event["event_id"] for event in document["outbox"]}
        for fact in document["facts"]:
            sheet = fact["sheet"]
            if sheet is not None and sheet["event_id"] in pending:
                await self._objects.put(ObjectRef.model_validate(sheet["ref"]), sheet["body"].encode())


def _document(case: Case) -> dict[str, Any]:
    document = case.model_dump()
    document["_id"] = document.pop("sr_number")
    if case.requests:
        document["keys"] = [_key(case.account_id, request.key) for request in case.requests]
    if not case.uploads_claimed:
        del document["uploads_claimed"]
    return document


def _case(document: Document) -> Case:
    return Case.model_validate({**document, "sr_number": document["_id"]})


def _key(account_id: str, key: str) -> str:
    return f"{account_id}/{key}"


def _taken(duplicate: DuplicateKey) -> Exception:
    if duplicate.index == "keys":
        return KeyTaken()
    return UploadClaimed() if duplicate.index == "uploads_claimed" else NumberTaken()
