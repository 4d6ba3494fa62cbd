"""A job that looks at stored samples again with today's engines, and what is kept of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from pydantic import AwareDatetime

from sample_analysis.differences import Difference, Value


class Query(Value):
    """Which pieces: those that came since then, of this kind, that are or hold these bytes."""

    since: AwareDatetime | None = None
    kind: str | None = None
    sha256: str | None = None


class Job(Value):
    id: str
    query: Query
    dry_run: bool
    asked_by: str
    asked_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    engines: tuple[str, ...] = ()
    place: str = ""
    """Id of the last piece that was looked at; the others come after it."""
    looked_at: int = 0
    failed: int = 0
    """Pieces whose newer look was cut short or failed, so that the older one stands."""

    def same_as(self, other: "Job") -> bool:
        return (self.query, self.dry_run) == (other.query, other.dry_run)

    @property
    def state(self) -> Literal["running", "done"]:
        return "running" if self.ended_at is None else "done"


class Change(Value):
    """A piece whose verdict would be, or is, another one. Facts only: it outlives the words of the case."""

    piece_id: str
    sr_number: str
    account_id: str
    evidence_id: str
    kind: str
    sha256: str
    revision: int
    """Of the statement that says so."""
    difference: Difference
    engines: tuple[str, ...]


class JobRepository(Protocol):
    """Every method raises OutageError. A job is worked on by who holds its lease, under a token."""

    async def add(self, job: Job) -> Job:
        """Keep a job that is not there yet; the answer is the one that is there."""

    async def find(self, job_id: str) -> Job | None: ...

    async def listed(self, limit: int, before: tuple[datetime, str] | None) -> Sequence[Job]:
        """The newest first."""

    async def claim(self, token: str, now: datetime, until: datetime) -> Job | None:
        """Take the lease of the oldest job that waits or that nobody holds any more."""

    async def keep(self, job: Job, token: str, until: datetime) -> bool:
        """Save how far a job is, and go on holding it. False: somebody else holds it by now."""

    async def hold(self, job_id: str, token: str, until: datetime) -> None:
        """Go on holding it, unless somebody else does by now."""

    async def release(self, job_id: str, token: str) -> None:
        """Let anybody go on with it at once."""

    async def record(self, job_id: str, change: Change) -> None:
        """Keep a change before it is stated; one of this piece that is there already stays as it is."""

    async def changes(self, job_id: str, limit: int, after: str) -> Sequence[Change]:
        """In the order of their pieces."""

    async def count(self, job_id: str) -> int:
        """How many changes there are."""
