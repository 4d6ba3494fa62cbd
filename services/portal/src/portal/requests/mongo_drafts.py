from collections.abc import Sequence
from datetime import datetime
from typing import Any

from caseway_kit.mongo import Collection, DuplicateKey, Index
from portal.requests.drafts import Draft, DraftIsOver, Owner, Turn

KIND = "draft"
OVER = "draft-that-is-over"


class MongoDraftRepository:
    """In ``portal_state``, whose ``expires_at`` lets MongoDB remove what is over."""

    def __init__(self, state: Collection) -> None:
        self._state = state

    async def prepare(self) -> None:
        await self._state.ensure_indexes([Index([("contact_id", 1), ("saved_at", -1)], partial={"kind": KIND})])

    async def save(self, owner: Owner, draft: Draft, expires_at: datetime) -> None:
        which = _which(owner, draft.draft_id)
        facts = {
            **{name: value for name, value in which.items() if name != "_id"},
            "draft_id": draft.draft_id,
            "subject": draft.subject,
            "saved_at": draft.saved_at,
            "pairs": [list(pair) for pair in draft.pairs],
            "expires_at": expires_at,
        }
        if draft.turn is not None:
            facts |= {"page": draft.turn.page, "turn": draft.turn.number}
            which["$nor"] = [{"page": draft.turn.page, "turn": {"$gte": draft.turn.number}}]
        try:
            await self._state.update_one(which, {"$set": facts}, upsert=True)
        except DuplicateKey:
            # Another first save came between, or there is something that this one may not change.
            again = await self._state.update_one(which, {"$set": facts})
            if not again.matched and await self._state.find_one({"_id": which["_id"], "kind": OVER}) is not None:
                raise DraftIsOver from None

    async def find(self, owner: Owner, draft_id: str) -> Draft | None:
        found = await self._state.find_one(_which(owner, draft_id))
        return None if found is None else _draft(found)

    async def list(self, owner: Owner) -> Sequence[Draft]:
        mine = {"kind": KIND, "contact_id": owner.contact_id, "account_id": owner.account_id}
        found = await self._state.find(mine, projection={"pairs": 0}, sort=[("saved_at", -1)])
        return [_draft(one) for one in found]

    async def delete(self, owner: Owner, draft_ids: Sequence[str]) -> None:
        await self._state.delete_many({"_id": {"$in": [_which(owner, one)["_id"] for one in draft_ids]}, "kind": KIND})

    async def end(self, owner: Owner, draft_id: str, expires_at: datetime) -> None:
        over = {**_which(owner, draft_id), "kind": OVER, "expires_at": expires_at}
        await self._state.replace_one({"_id": over["_id"]}, over, upsert=True)


def _which(owner: Owner, draft_id: str) -> dict[str, Any]:
    # The owner is part of the id: the same id of somebody else's draft is another draft.
    return {
        "_id": f"{KIND}:{owner.account_id}:{owner.contact_id}:{draft_id}",
        "kind": KIND,
        "account_id": owner.account_id,
        "contact_id": owner.contact_id,
    }


def _draft(found: dict[str, Any]) -> Draft:
    pairs = tuple((str(name), str(value)) for name, value in found.get("pairs", ()))
    turn = Turn(found["page"], found["turn"]) if "turn" in found else None
    return Draft(found["draft_id"], found["subject"], found["saved_at"], pairs, turn)
