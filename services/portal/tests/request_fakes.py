"""Stand-ins for what the pages of a request hand in to."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from caseway_contracts.clients import Refused, ServiceAway
from portal.requests.drafts import Draft, DraftIsOver, Owner


class FakeIntake:
    """Takes uploads and cases of whoever asks, keeps them apart by account; refuses what a test says."""

    def __init__(self) -> None:
        self.cases: dict[tuple[str, str], dict[str, Any]] = {}
        self.uploads: dict[str, tuple[str, str, bytearray, int]] = {}
        self.errors: list[dict[str, str]] = []
        self.refusal: Refused | None = None
        self.away = False

    async def catalog(self, known: str | None = None) -> tuple[str, dict[str, Any]] | None:
        self._here()
        return None

    async def submit(self, token: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        self._here()
        if self.refusal is not None:
            raise self.refusal
        if self.errors:
            raise Refused(422, {"errors": self.errors})
        known = self.cases.setdefault((_account(token), key), body)
        if known != body:
            raise Refused(422, {"errors": [_error("/Idempotency-Key", "idempotency.other_body")]})
        return {"sr_number": f"SR01-{list(self.cases).index((_account(token), key)) + 1:09}-0"}

    async def check(self, token: str, body: dict[str, Any]) -> list[dict[str, str]]:
        self._here()
        return self.errors

    async def upload(self, token: str, name: str, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
        self._here()
        return await self._kept(token, name, bytearray([byte async for chunk in chunks for byte in chunk]), 0)

    async def open_upload(self, token: str, name: str, length: int) -> dict[str, Any]:
        self._here()
        return await self._kept(token, name, bytearray(), length)

    async def append(self, token: str, upload_id: str, offset: int, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
        data = self._mine(token, upload_id)[2]
        if offset != len(data):
            raise Refused(409, {"detail": f"The upload goes on at {len(data)}."})
        async for chunk in chunks:
            data += chunk
        return {"offset": len(data)}

    async def offset(self, token: str, upload_id: str) -> tuple[int, int]:
        _, _, data, length = self._mine(token, upload_id)
        return len(data), length

    async def withdraw(self, token: str, upload_id: str) -> None:
        self._mine(token, upload_id)
        del self.uploads[upload_id]

    async def _kept(self, token: str, name: str, data: bytearray, length: int) -> dict[str, Any]:
        upload_id = f"upload-{len(self.uploads) + 1}"
        self.uploads[upload_id] = (_account(token), name, data, length)
        return {"upload_id": upload_id, "offset": len(data)}

    def _mine(self, token: str, upload_id: str) -> tuple[str, str, bytearray, int]:
        self._here()
        found = self.uploads.get(upload_id)
        if found is None or found[0] != _account(token):
            raise Refused(404, {})
        return found

    def _here(self) -> None:
        if self.away:
            raise ServiceAway("intake did not answer")


class FakeRatings:
    def __init__(self) -> None:
        self.away = False
        self.rated: dict[str, dict[str, Any]] = {}

    async def look_up(self, token: str, urls: list[str]) -> list[dict[str, Any]]:
        if self.away:
            raise ServiceAway("url-rating did not answer")
        return [
            {"url": url, "error": "No browser would open this URL."}
            if " " in url
            else {"url": url, "rating": "untested", "score": 71, "categories": [], **self.rated.get(url, {})}
            for url in urls
        ]


class InMemoryDraftRepository:
    def __init__(self) -> None:
        self.drafts: dict[tuple[Owner, str], Draft] = {}
        self.over: set[tuple[Owner, str]] = set()

    async def save(self, owner: Owner, draft: Draft, expires_at: datetime) -> None:
        if (owner, draft.draft_id) in self.over:
            raise DraftIsOver
        known, turn = self.drafts.get((owner, draft.draft_id)), draft.turn
        if known and known.turn and turn and known.turn.page == turn.page and known.turn.number >= turn.number:
            return
        self.drafts[owner, draft.draft_id] = draft

    async def find(self, owner: Owner, draft_id: str) -> Draft | None:
        return self.drafts.get((owner, draft_id))

    async def list(self, owner: Owner) -> Sequence[Draft]:
        mine = [draft for (one, _), draft in self.drafts.items() if one == owner]
        return sorted(mine, key=lambda draft: draft.saved_at, reverse=True)

    async def delete(self, owner: Owner, draft_ids: Sequence[str]) -> None:
        for draft_id in draft_ids:
            self.drafts.pop((owner, draft_id), None)

    async def end(self, owner: Owner, draft_id: str, expires_at: datetime) -> None:
        self.over.add((owner, draft_id))
        await self.delete(owner, [draft_id])


def _account(token: str) -> str:
    return token.partition("@")[2]


def _error(field: str, code: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": code, "help": ""}
