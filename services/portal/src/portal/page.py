"""One case as the portal shows it: facts, and references to the objects that hold its words and results.

``v`` is the version of the page at which a part last changed; live streams send what is newer than what they sent.
"""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from caseway_contracts.base import ObjectRef
from caseway_contracts.kinds import (
    CaseStatus,
    IssueType,
    NotificationKind,
    Rating,
    Severity,
    Verdict,
    worst_rating,
    worst_verdict,
)
from caseway_contracts.routes import Covered


class Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class CaseFacts(Value):
    account_id: str
    region: str
    issue_type: IssueType
    category: str | None
    severity: Severity
    product: str
    submitted_at: AwareDatetime


class Sheet(Value):
    """Where the words of a case event stand."""

    revision: int
    ref: ObjectRef


class Piece(Value):
    """A submitted piece of evidence; ``revision`` is that of the case event that brought it."""

    id: str
    kind: str
    revision: int


class Statement(Value):
    """A statement about a subject: one that is newer replaces it."""

    subject_id: str
    revision: int
    v: int


class Report(Statement):
    """An EvidenceAnalyzed of a piece, or a UrlsRated of a lot of URLs."""

    at: AwareDatetime
    ref: ObjectRef


class Reclassified(Statement):
    at: AwareDatetime
    outcome: str
    rating: Rating
    score: int
    categories: tuple[int, ...]


class Completed(Statement):
    """A round of the analysis (the revision is its number), and all the results that it covers."""

    covers: tuple[Covered, ...]
    worst_verdict: Verdict | None = None
    worst_rating: Rating | None = None


class Status(Statement):
    status: CaseStatus


class Assignment(Statement):
    team: str
    priority: int
    due_at: AwareDatetime


class Escalation(Value):
    """What the customer asked for."""

    update_id: str
    type: str
    at: AwareDatetime


class EscalationState(Statement):
    """How far the team is with an escalation; the subject is the update that asked for it."""

    status: str


class Mail(Statement):
    """What became of a mail: a delivery counts for more than the failures before it."""

    kind: NotificationKind
    recipient_id: str
    sent: bool
    at: AwareDatetime


class Entry(Value):
    """An event of the timeline, with what its place there depends on."""

    event_id: str
    caused_by: str | None
    at: AwareDatetime
    service: str
    event: str
    subject_id: str
    revision: int
    says: str
    v: int


class Taken(Value):
    event_id: str
    digest: str


_VERDICT_OF_RATING: dict[Rating, Verdict] = {
    "dangerous": "malicious",
    "highly-suspicious": "suspicious",
    "suspicious": "suspicious",
    "untested": "unknown",
    "safe": "clean",
}


class CasePage(Value):
    """The read model of a case. Without ``case`` nobody sees it: what came before its CaseSubmitted waits in it."""

    sr_number: str
    version: int = 0
    epoch: str = ""
    """Tells this page from one that is built anew, whose versions count differently."""
    case: CaseFacts | None = None
    case_v: int = 0
    changed_at: AwareDatetime | None = None
    """When the last case event that is applied was stated."""
    subject: str | None = None
    erased: bool = False
    applied: int = 0
    early: tuple[str, ...] = ()
    """Case events, as JSON, that wait for the one before them."""
    waiting: tuple[str, ...] = ()
    """Events, as JSON, that wait for the case."""
    sheets: tuple[Sheet, ...] = ()
    evidence: tuple[Piece, ...] = ()
    rounds: tuple[int, ...] = ()
    reports: tuple[Report, ...] = ()
    ratings: tuple[Report, ...] = ()
    reclassified: tuple[Reclassified, ...] = ()
    completed: tuple[Completed, ...] = ()
    status: Status | None = None
    assignment: Assignment | None = None
    escalations: tuple[Escalation, ...] = ()
    escalation_states: tuple[EscalationState, ...] = ()
    mails: tuple[Mail, ...] = ()
    history: tuple[Entry, ...] = ()
    inbox: tuple[Taken, ...] = ()

    def digest_of(self, event_id: str) -> str | None:
        return next((one.digest for one in self.inbox if one.event_id == event_id), None)

    def sheet(self, revision: int) -> Sheet | None:
        return next((one for one in self.sheets if one.revision == revision), None)

    def round(self) -> int:
        return max(self.rounds, default=1)

    def verdict(self) -> Verdict | None:
        """The worst that any complete round found; None until one has found something."""
        found = [one.worst_verdict for one in self.completed if one.worst_verdict]
        rated = [one.worst_rating for one in self.completed if one.worst_rating]
        found += [_VERDICT_OF_RATING[worst_rating(rated)]] if rated else []
        return worst_verdict(found) if found else None

    def submitted_at(self) -> datetime:
        assert self.case is not None, "only pages with their case are read"
        return self.case.submitted_at
