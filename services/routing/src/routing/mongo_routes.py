from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Document, DuplicateKey
from routing.route import Route
from routing.service import Applied, Stored


class MongoRouteRepository:
    def __init__(self, routes: Collection) -> None:
        self._routes = routes

    async def find(self, sr_number: str) -> Stored | None:
        document = await self._routes.find_one({"_id": sr_number})
        return None if document is None else _from_document(document)

    async def save(self, stored: Stored) -> bool:
        document = _to_document(stored)
        if stored.version > 1:
            before = {"_id": stored.route.sr_number, "version": stored.version - 1}
            return (await self._routes.replace_one(before, document)).matched == 1
        try:
            await self._routes.insert_one(document)
        except DuplicateKey:
            return False
        return True


def _to_document(stored: Stored) -> Document:
    inbox = [
        {"event_id": one.event_id, "digest": one.digest, "stated": [event.document() for event in one.stated]}
        for one in stored.inbox
    ]
    return {
        "_id": stored.route.sr_number,
        "version": stored.version,
        "route": stored.route.model_dump(mode="json"),
        "waiting_urls": list(stored.route.waiting),
        "inbox": inbox,
    }


def _from_document(document: Document) -> Stored:
    inbox = tuple(
        Applied(one["event_id"], one["digest"], tuple(Encoded.from_document(event) for event in one["stated"]))
        for one in document["inbox"]
    )
    return Stored(Route.model_validate(document["route"]), document["version"], inbox)
