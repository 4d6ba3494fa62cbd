"""A piece of evidence as work: one message a piece, on the topic of its lane, keyed by the piece."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal, Self, TypeVar, get_args
from uuid import UUID

from caseway_contracts.base import Event, ObjectRef
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.evidence import Evidence

Kind = Literal["file", "email", "attk_log"]
Lane = Literal["file", "email", "attk_log", "bulk"]

KINDS: tuple[str, ...] = get_args(Kind)
LANES: tuple[Lane, ...] = get_args(Lane)
BULK = "bulk"

BringsEvidence = CaseSubmitted | CaseUpdated
Fact = TypeVar("Fact", bound=Event)


def work_topic(lane: str) -> str:
    return f"{EvidenceWork.topic}-{lane.replace('_', '-')}"


class EvidenceWork(Event):
    """A piece is to be analysed; the subject is the piece, the cause the case event that brought it."""

    topic: ClassVar[str] = "sample-analysis-work"

    type: Literal["EvidenceWork"] = "EvidenceWork"
    version: Literal[1] = 1
    kind: Kind
    object: ObjectRef
    sheet: ObjectRef
    case_revision: int

    @classmethod
    def of(cls, event: BringsEvidence, piece: Evidence) -> Self:
        # Nothing here comes from a clock: a redelivered case event says the same work in the same bytes.
        return cls.following(
            event,
            subject_id=piece.id,
            occurred_at=event.occurred_at,
            kind=piece.kind,
            object=piece.object,
            sheet=event.sheet,
            case_revision=event.revision,
        )


def stated_about(work: EvidenceWork, fact: type[Fact], *, occurred_at: datetime, **facts: object) -> Fact:
    """A fact about a piece; the case event causes it, the work in between is nobody else's business."""
    cause = work.model_copy(update={"event_id": work.caused_by})
    return fact.following(
        cause, subject_id=work.subject_id, revision=work.revision, occurred_at=occurred_at, kind=work.kind, **facts
    )


def restated(work: EvidenceWork, fact: type[Fact], *, origin: UUID, occurred_at: datetime, **facts: object) -> Fact:
    """A fact that no event caused; its id follows from ``origin``, so that it is the same however often it is made."""
    asked = work.model_copy(update={"event_id": origin})
    stated = fact.following(
        asked, subject_id=work.subject_id, revision=work.revision, occurred_at=occurred_at, kind=work.kind, **facts
    )
    return stated.model_copy(update={"caused_by": None})


def works_of(event: BringsEvidence) -> Sequence[EvidenceWork]:
    """What a case event gives us to do: typed URLs and kinds that we don't know are not ours."""
    pieces = {piece.id: piece for piece in event.evidence if piece.kind in KINDS}
    return [EvidenceWork.of(event, piece) for piece in pieces.values()]
