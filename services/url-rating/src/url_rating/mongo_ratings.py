from collections.abc import Sequence
from uuid import UUID

from caseway_kit.errors import OutageError
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Database, Document, DuplicateKey, Index
from url_rating.ratings import Sighting, StatedRatings


class MongoRatingRepository:
    def __init__(self, database: Database) -> None:
        self._ratings: Collection = database.collection("ratings")
        self._sightings: Collection = database.collection("sightings")

    async def prepare(self) -> None:
        await self._ratings.ensure_indexes([Index([("sr_number", 1)])])
        await self._sightings.ensure_indexes([Index([("digest", 1)]), Index([("sr_number", 1)])])

    async def find(self, cause: UUID) -> StatedRatings | None:
        found = await self._ratings.find_one({"_id": cause})
        return None if found is None else _stated(found)

    async def add(self, stated: StatedRatings) -> StatedRatings:
        try:
            await self._ratings.insert_one(
                {
                    "_id": stated.cause,
                    "digest": stated.digest,
                    "sr_number": stated.sr_number,
                    "statements": [statement.document() for statement in stated.statements],
                }
            )
        except DuplicateKey:
            kept = await self.find(stated.cause)
            if kept is None:  # the index refuses before a majority, which is what we read, has the document
                raise OutageError("MongoDB", "what a unique index knows can't be read") from None
            return kept
        return stated

    async def add_sightings(self, sightings: Sequence[Sighting]) -> None:
        if sightings:
            await self._sightings.insert_many([_document(sighting) for sighting in sightings])

    async def accounts(self, site: bytes, most: int) -> int:
        found = await self._sightings.aggregate(
            [{"$match": {"site": site}}, {"$group": {"_id": "$account_id"}}, {"$limit": most}, {"$count": "accounts"}]
        )
        return int(found[0]["accounts"]) if found else 0

    async def erase(self, sr_number: str) -> None:
        await self._sightings.delete_many({"sr_number": sr_number})


def _stated(document: Document) -> StatedRatings:
    statements = tuple(Encoded.from_document(statement) for statement in document["statements"])
    return StatedRatings(document["_id"], document["digest"], document["sr_number"], statements)


def _document(sighting: Sighting) -> Document:
    return {
        "_id": f"{sighting.subject_id}/{sighting.url_id}",
        "sr_number": sighting.sr_number,
        "account_id": sighting.account_id,
        "subject_id": sighting.subject_id,
        "digest": sighting.digest,
        "site": sighting.site,
        "score": sighting.score,
        "at": sighting.at,
    }
