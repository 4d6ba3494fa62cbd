"""Closed vocabularies of design section 6, and the open one of evidence kinds."""

from typing import Literal

IssueType = Literal["product", "threat", "change-control"]
Severity = Literal["low", "medium", "high", "critical"]
Verdict = Literal["malicious", "suspicious", "clean", "unknown", "not_analyzed"]
Rating = Literal["safe", "suspicious", "highly-suspicious", "dangerous", "untested"]
CaseStatus = Literal[
    "received", "analyzing", "delayed", "open", "waiting_on_customer", "answered", "resolved", "closed"
]
Role = Literal["customer", "account_admin", "analyst", "operator", "auditor"]
NotificationKind = Literal["confirmation", "analysis-complete", "update", "verdict-revised"]

# From harmless to harmful; what could not be analysed weighs no more than what is unknown.
VERDICT_ORDER: tuple[Verdict, ...] = ("clean", "not_analyzed", "unknown", "suspicious", "malicious")
RATING_ORDER: tuple[Rating, ...] = ("safe", "untested", "suspicious", "highly-suspicious", "dangerous")


def worst_verdict(verdicts: list[Verdict]) -> Verdict:
    return max(verdicts, key=VERDICT_ORDER.index, default="unknown")


def worst_rating(ratings: list[Rating]) -> Rating:
    return max(ratings, key=RATING_ORDER.index, default="untested")
