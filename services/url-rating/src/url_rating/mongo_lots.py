from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from caseway_contracts.base import ObjectRef
from caseway_contracts.ratings import UrlsRated
from caseway_kit.clock import Clock
from caseway_kit.messaging import encode
from caseway_kit.mongo import Collection, Database, Document, DuplicateKey, Index, UpdateOne
from caseway_kit.outbox import OUTBOX_INDEX, Relay
from url_rating.lookup import Standing
from url_rating.lots import Change, Lot

SOURCE = "url-rating"
EXPIRED = "expired"
SIGHTINGS_AT_ONCE = 200
DECISIONS_AT_ONCE = 20
_MARK = {"marked": ""}


class MongoLotRepository:
    def __init__(self, lots: Collection, sightings: Collection, relay: Relay) -> None:
        self._lots = lots
        self._sightings = sightings
        self._relay = relay

    async def prepare(self) -> None:
        await self._lots.ensure_indexes(
            [
                Index([("sr_number", 1)]),
                Index([("marked", 1)], partial={"marked": {"$exists": True}}),
                Index([("switches", 1), ("release", 1)]),
                OUTBOX_INDEX,
            ]
        )
        await self._sightings.ensure_indexes([Index([("site", 1), ("subject_id", 1)])])

    async def find(self, subject_id: str) -> Lot | None:
        found = await self._lots.find_one({"_id": subject_id})
        return None if found is None else _lot(found)

    async def put(self, lot: Lot) -> bool:
        document = _document(lot)
        subject_id = document.pop("_id")
        older = {"_id": subject_id, "revision": {"$lt": lot.revision}}
        try:
            await self._lots.update_one(older, {"$set": document}, upsert=True)
        except DuplicateKey:  # what is there is not older
            kept = await self.find(subject_id)
            return kept is not None and lot.is_of(kept)
        return True

    async def behind(self, standing: Standing, limit: int) -> list[Lot]:
        for wanted in asked_for(standing):
            if found := await self._lots.find(wanted, limit=limit):
                return [_lot(document) for document in found]
        return []

    async def revise(self, before: Lot, stated: UrlsRated, standing: Standing) -> bool:
        said = {"revision": stated.revision, "report": stated.report.model_dump(), **asdict(standing)}
        push = self._relay.push(encode(stated, source=SOURCE))
        kept = await self._lots.update_one(_as(before, standing), {"$set": said, "$unset": _MARK, "$push": push})
        if kept.matched:
            self._relay.updated(before.subject_id)
        return bool(kept.matched)

    async def looked_at(self, lots: Sequence[Lot], standing: Standing) -> None:
        seen = {"$set": asdict(standing), "$unset": _MARK}
        await self._lots.bulk([UpdateOne(_as(lot, standing), seen) for lot in lots])

    async def mark(self, site: bytes, token: str) -> None:
        behind = ""
        while found := await self._sightings.find(
            {"site": site, "subject_id": {"$gt": behind}},
            {"subject_id": 1},
            sort=[("site", 1), ("subject_id", 1)],
            limit=SIGHTINGS_AT_ONCE,
        ):
            subjects = {document["subject_id"] for document in found}
            await self._lots.update_many({"_id": {"$in": list(subjects)}}, {"$set": {"marked": token}})
            behind = found[-1]["subject_id"]

    async def forget(self, subject_id: str) -> None:
        await self._lots.delete_one({"_id": subject_id})

    async def erase(self, sr_number: str) -> None:
        await self._lots.delete_many({"sr_number": sr_number})


class MongoChangeLog:
    """Decisions carry ``unseen`` from the write that makes them on, so that no crash loses one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._sources = (database.collection("overrides"), database.collection("reclassifications"))
        self._overrides = self._sources[0]
        self._clock = clock

    async def prepare(self) -> None:
        for source in self._sources:
            await source.ensure_indexes([Index([("unseen", 1)], partial={"unseen": {"$exists": True}})])
        await self._overrides.ensure_indexes([Index([("expires_at", 1)], partial={"active": True})])

    async def expire(self) -> None:
        now = self._clock.now()
        expired = {"active": True, "expires_at": {"$ne": None, "$lte": now}}
        removed = {"active": False, "removed_at": now, "removed_reason": EXPIRED}
        # An account's own never counted in a case.
        await self._overrides.update_many({**expired, "account_id": {"$ne": None}}, {"$set": removed})
        await self._overrides.update_many(expired, {"$set": {**removed, "unseen": now.isoformat()}})

    async def pending(self) -> list[Change]:
        found: list[Change] = []
        for source in self._sources:
            waiting = {"unseen": {"$exists": True}}
            documents = await source.find(waiting, {"site": 1, "unseen": 1}, limit=DECISIONS_AT_ONCE)
            found += [Change(one["_id"], one["site"], one["unseen"]) for one in documents]
        return found

    async def seen(self, change: Change) -> None:
        for source in self._sources:
            await source.update_one({"_id": change.id, "unseen": change.token}, {"$unset": {"unseen": ""}})


def asked_for(standing: Standing) -> list[Document]:
    """Which lots are to be looked at again, those first that somebody decided about."""
    release, switches = standing.release, standing.switches
    return [
        {"marked": {"$exists": True}, **_no_newer(standing)},
        {"switches": {"$lt": switches}, "release": {"$lte": release}},
        {"switches": switches, "release": {"$lt": release}},
        {"switches": None},  # stated before that was kept
    ]


def _as(lot: Lot, standing: Standing) -> Document:
    """The lot as it was read, unless somebody who knows more has looked at it since."""
    return {"_id": lot.subject_id, "revision": lot.revision, "marked": lot.marked, **_no_newer(standing)}


def _no_newer(standing: Standing) -> Document:
    return {name: {"$not": {"$gt": most}} for name, most in asdict(standing).items()}


def _document(lot: Lot) -> Document:
    document: dict[str, Any] = {
        "_id": lot.subject_id,
        "sr_number": lot.sr_number,
        "account_id": lot.account_id,
        "cause": lot.cause,
        "case_revision": lot.case_revision,
        "revision": lot.revision,
        "report": lot.report.model_dump(),
        "first": lot.first,
        "given_up": lot.given_up,
        **asdict(lot.standing),
    }
    return document


def _lot(document: Document) -> Lot:
    return Lot(
        document["_id"],
        document["sr_number"],
        document["account_id"],
        document["cause"],
        document["case_revision"],
        document["revision"],
        ObjectRef.model_validate(document["report"]),
        document.get("first", 0),
        document.get("given_up", False),
        Standing(document.get("release", 0), document.get("switches", 0)),
        document.get("marked"),
    )
