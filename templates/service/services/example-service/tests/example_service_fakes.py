from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from example_service.pieces import Findings, Piece

from caseway_contracts.base import Event, ObjectRef
from caseway_kit.messaging import Encoded

MakeCase = Callable[..., Awaitable[Any]]


class InMemoryPieceRepository:
    def __init__(self) -> None:
        self._pieces: dict[str, Piece] = {}
        self._delayed: dict[str, Encoded] = {}

    async def add(self, piece: Piece) -> Piece:
        return self._pieces.setdefault(piece.id, piece)

    async def conclude(self, piece_id: str, analyzed: Encoded) -> Encoded:
        piece = self._pieces[piece_id]
        if piece.analyzed is None:
            self._pieces[piece_id] = replace(piece, analyzed=analyzed)
        return self._pieces[piece_id].analyzed or analyzed

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        return self._delayed.setdefault(piece_id, delayed)


@dataclass
class FakeEngine:
    """Finds nothing in anything, unless a test puts something else into ``outcomes``: findings and failures."""

    name: str = "fake/1"
    outcomes: list[Findings | Exception] = field(default_factory=list)
    examined: list[str] = field(default_factory=list)

    async def examine(self, ref: ObjectRef) -> Findings:
        self.examined.append(ref.key)
        outcome = self.outcomes.pop(0) if self.outcomes else Findings(verdict="unknown")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@dataclass
class Kafka:
    """The service on the in-memory broker: what it stated, and what it parked."""

    send: Callable[[str, bytes], Awaitable[None]]
    stated: list[dict[str, Any]] = field(default_factory=list)
    parked: list[dict[str, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        self.parked.append(headers)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def state(self, event: Event) -> None:
        await self.send(event.topic, event.model_dump_json().encode())
