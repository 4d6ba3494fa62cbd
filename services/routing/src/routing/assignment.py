"""Who answers a case, how urgently and by when, as the catalogue says.

The log is kept for ever and the catalogue changes: what an old case names may be gone from it. Such a case goes to
the desk that takes what nobody else does.
"""

from collections.abc import Sequence

from pydantic import AwareDatetime

from caseway_catalog import Catalog, UnknownEntry
from caseway_contracts.kinds import Severity, Verdict, worst_verdict
from routing.rounds import Value

GENERAL_DESK = "technical-support"


class Assignment(Value):
    """Who answers, how urgently, by when, and which rule said so."""

    team: str
    priority: int
    due_at: AwareDatetime
    rule: str


class CaseFacts(Value):
    """What CaseSubmitted said, with the severity as it is now."""

    account_id: str
    issue_type: str
    category: str | None
    product: str
    severity: Severity
    submitted_at: AwareDatetime


def assign(catalog: Catalog, case: CaseFacts, verdicts: Sequence[Verdict], escalated: Sequence[str]) -> Assignment:
    try:
        chosen = catalog.route(
            issue_type=case.issue_type,
            category=case.category,
            product=case.product,
            severity=case.severity,
            worst_verdict=worst_verdict(list(verdicts)) if verdicts else None,
        )
        team, priority, rule = chosen.team, chosen.priority, chosen.rule
    except UnknownEntry:
        team, priority, rule = GENERAL_DESK, catalog.severity(case.severity).priority, "gone-from-catalogue"
    raised = sum(one.raise_priority for one in catalog.escalation_types if one.slug in escalated)
    return Assignment(
        team=team,
        priority=max(1, priority - raised),
        due_at=catalog.due_at(case.submitted_at, case.severity, team),
        rule=rule,
    )


def answered_by(catalog: Catalog, case: CaseFacts) -> tuple[Verdict, ...]:
    """Verdicts that answer a case of this category by themselves."""
    try:
        return catalog.rules(case.issue_type, case.category).routing.answered_by
    except UnknownEntry:
        return ()
