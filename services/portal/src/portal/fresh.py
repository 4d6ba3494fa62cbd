"""What intake knows that has not come through Kafka yet, and how a view is brought up to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from caseway_contracts.base import Contract
from caseway_contracts.results import UrlResult
from caseway_contracts.views import AnalysisView, CaseSummary, CaseView
from caseway_kit.tokens import Caller


class FreshPiece(Contract):
    """A submitted piece; ``url`` where it is a typed one."""

    id: str
    kind: str
    revision: int
    url: str | None = None
    name: str | None = None
    key: str = ""
    sha256: str = ""
    size: int = 0


class FreshCase(CaseView):
    """A case as intake has it, up to a revision of its case events."""

    account_id: str
    revision: int
    closed: bool = False
    evidence: tuple[FreshPiece, ...] = ()

    def summary(self) -> CaseSummary:
        return CaseSummary.model_validate(dict(self))

    def view(self) -> CaseView:
        """All there is, as the projection has nothing."""
        return CaseView.model_validate({**dict(self), "analysis": self._analysis(AnalysisView(), 0)})

    def over(self, view: CaseView, applied: int) -> CaseView:
        """``view``, which knows the case up to revision ``applied``, with all that came later."""
        known = {(one.event, one.at) for one in view.timeline}
        return view.model_copy(
            update={
                **self._summary_changes(view),
                "business_impact": self.business_impact,
                "cc": self.cc,
                "timeline": (*view.timeline, *(one for one in self.timeline if (one.event, one.at) not in known)),
                "analysis": self._analysis(view.analysis, applied),
            }
        )

    def over_summary(self, summary: CaseSummary) -> CaseSummary:
        return summary.model_copy(update=self._summary_changes(summary))

    def _summary_changes(self, case: CaseSummary) -> dict[str, object]:
        known = {(one.type, one.at) for one in case.escalations}
        asked = tuple(one for one in self.escalations if (one.type, one.at) not in known)
        changes: dict[str, object] = {"severity": self.severity, "escalations": (*case.escalations, *asked)}
        if self.closed:
            changes["status"] = "closed"
        elif case.status == "closed":
            changes["status"] = "open"
        return changes

    def _analysis(self, analysis: AnalysisView, applied: int) -> AnalysisView:
        added = [one for one in self.evidence if one.revision > applied]
        if not added:
            return analysis
        urls = tuple(UrlResult(id=one.id, url=one.url) for one in added if one.url is not None)
        latest = max(one.revision for one in added)
        return analysis.model_copy(update={"complete": False, "round": latest, "urls": (*analysis.urls, *urls)})


class FreshCases(Protocol):
    """Asks intake in the caller's name. Intake being away means that nothing newer is known, never an error."""

    async def case(self, caller: Caller, sr_number: str, since_revision: int | None) -> FreshCase | None:
        """The case if intake has more of it than ``since_revision``."""

    async def changed(self, caller: Caller, since: datetime) -> Sequence[FreshCase]:
        """Cases that the caller may see and that changed since, or whose events are not published yet."""
