"""What the timeline says about an event, in plain words."""

from caseway_contracts.analyses import EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import Event
from caseway_contracts.cases import (
    CaseClosed,
    CaseErased,
    CaseReopened,
    CaseSubmitted,
    CaseUpdated,
    EscalationRequested,
)
from caseway_contracts.evidence import Evidence
from caseway_contracts.notifications import NotificationFailed, NotificationSent
from caseway_contracts.ratings import UrlReclassified, UrlsDelayed, UrlsRated
from caseway_contracts.routes import AnalysisCompleted, CaseEscalated, CaseRouted, CaseStatusChanged

SERVICES = {
    "cases": "intake",
    "analyses": "sample-analysis",
    "ratings": "url-rating",
    "routes": "routing",
    "notifications": "notifier",
}

_KINDS = {"file": "A file", "email": "A package of e-mails", "attk_log": "An ATTK log"}
_MAILS = {
    "confirmation": "The confirmation",
    "analysis-complete": "The mail about the complete analysis",
    "update": "The mail about an update",
    "verdict-revised": "The mail about a revised verdict",
}
_FIXED = {
    CaseClosed: "The customer closed the case.",
    CaseReopened: "The customer reopened the case.",
    CaseErased: "The words and files of the case were erased.",
    UrlsDelayed: "The rating of URLs is delayed.",
}


def sentence(event: Event) -> str:
    """A sentence for any event that a case page shows."""
    if fixed := _FIXED.get(type(event)):
        return fixed
    if isinstance(event, CaseSubmitted):
        brought = _brought(event.evidence)
        return f"The case was submitted with {brought}." if brought else "The case was submitted."
    if isinstance(event, CaseUpdated):
        return _update(event)
    if isinstance(event, EscalationRequested):
        return f"The customer asked for an escalation: {_plain(event.escalation_type)}."
    if isinstance(event, EvidenceAnalyzed | EvidenceDelayed):
        return _analysis(event)
    if isinstance(event, UrlsRated | UrlReclassified):
        return _rating(event)
    if isinstance(event, NotificationSent):
        return f"{_MAILS[event.kind]} was sent."
    if isinstance(event, NotificationFailed):
        return f"{_MAILS[event.kind]} could not be delivered ({event.reason})."
    return _route(event)


def _update(event: CaseUpdated) -> str:
    brought = _brought(event.evidence)
    said = [f"The customer added {brought}."] if brought else []
    said += [f"The customer set the severity to {event.severity}."] if event.severity else []
    return " ".join(said) or "The customer updated the case."


def _analysis(event: EvidenceAnalyzed | EvidenceDelayed) -> str:
    piece = _KINDS.get(event.kind, f"A piece of evidence ({_plain(event.kind)})")
    if isinstance(event, EvidenceDelayed):
        return f"{piece} could not be analyzed yet; the analysis is delayed."
    again = " again" if event.revision > 1 else ""
    before = f", {_plain(event.previous_verdict)} before" if event.previous_verdict not in (None, event.verdict) else ""
    said = f"{piece} was analyzed{again}: {_plain(event.verdict)}{before}."
    return said + (f" Partly analyzed: {', '.join(map(_plain, event.limits))}." if event.limits else "")


def _rating(event: UrlsRated | UrlReclassified) -> str:
    if isinstance(event, UrlReclassified):
        what = "changed: it is" if event.outcome == "changed" else "kept:"
        return f"The rating of a URL was {what} {_plain(event.rating)}."
    if event.urls == 1:
        return f"A URL was rated: {_plain(event.worst)}."
    return f"{event.urls} URLs were rated; the worst is {_plain(event.worst)}."


def _route(event: Event) -> str:
    if isinstance(event, CaseRouted):
        return f"The case went to the team {_plain(event.team)} with priority {event.priority}."
    if isinstance(event, CaseEscalated):
        done = "took up" if event.status == "open" else "dealt with"
        return f"The team {_plain(event.team)} {done} the escalation: {_plain(event.escalation_type)}."
    if isinstance(event, AnalysisCompleted):
        return "The analysis is complete." if event.round == 1 else "The analysis of what was added is complete."
    if isinstance(event, CaseStatusChanged):
        return f"The case is {_plain(event.status)}."
    raise TypeError(f"no words for {event.type}")


def _brought(evidence: tuple[Evidence, ...]) -> str:
    urls = sum(one.kind == "url" for one in evidence)
    counts = ((len(evidence) - urls, "attachment"), (urls, "URL"))
    return " and ".join(f"{count} {name}{'s' * (count > 1)}" for count, name in counts if count)


def _plain(slug: str) -> str:
    return slug.replace("-", " ").replace("_", " ")
