"""What sample-analysis (or a team's own analyser, on ``analyses-<name>``) found out about a piece of evidence."""

from typing import Annotated, ClassVar, Literal

from pydantic import Tag

from caseway_contracts.base import OTHER, Event, ObjectRef, UnknownEvent, by_type
from caseway_contracts.kinds import Verdict


class EvidenceAnalyzed(Event):
    """One submitted piece and all that was found inside it; the subject is the piece, the key its case."""

    topic: ClassVar[str] = "analyses"

    type: Literal["EvidenceAnalyzed"] = "EvidenceAnalyzed"
    version: Literal[1] = 1
    kind: str
    verdict: Verdict
    case_revision: int
    """Revision of the case event that brought the piece."""
    sha256: str | None = None
    files: int = 0
    """How many pieces of bytes the report lists, the piece itself included."""
    urls: int = 0
    """How many URLs were found inside; url-rating rates them as one lot."""
    limits: tuple[str, ...] = ()
    """Names of the limits that cut the analysis short."""
    engines: tuple[str, ...] = ()
    """``name/version`` of every engine and rule set that took part."""
    report: ObjectRef
    """A :class:`caseway_contracts.results.EvidenceReport`."""
    previous_verdict: Verdict | None = None
    """What the statement before this one said; from revision 2 on, which a re-analysis makes."""


class EvidenceDelayed(Event):
    """A piece was parked: its analysis failed and waits for an operator. The subject is the piece."""

    topic: ClassVar[str] = "analyses"

    type: Literal["EvidenceDelayed"] = "EvidenceDelayed"
    version: Literal[1] = 1
    kind: str
    reason: str
    """A code, never a message: messages may hold words."""


AnalysesEvent = Annotated[
    Annotated[EvidenceAnalyzed, Tag("EvidenceAnalyzed")]
    | Annotated[EvidenceDelayed, Tag("EvidenceDelayed")]
    | Annotated[UnknownEvent, Tag(OTHER)],
    by_type(EvidenceAnalyzed, EvidenceDelayed),
]
