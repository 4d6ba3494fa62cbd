"""What routing states: who answers a case, by when, how far its analysis is, and its status."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Tag

from caseway_contracts.base import OTHER, Contract, Event, UnknownEvent, by_type
from caseway_contracts.kinds import CaseStatus, Rating, Verdict


class CaseRouted(Event):
    """A team is to answer the case, with a priority and by a time; stated anew when one of them changes."""

    topic: ClassVar[str] = "routes"

    type: Literal["CaseRouted"] = "CaseRouted"
    version: Literal[1] = 1
    team: str
    priority: int
    """1 is the most urgent."""
    due_at: AwareDatetime
    rule: str
    """Name of the rule of the catalogue that chose the team."""


class CaseEscalated(Event):
    """An escalation was taken up; the subject is the update that asked for it."""

    topic: ClassVar[str] = "routes"

    type: Literal["CaseEscalated"] = "CaseEscalated"
    version: Literal[1] = 1
    escalation_type: str
    team: str
    status: Literal["open", "done"]


class Covered(Contract):
    """A result that an AnalysisCompleted counts: type and subject of its event, and which statement of it."""

    type: Literal["EvidenceAnalyzed", "UrlsRated"]
    id: str
    revision: int


class AnalysisCompleted(Event):
    """Every piece and URL of a round has its result; the subject is the case, the revision the round's number."""

    topic: ClassVar[str] = "routes"

    type: Literal["AnalysisCompleted"] = "AnalysisCompleted"
    version: Literal[1] = 1
    round: int
    """Revision of the case event that opened the round."""
    covers: tuple[Covered, ...]
    worst_verdict: Verdict | None = None
    worst_rating: Rating | None = None


class CaseStatusChanged(Event):
    """The case has another status; the subject is the case."""

    topic: ClassVar[str] = "routes"

    type: Literal["CaseStatusChanged"] = "CaseStatusChanged"
    version: Literal[1] = 1
    status: CaseStatus


RoutesEvent = Annotated[
    Annotated[CaseRouted, Tag("CaseRouted")]
    | Annotated[CaseEscalated, Tag("CaseEscalated")]
    | Annotated[AnalysisCompleted, Tag("AnalysisCompleted")]
    | Annotated[CaseStatusChanged, Tag("CaseStatusChanged")]
    | Annotated[UnknownEvent, Tag(OTHER)],
    by_type(CaseRouted, CaseEscalated, AnalysisCompleted, CaseStatusChanged),
]
