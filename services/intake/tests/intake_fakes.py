import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from caseway_contracts.base import Event
from caseway_kit.auth import Caller
from caseway_kit.problems import Problem
from intake.cases import Case
from intake.legacy import LegacyRequest
from intake.members import Source, Taken
from intake.peeking import Glance
from intake.ports import KeyTaken, NumberTaken, UploadClaimed
from intake.profile_facts import Learned
from intake.upload import Part, Upload
from intake.uploads import Quota

Make = Callable[..., Any]


class InMemoryCaseRepository:
    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.events: list[Event] = []

    async def add(self, case: Case, event: Event) -> None:
        if case.sr_number in self.cases:
            raise NumberTaken
        self._check(case)
        self._store(case, event)

    async def change(self, before: Case, after: Case, event: Event) -> bool:
        if self.cases[before.sr_number].revision != before.revision:
            return False
        self._check(after)
        self._store(after, event)
        return True

    async def find(self, sr_number: str, account_id: str | None) -> Case | None:
        case = self.cases.get(sr_number)
        return case if case is not None and account_id in (None, case.account_id) else None

    async def by_key(self, account_id: str, key: str) -> Case | None:
        return next((case for case in self.cases.values() if case.account_id == account_id and case.request(key)), None)

    async def claimed(self, upload_ids: Sequence[str]) -> set[str]:
        return set(upload_ids) & {one for case in self.cases.values() for one in case.uploads_claimed}

    async def changed_since(self, account_id: str | None, since: datetime, limit: int) -> list[Case]:
        found = [case for case in self.cases.values() if account_id in (None, case.account_id)]
        recent = [case for case in found if case.changed_at >= since]
        return sorted(recent, key=lambda case: case.changed_at)[:limit]

    def _store(self, case: Case, event: Event) -> None:
        self.cases[case.sr_number] = case
        self.events.append(event)

    def _check(self, case: Case) -> None:
        others = [other for other in self.cases.values() if other.sr_number != case.sr_number]
        keys = {(case.account_id, request.key) for request in case.requests}
        if keys & {(other.account_id, request.key) for other in others for request in other.requests}:
            raise KeyTaken
        if set(case.uploads_claimed) & {one for other in others for one in other.uploads_claimed}:
            raise UploadClaimed


class InMemoryUploadRepository:
    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}

    async def add(self, upload: Upload) -> None:
        self.uploads[upload.upload_id] = upload

    async def find(self, account_id: str, upload_ids: Sequence[str]) -> dict[str, Upload]:
        known = {one: self.uploads[one] for one in upload_ids if one in self.uploads}
        return {one: upload for one, upload in known.items() if upload.account_id == account_id}

    async def finish(self, upload: Upload) -> None:
        if self.uploads[upload.upload_id].state != "ready":
            self.uploads[upload.upload_id] = upload

    async def held(self, account_id: str) -> Quota:
        held = [self.uploads[one] for one in await self.held_ids(account_id)]
        return Quota(len(held), sum(one.length or 0 for one in held))

    async def held_ids(self, account_id: str) -> list[str]:
        return [one.upload_id for one in self.uploads.values() if one.account_id == account_id and one.expires_at]

    async def begin_part(self, upload_id: str, writer: str) -> None:
        known = self.uploads[upload_id]
        self._change(upload_id, writers=(*known.writers, writer))

    async def add_part(self, upload_id: str, at: int, part: Part) -> bool:
        known = self.uploads.get(upload_id)
        if known is None or known.offset != at or known.state != "open":
            return False
        self._change(upload_id, offset=at + part.size, parts=(*known.parts, part))
        return True

    async def remove(self, upload_id: str) -> None:
        self.uploads.pop(upload_id, None)

    async def expired(self, before: datetime, limit: int) -> list[Upload]:
        found = [upload for upload in self.uploads.values() if upload.expires_at and upload.expires_at < before]
        return found[:limit]

    async def expire(self, upload_id: str, now: datetime) -> None:
        expires_at = self.uploads[upload_id].expires_at
        if expires_at is not None and expires_at > now:
            self._change(upload_id, expires_at=now)

    async def keep(self, upload_ids: Sequence[str]) -> None:
        for upload_id in upload_ids:
            self._change(upload_id, expires_at=None)

    def _change(self, upload_id: str, **changes: Any) -> None:
        self.uploads[upload_id] = self.uploads[upload_id].model_copy(update=changes)


class InMemoryLegacyRepository:
    def __init__(self) -> None:
        self.requests: dict[str, LegacyRequest] = {}
        self.events: list[Event] = []

    async def add(self, request: LegacyRequest, event: Event) -> LegacyRequest | None:
        if known := self.requests.get(request.ref_id):
            return known
        self.requests[request.ref_id] = request
        self.events.append(event)
        return None


class InMemoryLearnedRepository:
    def __init__(self) -> None:
        self.learned: dict[str, Learned] = {}

    async def find(self, subject: str) -> Learned | None:
        return self.learned.get(subject)

    async def save(self, learned: Learned) -> None:
        self.learned[learned.subject] = learned

    async def out(self) -> Sequence[Learned]:
        return [learned for learned in self.learned.values() if learned.out]

    async def since(self, moment: datetime) -> Sequence[Learned]:
        return [learned for learned in self.learned.values() if learned.learned_at >= moment]


class InMemoryBlocks:
    def __init__(self) -> None:
        self.leased: dict[str, int] = {}

    async def lease(self, region: str, count: int) -> int:
        first = self.leased.get(region, 0) + 1
        self.leased[region] = first + count - 1
        return first


PLAIN: Mapping[str, Any] = {
    "type": "text/plain",
    "family": "text",
    "kind": "file",
    "state": "not_archive",
    "archive": False,
    "encrypted": False,
    "opened_with": None,
    "susceptible": [],
    "forwarded": [],
}


class FakePeek:
    """Sees what a test says, by the name of the upload; plain text where it says nothing."""

    def __init__(self) -> None:
        self.seen: dict[str, Mapping[str, Any] | None] = {}
        self.looked_at: list[tuple[str, str | None]] = []

    def sees(self, name: str, **facts: Any) -> None:
        self.seen[name] = {**PLAIN, **facts}

    async def look(self, upload: Upload, password: str | None) -> Glance | None:
        self.looked_at.append((upload.name, password))
        return Glance(self.seen.get(upload.name, PLAIN))


class FakeMembers:
    """Archives by the id of their piece: which ids stand inside."""

    def __init__(self) -> None:
        self.inside: dict[str, set[str]] = {}
        self.too_much = False
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def take(self, source: Source, wanted: Sequence[str]) -> Taken:
        self.asked += 1
        await self.open.wait()
        found = self.inside.get(source.evidence_id, set()) & set(wanted)
        return Taken(b"zip" if found else None, frozenset(found), self.too_much)


@dataclass
class FakeProfiles:
    """Answers like profiles: by token and id."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, token: str, profile_id: str) -> dict[str, Any] | None:
        self.asked.append(profile_id)
        return self.known.get(f"{token}/{profile_id}")


class FakeTokens:
    """A token is ``contact:account:role``."""

    async def caller(self, token: str) -> Caller:
        try:
            contact, account, role = token.split(":")
        except ValueError:
            raise Problem.unauthorized() from None
        return Caller(contact, account, f"{contact}@example.com", role, (), "s1", token)  # type: ignore[arg-type]  # a test writes a real role
