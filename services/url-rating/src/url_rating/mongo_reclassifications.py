from collections.abc import Collection as Items
from collections.abc import Sequence

from caseway_kit.messaging import encode
from caseway_kit.mongo import Collection, Document, Index
from caseway_kit.outbox import OUTBOX_INDEX, Relay
from url_rating.lists import Match
from url_rating.reclassifications import Proposal, Reclassification

SOURCE = "url-rating"
OVERRIDES = "analysts"


class MongoReclassificationRepository:
    def __init__(self, collection: Collection, relay: Relay) -> None:
        self._collection = collection
        self._relay = relay

    async def prepare(self) -> None:
        await self._collection.ensure_indexes(
            [
                Index([("digest", 1)], partial={"outcome": "changed"}),
                Index([("waiting", 1), ("_id", 1)], partial={"waiting": True}),
                Index([("sr_number", 1)]),
                OUTBOX_INDEX,
            ]
        )

    async def add(self, requests: Sequence[Reclassification]) -> list[Reclassification]:
        await self._collection.insert_many([{**_document(request), **_unseen(request)} for request in requests])
        ids = [request.id for request in requests]
        kept = {found["_id"]: _request(found) for found in await self._collection.find({"_id": {"$in": ids}})}
        return [kept[request_id] for request_id in ids]

    async def find(self, request_id: str) -> Reclassification | None:
        found = await self._collection.find_one({"_id": request_id})
        return None if found is None else _request(found)

    async def waiting(self, *, ids: Items[str] | None = None, after: str | None, limit: int) -> list[Reclassification]:
        wanted: Document = {"waiting": True, "_id": {"$gt": after or ""}}
        if ids is not None:
            wanted["_id"]["$in"] = list(ids)
        return [_request(found) for found in await self._collection.find(wanted, sort=[("_id", 1)], limit=limit)]

    async def changed_in(self, sr_number: str) -> list[Reclassification]:
        found = await self._collection.find({"sr_number": sr_number, "outcome": "changed"})
        return [_request(document) for document in found]

    async def propose(self, request_id: str, proposal: Proposal) -> bool:
        kept = await self._collection.update_one(
            {"_id": request_id, "waiting": True}, {"$set": {"proposed": proposal.model_dump()}}
        )
        return bool(kept.matched)

    async def decide(self, decided: Reclassification) -> bool:
        # The decision, the override that it makes and the event are one write.
        document = _document(decided)
        kept = await self._collection.update_one(
            {"_id": document.pop("_id"), "waiting": True},
            {
                "$set": {**document, **_unseen(decided)},
                "$push": self._relay.push(encode(decided.stated(), source=SOURCE)),
            },
        )
        if kept.matched:
            self._relay.updated(decided.id)
        return bool(kept.matched)

    async def overrides(self, digests: Items[bytes]) -> list[Match]:
        found = await self._collection.find(
            {"digest": {"$in": list(digests)}, "outcome": "changed"},
            {"digest": 1, "score": 1, "categories": 1, "decided_at": 1},
            sort=[("decided_at", 1), ("_id", 1)],
        )
        last = {document["digest"]: document for document in found}
        return [
            Match(
                digest,
                one["score"],
                tuple(one["categories"]),
                OVERRIDES,
                one["decided_at"].date().isoformat(),
                True,
                one["decided_at"],
            )
            for digest, one in last.items()
        ]

    async def erase(self, sr_number: str) -> None:
        words: Document = {"url": None, "canonical": None, "reason": None, "proposed": None, "waiting": False}
        await self._collection.update_many({"sr_number": sr_number}, {"$set": words})


def _document(request: Reclassification) -> Document:
    document = request.model_dump()
    return {"_id": document.pop("id"), **document, "waiting": request.outcome is None}


def _unseen(decided: Reclassification) -> Document:
    return {"unseen": decided.id} if decided.outcome is not None and decided.site is not None else {}


def _request(document: Document) -> Reclassification:
    return Reclassification.model_validate({"id": document["_id"], **document})
