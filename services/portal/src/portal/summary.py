from caseway_contracts.views import CaseSummary, EscalationView
from portal.page import CasePage


def summary_of(page: CasePage) -> CaseSummary:
    """The case as a list shows it."""
    assert page.case is not None, "only pages with their case are read"
    states = {one.subject_id: one.status for one in page.escalation_states}
    assignment = page.assignment
    return CaseSummary(
        **dict(page.case),
        sr_number=page.sr_number,
        status=page.status.status if page.status else "received",
        subject=page.subject or "",
        team=assignment.team if assignment else None,
        priority=assignment.priority if assignment else None,
        due_at=assignment.due_at if assignment else None,
        verdict=page.verdict(),
        escalations=tuple(
            EscalationView(type=one.type, at=one.at, status=states.get(one.update_id, "requested"))
            for one in page.escalations
        ),
    )
