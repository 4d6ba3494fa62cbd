import json
from collections.abc import Callable, Sequence
from collections.abc import Collection as Some
from typing import Any

from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Document, Index
from caseway_kit.outbox import OUTBOX_INDEX, Relay
from sample_analysis.pieces import Piece
from sample_analysis.reanalysis import Query

WAITING = "waiting"
ERASED = "erased"


class MongoPieceRepository:
    """One document a piece; ``state``: waiting, done, delayed or erased."""

    def __init__(self, reports: Collection) -> None:
        self._reports = reports
        self.on_revised: Callable[[str], None] = lambda _: None
        """Is told of each piece whose new statement waits in its outbox."""

    async def prepare(self) -> None:
        waiting = Index([("account_id", 1)], partial={"state": WAITING})
        hashes = [Index([(name, 1)]) for name in ("sr_number", "sha256", "hashes")]
        await self._reports.ensure_indexes([Index([("cause", 1)]), waiting, OUTBOX_INDEX, *hashes])

    async def add(self, pieces: Sequence[Piece]) -> bool:
        return not await self._reports.insert_many([_to_document(piece) for piece in pieces])

    async def find(self, piece_id: str) -> Piece | None:
        document = await self._reports.find_one({"_id": piece_id})
        return None if document is None else _from_document(document)

    async def brought_by(self, cause: str) -> Sequence[Piece]:
        return [_from_document(document) for document in await self._reports.find({"cause": cause})]

    async def in_flight(self, account_id: str, *, at_most: int) -> int:
        return await self._reports.count({"account_id": account_id, "state": WAITING}, limit=at_most)

    async def count_crash(self, piece_id: str) -> int:
        counted = await self._reports.find_one_and_update({"_id": piece_id}, {"$inc": {"crashes": 1}})
        return int((counted or {"crashes": 1})["crashes"])

    async def conclude(self, piece_id: str, analyzed: Encoded, *, hashes: Some[str] = ()) -> Encoded | None:
        return await self._keep(piece_id, "analyzed", analyzed, state="done", hashes=list(hashes), statements=1)

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        stated = await self._keep(piece_id, "delayed", delayed) or delayed
        # What was concluded before stays so: only its publication was late.
        await self._reports.update_one({"_id": piece_id, "state": WAITING}, {"$set": {"state": "delayed"}})
        return stated

    async def forget(self, piece_id: str) -> None:
        await self._reports.update_one({"_id": piece_id}, {"$set": {"state": ERASED}})

    async def stated(self, query: Query, *, after: str, limit: int) -> Sequence[Piece]:
        wanted: Document = {"_id": {"$gt": after}, "statements": {"$gte": 1}, "state": "done", "work": {"$ne": None}}
        if query.since is not None:
            wanted["at"] = {"$gte": query.since}
        if query.kind is not None:
            wanted["kind"] = query.kind
        if query.sha256 is not None:
            wanted["hashes"] = query.sha256
        found = await self._reports.find(wanted, {"hashes": 0, "delayed": 0}, [("_id", 1)], limit)
        return [_from_document(document) for document in found]

    async def revise(self, piece_id: str, revision: int, analyzed: Encoded, *, hashes: Some[str]) -> bool:
        turn = {"_id": piece_id, "state": "done", "statements": revision - 1}
        update = {
            "$set": {"revised": analyzed.document(), "statements": revision, "hashes": list(hashes)},
            "$push": Relay.push(analyzed),
        }
        revised = (await self._reports.update_one(turn, update)).matched == 1
        if revised:
            self.on_revised(piece_id)
        return revised

    async def erase(self, sr_number: str, account_id: str) -> Some[str]:
        of_the_case = {"sr_number": sr_number, "account_id": account_id}
        await self._reports.update_many(of_the_case, {"$set": {"state": ERASED}, "$unset": {"hashes": ""}})
        pieces = await self._reports.find({**of_the_case, "sha256": {"$ne": None}}, {"sha256": 1})
        return {document["sha256"] for document in pieces}

    async def _keep(self, piece_id: str, what: str, event: Encoded, **facts: Any) -> Encoded | None:
        nothing_yet = {"_id": piece_id, what: None, "state": {"$ne": ERASED}}
        update = {"$set": {what: event.document(), **facts}}
        fields = {what: 1, "state": 1}
        kept = await self._reports.find_one_and_update(nothing_yet, update, projection=fields)
        kept = kept or await self._reports.find_one({"_id": piece_id}, fields)
        if kept is not None and kept["state"] == ERASED:
            return None
        return event if kept is None else Encoded.from_document(kept[what])


def _to_document(piece: Piece) -> Document:
    return {
        "_id": piece.id,
        "evidence_id": piece.evidence_id,
        "revision": piece.revision,
        "sr_number": piece.sr_number,
        "account_id": piece.account_id,
        "cause": piece.cause,
        "digest": piece.digest,
        "lane": piece.lane,
        "salt": piece.salt,
        "at": piece.at,
        "kind": piece.lane if piece.work is None else json.loads(piece.work)["kind"],
        "work": piece.work,
        "sha256": None if piece.work is None else json.loads(piece.work)["object"]["sha256"],
        "state": WAITING,
    }


def _from_document(document: Document) -> Piece:
    analyzed = document.get("analyzed")
    return Piece(
        evidence_id=document["evidence_id"],
        revision=document["revision"],
        sr_number=document["sr_number"],
        account_id=document["account_id"],
        cause=document["cause"],
        digest=document["digest"],
        lane=document["lane"],
        salt=document["salt"],
        at=document["at"],
        stated=None if analyzed is None else Encoded.from_document(analyzed),
        work=document.get("work"),
        erased=document["state"] == ERASED,
        revised=None if document.get("revised") is None else Encoded.from_document(document["revised"]),
    )
