"""What is kept of every piece, from the moment that its work is planned."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from caseway_kit.messaging import Encoded
from caseway_kit.objects import new_salt
from sample_analysis.reanalysis import Query
from sample_analysis.work import EvidenceWork


@dataclass(frozen=True)
class Piece:
    """A piece with the lane that its work went to, and what was stated about it."""

    evidence_id: str
    revision: int
    sr_number: str
    account_id: str
    cause: str
    """Id of the case event that brought it."""
    digest: str | None
    """Of that event as it arrived; None when it was parked before it could be read by us."""
    lane: str
    salt: str
    """Of the report: kept before the report is written, so that a second try writes the same object."""
    at: datetime
    stated: Encoded | None = None
    work: str | None = None
    """The work as JSON, which holds facts only: it is done again by a re-analysis."""
    erased: bool = False
    revised: Encoded | None = None
    """What was stated last, where a re-analysis said something after ``stated``."""

    @classmethod
    def of(cls, work: EvidenceWork, *, lane: str, at: datetime, digest: str | None = None) -> "Piece":
        return cls(
            evidence_id=work.subject_id,
            revision=work.revision,
            sr_number=work.key,
            account_id=work.account_id,
            cause=str(work.caused_by),
            digest=digest,
            lane=lane,
            salt=new_salt(),
            at=at,
            work=work.model_dump_json(),
        )

    @property
    def id(self) -> str:
        return f"{self.evidence_id}/{self.revision}"

    @property
    def latest(self) -> Encoded | None:
        return self.revised or self.stated


class PieceRepository(Protocol):
    """The pieces by id (``{evidence_id}/{revision}``). Every method raises OutageError."""

    async def add(self, pieces: Sequence[Piece]) -> bool:
        """Keep those that are not there yet. False: some were, and stay as they are."""

    async def find(self, piece_id: str) -> Piece | None: ...

    async def brought_by(self, cause: str) -> Sequence[Piece]:
        """The pieces of a case event."""

    async def in_flight(self, account_id: str, *, at_most: int) -> int:
        """How many pieces of an account wait for their analysis, counted up to ``at_most``."""

    async def count_crash(self, piece_id: str) -> int:
        """Count a child that died of the piece; the answer counts all of them."""

    async def conclude(self, piece_id: str, analyzed: Encoded, *, hashes: Collection[str] = ()) -> Encoded | None:
        """Keep what is stated about the piece, unless a quicker worker did; the answer is what stands.

        ``hashes``: of all the bytes in it. None: the case was erased meanwhile, and nothing may be stated any more.
        """

    async def delay(self, piece_id: str, delayed: Encoded) -> Encoded:
        """The piece was parked: it is not in flight any more. The answer is the first such statement."""

    async def forget(self, piece_id: str) -> None:
        """The words and bytes are gone: the piece is not in flight any more, and nothing is stated about it."""

    async def stated(self, query: Query, *, after: str, limit: int) -> Sequence[Piece]:
        """Pieces about which something was stated and whose work is known, by id, those after ``after``."""

    async def revise(self, piece_id: str, revision: int, analyzed: Encoded, *, hashes: Collection[str]) -> bool:
        """Keep the statement of this revision, and have it published. False: it is not its turn, or all was erased."""

    async def erase(self, sr_number: str, account_id: str) -> Collection[str]:
        """The case was erased: forget its pieces, and tell the hashes of what was sent with it."""
