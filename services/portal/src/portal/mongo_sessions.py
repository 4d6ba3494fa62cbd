from dataclasses import asdict
from datetime import datetime
from typing import Any

from caseway_kit.mongo import Collection, Index
from portal.sessions import Session

KIND = "session"


class MongoSessionRepository:
    """In ``portal_state``, where ``expires_at`` lets MongoDB remove what is over."""

    def __init__(self, state: Collection) -> None:
        self._state = state

    async def prepare(self) -> None:
        await self._state.ensure_indexes([Index([("expires_at", 1)], expire_after=0)])

    async def add(self, session: Session, idle_until: datetime) -> None:
        await self._state.insert_one({"_id": _id(session.key), "kind": KIND, **_facts(session, idle_until)})

    async def find(self, key: str) -> Session | None:
        found = await self._state.find_one({"_id": _id(key), "kind": KIND})
        if found is None:
            return None
        return Session(key=key, **{name: found[name] for name in Session.__dataclass_fields__ if name != "key"})

    async def save(self, session: Session, idle_until: datetime) -> None:
        await self._state.update_one({"_id": _id(session.key)}, {"$set": _facts(session, idle_until)})

    async def end(self, key: str) -> None:
        await self._state.delete_one({"_id": _id(key), "kind": KIND})


def _id(key: str) -> str:
    return f"{KIND}:{key}"


def _facts(session: Session, idle_until: datetime) -> dict[str, Any]:
    facts = asdict(session)
    del facts["key"]
    return {**facts, "expires_at": idle_until}
