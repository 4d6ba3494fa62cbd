"""A case as intake can show it, before any other service has seen it."""

from caseway_contracts.base import ObjectRef
from caseway_contracts.views import CaseView, EscalationView, TimelineItem
from intake.cases import Case, Fact

_SAYS = {
    "CaseSubmitted": "The case was submitted.",
    "CaseClosed": "The case was closed by the customer.",
    "CaseReopened": "The case was reopened by the customer.",
}


class InternalCase(CaseView):
    """What the portal asks for: the view, and how far intake has come with the case."""

    account_id: str
    revision: int
    closed: bool
    evidence: tuple["InternalPiece", ...] = ()


class InternalPiece(ObjectRef):
    """A submitted piece, with the words that its sheet has for it."""

    id: str
    kind: str
    revision: int
    name: str | None = None
    url: str | None = None


def first_view(case: Case) -> CaseView:
    """As its submitter was answered, whatever came later."""
    sheet, first = case.sheet(), case.facts[0]
    return CaseView(
        sr_number=case.sr_number,
        status="received",
        issue_type=case.issue_type,
        category=case.category,
        subject=sheet.subject,
        severity=first.severity or case.severity,
        product=case.product,
        submitted_at=case.submitted_at,
        region=case.region,
        description=sheet.description,
        business_impact=sheet.business_impact,
        cc=tuple(recipient.address for recipient in sheet.recipients if not recipient.submitter),
        fields=sheet.fields,
        timeline=(timeline_item(first),),
    )


def internal_view(case: Case) -> InternalCase:
    view = first_view(case)
    escalations = [
        EscalationView(type=fact.escalation_type, at=fact.at, status="requested")
        for fact in case.facts
        if fact.escalation_type
    ]
    return InternalCase.model_validate(
        {
            **dict(view),
            "status": "closed" if case.closed else "received",
            "severity": case.severity,
            "business_impact": case.business_impact,
            "cc": tuple(recipient.address for recipient in case.recipients if not recipient.submitter),
            "escalations": tuple(escalations),
            "timeline": tuple(timeline_item(fact) for fact in case.facts),
            "account_id": case.account_id,
            "revision": case.revision,
            "closed": case.closed,
            "evidence": pieces(case),
        }
    )


def pieces(case: Case) -> tuple[InternalPiece, ...]:
    sheets = [case.sheet(), *(sheet for fact in case.facts[1:] if (sheet := fact.update_sheet()))]
    names = {one.evidence_id: one.name for sheet in sheets for one in sheet.attachments}
    urls = {one.evidence_id: one.url for sheet in sheets for one in sheet.urls}
    return tuple(
        InternalPiece(
            **dict(piece.object),
            id=piece.id,
            kind=piece.kind,
            revision=piece.revision,
            name=names.get(piece.id),
            url=urls.get(piece.id),
        )
        for piece in case.evidence
    )


def timeline_item(fact: Fact) -> TimelineItem:
    return TimelineItem(at=fact.at, service="intake", event=fact.type, says=_says(fact))


def _says(fact: Fact) -> str:
    sheet = fact.update_sheet() if fact.update_id else None
    said = [_SAYS[fact.type]] if fact.type in _SAYS else []
    if fact.escalation_type:
        said.append(f"An escalation was requested: {fact.escalation_type}.")
    elif fact.severity and fact.type == "CaseUpdated":
        said.append(f"The severity is now {fact.severity}.")
    if sheet is not None:
        count = len(sheet.attachments) + len(sheet.urls)
        said += [f"{count} piece{'s' if count > 1 else ''} of evidence added."] if count else []
        said += [f"Recipients added: {len(sheet.recipients)}."] if sheet.recipients else []
        said += ["The business impact was updated."] if sheet.business_impact else []
        said += [sheet.comment] if sheet.comment else []
    return " ".join(said) or "The case was updated."
