"""What is known and kept of a piece."""

from dataclasses import dataclass
from typing import Protocol

from caseway_contracts.base import Contract, ObjectRef
from caseway_contracts.kinds import Verdict
from caseway_contracts.results import Limit, Reason
from caseway_kit.messaging import Encoded


class Findings(Contract):
    """What was found in a piece, why, and what cut the search short."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    limits: tuple[Limit, ...] = ()


def not_analyzed(limit: str, says: str) -> Findings:
    return Findings(verdict="not_analyzed", limits=(Limit(limit=limit, says=says),))


@dataclass(frozen=True)
class Piece:
    """A piece, the case event that brought it, and what was stated about it."""

    id: str
    cause: str
    """Id of the event."""
    digest: str | None
    """Of the event as it arrived; None when it was parked before its piece was kept."""
    salt: str
    """Of the report: kept before it is written, so that a second try writes the same object."""
    analyzed: Encoded | None = None


class PieceRepository(Protocol):
    """Every method raises OutageError."""

    async def add(self, piece: Piece) -> Piece:
        """Keep a piece unless it is there; the answer is the one that stands."""

    async def conclude(self, piece_id: str, analyzed: Encoded) -> Encoded:
        """Keep what is stated about a piece, unless a quicker worker did; the answer is what stands."""

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        """Keep that a piece was parked; the answer is the first such statement."""


class Engine(Protocol):
    name: str
    """``name/version``, as events and reasons say it."""

    async def examine(self, ref: ObjectRef) -> Findings:
        """Findings also where a limit or a failure stopped it. Raises OutageError."""
