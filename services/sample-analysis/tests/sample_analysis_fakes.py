from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from caseway_contracts.base import Event
from caseway_kit.messaging import Encoded
from caseway_kit.sandbox import Budget
from sample_analysis.engine_client import VERSIONS
from sample_analysis.pieces import Piece

MakeCase = Callable[..., Awaitable[Any]]


class InMemoryPieceRepository:
    def __init__(self) -> None:
        self._pieces: dict[str, Piece] = {}
        self._delayed: dict[str, Encoded] = {}
        self._erased: set[str] = set()
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
        ended = self._delayed.keys() | self._erased
        waiting = [
            piece
            for piece in self._pieces.values()
            if piece.account_id == account_id and piece.stated is None and piece.id not in ended
        ]
        return min(len(waiting), at_most)

    async def count_crash(self, piece_id: str) -> int:
        self._crashes[piece_id] = self._crashes.get(piece_id, 0) + 1
        return self._crashes[piece_id]

    async def conclude(self, piece_id: str, analyzed: Encoded) -> Encoded:
        piece = self._pieces[piece_id]
        if piece.stated is None:
            self._pieces[piece_id] = replace(piece, stated=analyzed)
        return self._pieces[piece_id].stated or analyzed

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        return self._delayed.setdefault(piece_id, delayed)

    async def forget(self, piece_id: str) -> None:
        self._erased.add(piece_id)


@dataclass
class FakeSandbox:
    """Finds nothing in anything, unless a test puts something else into ``outcomes``: results and failures."""

    outcomes: list[Any] = field(default_factory=list)
    analyzed: list[str] = field(default_factory=list)
    passwords: list[list[str]] = field(default_factory=list)

    async def run(self, function: str, *args: Any, sample: Path | None = None, budget: Budget | None = None) -> Any:
        if function == VERSIONS:
            return ["fake/1"]
        evidence_id, name, _kind, passwords, *_ = args
        assert sample is not None
        self.analyzed.append(evidence_id)
        self.passwords.append(passwords)
        outcome = self.outcomes.pop(0) if self.outcomes else {}
        if isinstance(outcome, Exception):
            raise outcome
        if not isinstance(outcome, dict):
            return outcome
        return {"files": [{"id": evidence_id, "name": name, "kind": "file"}], **outcome}


@dataclass
class Kafka:
    """The service on the in-memory broker, and what it sent."""

    send: Callable[[str, bytes], Awaitable[None]]
    stated: list[dict[str, Any]] = field(default_factory=list)
    planned: list[tuple[str, str]] = field(default_factory=list)
    parked: list[dict[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.parked.append(headers)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def state(self, event: Event) -> None:
        await self.send(event.topic, event.model_dump_json().encode())
