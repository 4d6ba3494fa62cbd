"""What a newer look at a piece says otherwise than the one before. Pure."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from caseway_contracts.kinds import Verdict, worst_verdict
from caseway_contracts.results import EvidenceReport, FileResult
from sample_analysis import neighbours
from sample_analysis.reuse import repeatable

INSIDE_KEPT = 50
REASONS_KEPT = 50


class Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class RuleFact(Value):
    """A reason without its words: which rule of which engine, and whether it speaks now or spoke before."""

    engine: str
    version: str
    rule: str
    now: bool


class Turn(Value):
    """Bytes in a piece (or the piece itself) whose verdict is another one now."""

    sha256: str
    before: Verdict
    now: Verdict


class Difference(Value):
    before: Verdict
    now: Verdict
    inside: tuple[Turn, ...]
    reasons: tuple[RuleFact, ...]


def compare(before: EvidenceReport, now: EvidenceReport) -> Difference | Literal["same", "worse look"]:
    """``worse look``: the newer one was cut short or failed, and says less for that reason alone."""
    old, new = before.files[0].verdict, now.files[0].verdict
    if new == "not_analyzed":
        return "same" if old == new else "worse look"
    known, found = _verdicts(before), _verdicts(now)
    turns = tuple(
        Turn(sha256=sha256, before=known.get(sha256, "unknown"), now=verdict)
        for sha256, verdict in found.items()
        if verdict not in ("not_analyzed", known.get(sha256, "unknown"))
    )
    if old == new and not turns:
        return "same"
    if not repeatable(now) and worst_verdict([old, new]) == old:
        return "worse look"
    return Difference(before=old, now=new, inside=turns[:INSIDE_KEPT], reasons=_reasons(before, now))


def _verdicts(report: EvidenceReport) -> Mapping[str, Verdict]:
    """By what was judged, not by its place: another version may count the places otherwise."""
    verdicts: dict[str, Verdict] = {}
    for file in report.files[1:]:
        if file.sha256:
            verdicts[file.sha256] = worst_verdict([verdicts.get(file.sha256, file.verdict), file.verdict])
    return verdicts


def _reasons(before: EvidenceReport, now: EvidenceReport) -> tuple[RuleFact, ...]:
    said, says = _rules(before.files), _rules(now.files)
    new = sorted(says.keys() - said.keys())
    gone = sorted(said.keys() - says.keys())
    facts = [RuleFact(engine=one[0], version=says[one], rule=one[1], now=True) for one in new]
    facts += [RuleFact(engine=one[0], version=said[one], rule=one[1], now=False) for one in gone]
    return tuple(facts[:REASONS_KEPT])


def _rules(files: tuple[FileResult, ...]) -> Mapping[tuple[str, str], str]:
    """What is near to a file depends on what else was sent, not on the engines."""
    reasons = (reason for file in files for reason in file.reasons if reason.rule != neighbours.RULE)
    return {(reason.engine, reason.rule): reason.version for reason in reasons}
