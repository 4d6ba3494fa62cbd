import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from caseway_contracts.base import Event
from caseway_kit.contacts import DisabledContacts
from caseway_kit.messaging import Encoded
from caseway_kit.sandbox import Budget
from sample_analysis.engine_client import VERSIONS
from sample_analysis.engines.near import nearest_of
from sample_analysis.neighbours import NEAREST, Neighbour
from sample_analysis.pieces import Piece
from sample_analysis.reanalysis import Change, Job, Query
from sample_analysis.reuse import Found
from sample_analysis.work import EvidenceWork

ROOT = "{root}"
"""In the outcomes of a FakeSandbox: the id under which the engines are given a piece."""

MakeCase = Callable[..., Awaitable[Any]]


class InMemoryPieceRepository:
    def __init__(self) -> None:
        self._pieces: dict[str, Piece] = {}
        self._delayed: dict[str, Encoded] = {}
        self._hashes: dict[str, set[str]] = {}
        self.published: list[Encoded] = []
        self._crashes: dict[str, int] = {}

    async def add(self, pieces: Sequence[Piece]) -> bool:
        unknown = [piece for piece in pieces if piece.id not in self._pieces]
        self._pieces |= {piece.id: piece for piece in unknown}
        return len(unknown) == len(pieces)

    async def find(self, piece_id: str) -> Piece | None:
        return self._pieces.get(piece_id)

    async def brought_by(self, cause: str) -> Sequence[Piece]:
        return [piece for piece in self._pieces.values() if piece.cause == cause]

    async def in_flight(self, account_id: str, *, at_most: int) -> int:
        waiting = [
            piece
            for piece in self._pieces.values()
            if piece.account_id == account_id and piece.stated is None
            if not piece.erased and piece.id not in self._delayed
        ]
        return min(len(waiting), at_most)

    async def count_crash(self, piece_id: str) -> int:
        self._crashes[piece_id] = self._crashes.get(piece_id, 0) + 1
        return self._crashes[piece_id]

    async def conclude(self, piece_id: str, analyzed: Encoded, *, hashes: Collection[str] = ()) -> Encoded | None:
        piece = self._pieces[piece_id]
        if piece.erased:
            return None
        if piece.stated is None:
            self._pieces[piece_id] = replace(piece, stated=analyzed)
            self._hashes[piece_id] = set(hashes)
        return self._pieces[piece_id].stated or analyzed

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        return self._delayed.setdefault(piece_id, delayed)

    async def forget(self, piece_id: str) -> None:
        self._pieces[piece_id] = replace(self._pieces[piece_id], erased=True)

    async def stated(self, query: Query, *, after: str, limit: int) -> Sequence[Piece]:
        known = sorted(self._pieces.values(), key=lambda piece: piece.id)
        return [one for one in known if one.id > after and self._is_meant(one, query)][:limit]

    def _is_meant(self, piece: Piece, query: Query) -> bool:
        if piece.stated is None or piece.work is None or piece.erased:
            return False
        return (
            (query.since is None or piece.at >= query.since)
            and query.kind in (None, EvidenceWork.model_validate_json(piece.work).kind)
            and (query.sha256 is None or query.sha256 in self._hashes[piece.id])
        )

    async def revise(self, piece_id: str, revision: int, analyzed: Encoded, *, hashes: Collection[str]) -> bool:
        piece = self._pieces[piece_id]
        if piece.erased or piece.latest is None or json.loads(piece.latest.body)["revision"] != revision - 1:
            return False
        self._pieces[piece_id] = replace(piece, revised=analyzed)
        self._hashes[piece_id] = set(hashes)
        self.published.append(analyzed)
        return True

    async def erase(self, sr_number: str, account_id: str) -> Collection[str]:
        case = (sr_number, account_id)
        pieces = [one for one in self._pieces.values() if (one.sr_number, one.account_id) == case]
        for piece in pieces:
            await self.forget(piece.id)
        return {EvidenceWork.model_validate_json(one.work).object.sha256 for one in pieces if one.work}


class InMemoryResultRepository:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, Found]] = {}

    async def find(self, key: str) -> Found | None:
        return self.kept[key][1] if key in self.kept else None

    async def keep(self, key: str, sha256: str, found: Found) -> None:
        self.kept.setdefault(key, (sha256, found))

    async def forget(self, hashes: Collection[str]) -> None:
        self.kept = {key: kept for key, kept in self.kept.items() if kept[0] not in hashes}


class InMemoryJobRepository:
    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._leases: dict[str, tuple[str, datetime]] = {}
        self._changes: dict[tuple[str, str], Change] = {}

    async def add(self, job: Job) -> Job:
        return self._jobs.setdefault(job.id, job)

    async def find(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    async def listed(self, limit: int, before: tuple[datetime, str] | None) -> Sequence[Job]:
        jobs = sorted(self._jobs.values(), key=lambda job: (job.asked_at, job.id), reverse=True)
        return [job for job in jobs if before is None or (job.asked_at, job.id) < before][:limit]

    async def claim(self, token: str, now: datetime, until: datetime) -> Job | None:
        free = [job for job in self._jobs.values() if job.state == "running" and self._is_free(job.id, now)]
        if not free:
            return None
        job = min(free, key=lambda job: job.asked_at)
        self._leases[job.id] = (token, until)
        return job

    def _is_free(self, job_id: str, now: datetime) -> bool:
        return job_id not in self._leases or self._leases[job_id][1] <= now

    async def keep(self, job: Job, token: str, until: datetime) -> bool:
        if self._leases.get(job.id, ("", None))[0] != token or self._jobs[job.id].state == "done":
            return False
        self._jobs[job.id] = job
        self._leases[job.id] = (token, until)
        return True

    async def hold(self, job_id: str, token: str, until: datetime) -> None:
        if self._leases.get(job_id, ("", None))[0] == token:
            self._leases[job_id] = (token, until)

    async def release(self, job_id: str, token: str) -> None:
        if self._leases.get(job_id, ("", None))[0] == token:
            del self._leases[job_id]

    async def record(self, job_id: str, change: Change) -> None:
        self._changes.setdefault((job_id, change.piece_id), change)

    async def changes(self, job_id: str, limit: int, after: str) -> Sequence[Change]:
        known = sorted(self._changes)
        return [self._changes[one] for one in known if one[0] == job_id and one[1] > after][:limit]

    async def count(self, job_id: str) -> int:
        return sum(one[0] == job_id for one in self._changes)


@dataclass
class FakeSandbox:
    """Finds nothing in anything, unless a test puts something else into ``outcomes``: results and failures."""

    outcomes: list[Any] = field(default_factory=list)
    analyzed: list[str] = field(default_factory=list)
    passwords: list[list[str]] = field(default_factory=list)
    version: str = "1"

    async def run(
        self,
        function: str,
        *args: Any,
        sample: Path | None = None,
        output: int | None = None,
        budget: Budget | None = None,
    ) -> Any:
        if function == VERSIONS:
            return [f"fake/{self.version}"]
        if function == NEAREST:
            return nearest_of(*args)
        root, name, _kind, passwords, *_ = args
        assert sample is not None
        self.analyzed.append(name.removesuffix(".zip"))
        self.passwords.append(passwords)
        outcome = self.outcomes.pop(0) if self.outcomes else {}
        if isinstance(outcome, Exception):
            raise outcome
        if not isinstance(outcome, dict):
            return outcome
        known = {"files": [{"id": ROOT, "name": name, "kind": "file"}], **outcome}
        return json.loads(json.dumps(known).replace(ROOT, root))


class InMemoryNeighbourRepository:
    def __init__(self) -> None:
        self.kept: dict[str, Neighbour] = {}

    async def latest(self, account_id: str, *, but_in: str, until: datetime, limit: int) -> Sequence[Neighbour]:
        of_account = [one for one in self.kept.values() if one.account_id == account_id]
        wanted = [one for one in of_account if one.sr_number != but_in and one.at <= until]
        return sorted(wanted, key=lambda one: one.at, reverse=True)[:limit]

    async def keep(self, neighbours: Sequence[Neighbour]) -> None:
        for one in neighbours:
            known = self.kept.setdefault(f"{one.sr_number}/{one.sha256}", one)
            self.kept[f"{one.sr_number}/{one.sha256}"] = replace(known, verdict=one.verdict)

    async def erase(self, sr_number: str) -> None:
        self.kept = {key: one for key, one in self.kept.items() if one.sr_number != sr_number}


class InMemoryContactRepository:
    def __init__(self) -> None:
        self._out: set[str] = set()

    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        (self._out.add if disabled else self._out.discard)(contact_id)

    async def disabled(self) -> set[str]:
        return set(self._out)


@dataclass
class Kafka:
    """The service on the in-memory broker, and what it sent."""

    send: Callable[[str, bytes], Awaitable[None]]
    stated: list[dict[str, Any]] = field(default_factory=list)
    planned: list[tuple[str, str]] = field(default_factory=list)
    parked: list[dict[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    disabled: DisabledContacts = field(default_factory=lambda: DisabledContacts(InMemoryContactRepository()))

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.parked.append(headers)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def state(self, event: Event) -> None:
        await self.send(event.topic, event.model_dump_json().encode())
