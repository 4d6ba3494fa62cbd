"""A case as it is read (design section 6, "A case"), by the portal's reads, by intake's and by the command line."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from caseway_contracts.base import Contract
from caseway_contracts.kinds import CaseStatus, IssueType, NotificationKind, Severity, Verdict
from caseway_contracts.results import AttkLogResult, EmailResult, FileResult, UrlResult


class TimelineItem(Contract):
    """Something that happened to the case, in words."""

    at: AwareDatetime
    service: str
    event: str
    says: str


class EscalationView(Contract):
    """An escalation, and whether it has been dealt with."""

    type: str
    at: AwareDatetime
    status: str


class NotificationView(Contract):
    """A mail about the case."""

    kind: NotificationKind
    to: str
    status: Literal["sent", "waiting", "failed"]
    at: AwareDatetime


class AnalysisView(Contract):
    """What is known about the evidence; lists are cut at 500."""

    complete: bool = False
    round: int = 1
    files: tuple[FileResult, ...] = ()
    urls: tuple[UrlResult, ...] = ()
    emails: tuple[EmailResult, ...] = ()
    attk_logs: tuple[AttkLogResult, ...] = ()
    truncated: bool = False


class CaseSummary(Contract):
    """A case in a list."""

    sr_number: str
    status: CaseStatus
    issue_type: IssueType
    category: str | None
    subject: str
    severity: Severity
    product: str
    submitted_at: AwareDatetime
    region: str
    team: str | None = None
    priority: int | None = None
    due_at: AwareDatetime | None = None
    verdict: Verdict | None = None
    """The worst that a complete round of the analysis found; none until one has found something."""
    escalations: tuple[EscalationView, ...] = ()


class CaseView(CaseSummary):
    """A case with all that is known about it."""

    description: str
    business_impact: str | None = None
    cc: tuple[str, ...] = ()
    fields: dict[str, Any] = Field(default_factory=dict)
    analysis: AnalysisView = AnalysisView()
    notifications: tuple[NotificationView, ...] = ()
    timeline: tuple[TimelineItem, ...] = ()
