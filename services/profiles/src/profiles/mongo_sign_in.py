from collections.abc import Sequence
from dataclasses import asdict

from caseway_kit.mongo import Collection, DuplicateKey, Index
from profiles.sign_in import Session
from profiles.signing_keys import StoredKey
from profiles.throttle import Attempts


class MongoSessionRepository:
    def __init__(self, sessions: Collection) -> None:
        self._sessions = sessions

    async def prepare(self) -> None:
        await self._sessions.ensure_indexes([Index([("contact_id", 1)]), Index([("ends_at", 1)], expire_after=0)])

    async def add(self, session: Session) -> None:
        values = asdict(session)
        await self._sessions.insert_one({"_id": values.pop("id"), **values})

    async def find(self, session_id: str) -> Session | None:
        document = await self._sessions.find_one({"_id": session_id})
        return None if document is None else Session(id=document.pop("_id"), **document)

    async def end(self, session_id: str) -> None:
        await self._sessions.delete_one({"_id": session_id})

    async def end_all_of(self, contact_id: str) -> None:
        await self._sessions.delete_many({"contact_id": contact_id})


class MongoAttemptRepository:
    def __init__(self, attempts: Collection) -> None:
        self._attempts = attempts

    async def prepare(self) -> None:
        await self._attempts.ensure_indexes([Index([("forgotten_at", 1)], expire_after=0)])

    async def find(self, attempts_id: str) -> Attempts | None:
        document = await self._attempts.find_one({"_id": attempts_id})
        return None if document is None else Attempts(id=document.pop("_id"), **document)

    async def save(self, attempts: Attempts) -> bool:
        values = asdict(attempts)
        document = {"_id": values.pop("id"), **values}
        if attempts.count > 1:
            before = {"_id": attempts.id, "count": attempts.count - 1}
            return (await self._attempts.replace_one(before, document)).matched == 1
        try:
            await self._attempts.insert_one(document)
        except DuplicateKey:
            return False
        return True

    async def forget(self, attempts_id: str) -> None:
        await self._attempts.delete_one({"_id": attempts_id})


class MongoKeyRepository:
    def __init__(self, keys: Collection) -> None:
        self._keys = keys

    async def all(self) -> Sequence[StoredKey]:
        found = await self._keys.find({}, sort=[("_id", 1)])
        return [StoredKey(one["_id"], one["private"], one["signs_from"]) for one in found]

    async def add(self, key: StoredKey) -> bool:
        try:
            await self._keys.insert_one({"_id": key.generation, "private": key.private, "signs_from": key.signs_from})
        except DuplicateKey:
            return False
        return True

    async def drop(self, generation: int) -> None:
        await self._keys.delete_one({"_id": generation})
