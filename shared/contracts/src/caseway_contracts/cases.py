"""What intake states about cases. Revisions count per case, over all types: CaseSubmitted is revision 1."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag

from caseway_contracts.base import OTHER, Event, ObjectRef, UnknownEvent, by_type
from caseway_contracts.evidence import Evidence
from caseway_contracts.kinds import IssueType, Severity


class CaseEvent(Event):
    """What every fact about a case says: the key and the subject are its SR number."""

    topic: ClassVar[str] = "cases"

    version: Literal[1] = 1
    region: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    by: str
    """Id of the contact who acted."""


class CaseSubmitted(CaseEvent):
    """A customer opened a case, and intake stored it with its evidence."""

    type: Literal["CaseSubmitted"] = "CaseSubmitted"
    issue_type: IssueType
    category: str | None
    severity: Severity
    product: str
    catalog_version: str
    profile_id: str
    profile_revision: int
    sheet: ObjectRef
    """The customer's words: a :class:`caseway_contracts.sheets.CaseSheet`."""
    evidence: tuple[Evidence, ...] = ()
    promoted_from: tuple[str, ...] = ()
    """Ids of the pieces of an earlier case that this one was made of."""


class CaseUpdated(CaseEvent):
    """A customer added to a case: words, evidence, recipients, or another urgency."""

    type: Literal["CaseUpdated"] = "CaseUpdated"
    update_id: str
    severity: Severity | None = None
    sheet: ObjectRef
    """A :class:`caseway_contracts.sheets.UpdateSheet`."""
    evidence: tuple[Evidence, ...] = ()


class CaseClosed(CaseEvent):
    """A customer closed a case."""

    type: Literal["CaseClosed"] = "CaseClosed"
    update_id: str
    sheet: ObjectRef | None = None


class CaseReopened(CaseEvent):
    """A customer reopened a closed case."""

    type: Literal["CaseReopened"] = "CaseReopened"
    update_id: str
    sheet: ObjectRef


class EscalationRequested(CaseEvent):
    """A customer asked for an escalation of a type of the catalogue."""

    type: Literal["EscalationRequested"] = "EscalationRequested"
    update_id: str
    escalation_type: str
    sheet: ObjectRef
    evidence_ids: tuple[str, ...] = ()


class CaseErased(CaseEvent):
    """The words and bytes of a case are gone; a tombstone stands where its sheet was."""

    type: Literal["CaseErased"] = "CaseErased"


class LegacyRequestImported(CaseEvent):
    """A threat request from before SR numbers was imported; the key and the subject are its REF id."""

    type: Literal["LegacyRequestImported"] = "LegacyRequestImported"
    sheet: ObjectRef


CasesEvent = Annotated[
    Annotated[CaseSubmitted, Tag("CaseSubmitted")]
    | Annotated[CaseUpdated, Tag("CaseUpdated")]
    | Annotated[CaseClosed, Tag("CaseClosed")]
    | Annotated[CaseReopened, Tag("CaseReopened")]
    | Annotated[EscalationRequested, Tag("EscalationRequested")]
    | Annotated[CaseErased, Tag("CaseErased")]
    | Annotated[LegacyRequestImported, Tag("LegacyRequestImported")]
    | Annotated[UnknownEvent, Tag(OTHER)],
    by_type(
        CaseSubmitted, CaseUpdated, CaseClosed, CaseReopened, EscalationRequested, CaseErased, LegacyRequestImported
    ),
]
