from collections.abc import Callable, Sequence
from datetime import datetime

from caseway_kit.clock import Clock
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Document, DuplicateKey, Index
from caseway_kit.outbox import OUTBOX_INDEX, Relay
from notifier.correspondence import Correspondence
from notifier.letters import Letter
from notifier.service import Stored

INDEXES = (
    OUTBOX_INDEX,
    Index([("due", 1)], partial={"status": "waiting"}),
    Index([("letter.sr_number", 1)]),
)


class MongoCorrespondenceRepository:
    def __init__(self, cases: Collection) -> None:
        self._cases = cases

    async def find(self, sr_number: str) -> Stored | None:
        document = await self._cases.find_one({"_id": sr_number})
        if document is None:
            return None
        inbox = tuple((one["event_id"], one["digest"]) for one in document["inbox"])
        return Stored(Correspondence.model_validate(document["correspondence"]), document["version"], inbox)

    async def save(self, stored: Stored) -> bool:
        document: Document = {
            "_id": stored.correspondence.sr_number,
            "version": stored.version,
            "correspondence": stored.correspondence.model_dump(mode="json"),
            "inbox": [{"event_id": event_id, "digest": digest} for event_id, digest in stored.inbox],
        }
        if stored.version > 1:
            before = {"_id": document["_id"], "version": stored.version - 1}
            return (await self._cases.replace_one(before, document)).matched == 1
        try:
            await self._cases.insert_one(document)
        except DuplicateKey:
            return False
        return True


class MongoLetters:
    """Letters with what became of them; a letter is due at ``due``, which a lease moves on."""

    def __init__(self, notifications: Collection, relay: Relay, clock: Clock) -> None:
        self._notifications = notifications
        self._relay = relay
        self._clock = clock
        self.on_added: Callable[[], None] = lambda: None

    async def due(self) -> bool:
        return await self._notifications.count({"status": "waiting", "due": {"$lte": self._clock.now()}}, limit=1) > 0

    async def add(self, letters: Sequence[Letter]) -> None:
        if letters:
            now = self._clock.now()
            await self._notifications.insert_many(
                [
                    {
                        "_id": letter.id,
                        "letter": letter.model_dump(mode="json"),
                        "status": "waiting",
                        "due": now,
                        "tries": 0,
                    }
                    for letter in letters
                ]
            )
            self.on_added()

    async def claim(self, until: datetime) -> tuple[Letter, int] | None:
        document = await self._notifications.find_one_and_update(
            {"status": "waiting", "due": {"$lte": self._clock.now()}},
            {"$set": {"due": until}, "$inc": {"tries": 1}},
            sort=[("due", 1)],
        )
        return None if document is None else (Letter.model_validate(document["letter"]), document["tries"] - 1)

    async def settle(self, letter: Letter, status: str, stated: Encoded) -> None:
        update = {"$set": {"status": status, "at": self._clock.now()}, "$push": Relay.push(stated)}
        settled = await self._notifications.update_one({"_id": letter.id, "status": "waiting"}, update)
        if settled.matched:
            self._relay.updated(letter.id)

    async def postpone(self, letter: Letter, due: datetime) -> None:
        await self._notifications.update_one({"_id": letter.id, "status": "waiting"}, {"$set": {"due": due}})
