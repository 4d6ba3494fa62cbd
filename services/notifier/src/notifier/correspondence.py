"""One case as the notifier knows it, and which letters each event calls for. Pure."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, TypeAdapter

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import Event
from caseway_contracts.cases import CaseClosed, CaseEvent, CaseReopened, CasesEvent, CaseSubmitted, CaseUpdated
from caseway_contracts.kinds import NotificationKind
from caseway_contracts.ratings import UrlReclassified, UrlsRated
from caseway_contracts.routes import AnalysisCompleted
from caseway_contracts.sheets import CaseSheet, Recipient, UpdateSheet
from caseway_kit.errors import InvalidEvent
from caseway_kit.ordering import in_order
from notifier.letters import Letter, write

Sheet = CaseSheet | UpdateSheet | None
_case_event: TypeAdapter[CasesEvent] = TypeAdapter(CasesEvent)

CONFIRMATION = (
    "Thank you. We have received your case and are working on it.\n"
    "You will get a mail when its analysis is complete; results show on the case page as they arrive."
)
COMPLETE = {
    "malicious": "The analysis of your case is complete. Something in it is malicious.",
    "suspicious": "The analysis of your case is complete. Something in it is suspicious.",
    "clean": "The analysis of your case is complete. Everything in it is clean.",
    None: "The analysis of your case is complete.",
}
REVISED = {
    "malicious": "A verdict on your case was revised. What you sent is malicious.",
    "suspicious": "A verdict on your case was revised. What you sent is suspicious.",
    "clean": "A verdict on your case was revised. What you sent is clean.",
    "unknown": "A verdict on your case was revised. Nothing is known against what you sent.",
    "not_analyzed": "A verdict on your case was revised. What you sent could not be analyzed.",
}
NAMES = {
    "malicious": "malicious",
    "suspicious": "suspicious",
    "clean": "clean",
    "unknown": "nothing known against it",
    "not_analyzed": "could not be analyzed",
}
REVISED_INSIDE = "The verdict on something inside what you sent was revised. That on the whole is the same as before."
RATED_ANEW = {
    1: "A URL of your case is rated otherwise than before.",
    None: "URLs of your case are rated otherwise than before.",
}
OUTCOMES = {
    "changed": "A URL of your case was reclassified as requested.",
    "kept": "A URL of your case was reviewed, and its rating was kept.",
}


class Correspondence(BaseModel):
    """Who is written to about a case. Results may be here before the case itself is."""

    model_config = ConfigDict(frozen=True)

    sr_number: str
    account_id: str | None = None
    subject: str = ""
    recipients: tuple[Recipient, ...] = ()
    applied: int = 0
    early: tuple[str, ...] = ()
    """Case events, as JSON, that wait for the one before them."""
    waiting: tuple[str, ...] = ()
    """Other events, as JSON, that wait for the case."""

    def known(self) -> bool:
        return self.account_id is not None

    def check(self, event: Event) -> None:
        if self.account_id not in (None, event.account_id):
            raise InvalidEvent("the event names another account than the case")

    def ready(self, event: CaseEvent) -> tuple[list[CaseEvent], "Correspondence"]:
        """The case events that can be applied by now, in order, and the record of those that can't."""
        early = [one for one in map(_case_event.validate_json, self.early) if isinstance(one, CaseEvent)]
        ready, waiting = in_order(self.applied, early, event)
        return ready, self.model_copy(update={"early": tuple(one.model_dump_json() for one in waiting)})

    def take(self, event: CaseEvent, sheet: Sheet, *, link: str) -> tuple["Correspondence", Sequence[Letter]]:
        """Apply a case event whose turn it is. ``sheet`` is None where its words were erased."""
        changes: dict[str, object] = {"applied": event.revision}
        if isinstance(event, CaseSubmitted):
            changes["account_id"] = event.account_id
        if isinstance(sheet, CaseSheet):
            changes |= {"subject": sheet.subject, "recipients": sheet.recipients}
        elif sheet is not None:
            changes["recipients"] = (*self.recipients, *sheet.recipients)
        changed = self.model_copy(update=changes)
        if isinstance(event, CaseSubmitted):
            return changed, changed.to_all(event, "confirmation", CONFIRMATION, link)
        if says := _update_says(event):
            return changed, changed.to_all(event, "update", says, link)
        return changed, ()

    def letters(self, event: Event, *, link: str) -> Sequence[Letter]:
        """What an event of another service calls for."""
        if isinstance(event, AnalysisCompleted) and event.covers:
            says = COMPLETE.get(event.worst_verdict, COMPLETE[None])
            return self.to_all(event, "analysis-complete", says, link)
        if isinstance(event, UrlReclassified):
            return self.to_all(event, "update", OUTCOMES[event.outcome], link)
        if isinstance(event, EvidenceAnalyzed) and is_revised(event):
            return self.to_all(event, "verdict-revised", _revised_says(event), link)
        if isinstance(event, UrlsRated) and is_revised(event):
            return self.to_all(event, "verdict-revised", RATED_ANEW.get(event.changed, RATED_ANEW[None]), link)
        return ()

    def to_all(self, event: Event, kind: NotificationKind, says: str, link: str) -> Sequence[Letter]:
        return [
            write(event, kind, recipient, case_subject=self.subject, says=says, link=link)
            for recipient in self.recipients
        ]


def is_revised(event: Event) -> bool:
    """Whether a statement says something else than the one before it: the case's people are told then."""
    if isinstance(event, UrlsRated):
        return event.revision > 1 and event.changed > 0
    return isinstance(event, EvidenceAnalyzed) and event.revision > 1


def _revised_says(event: EvidenceAnalyzed) -> str:
    if event.previous_verdict is None:
        return REVISED[event.verdict]
    if event.previous_verdict == event.verdict:
        return REVISED_INSIDE
    return f"{REVISED[event.verdict]} The verdict before was: {NAMES[event.previous_verdict]}."


def _update_says(event: CaseEvent) -> str | None:
    if isinstance(event, CaseUpdated):
        return "The case was updated."
    if isinstance(event, CaseClosed):
        return "The case was closed."
    if isinstance(event, CaseReopened):
        return "The case was reopened."
    return None
