"""What each event makes of a page. Pure, and any order of the same events ends in the same page."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from caseway_contracts.analyses import EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import Event
from caseway_contracts.cases import (
    CaseClosed,
    CaseErased,
    CaseEvent,
    CaseReopened,
    CaseSubmitted,
    CaseUpdated,
    EscalationRequested,
)
from caseway_contracts.notifications import NotificationFailed, NotificationSent
from caseway_contracts.ratings import UrlReclassified, UrlsDelayed, UrlsRated
from caseway_contracts.routes import AnalysisCompleted, CaseEscalated, CaseRouted, CaseStatusChanged
from caseway_kit.errors import InvalidEvent
from caseway_kit.ordering import in_order
from portal.page import (
    Assignment,
    CaseFacts,
    CasePage,
    Completed,
    Entry,
    Escalation,
    EscalationState,
    Mail,
    Piece,
    Reclassified,
    Report,
    Sheet,
    Statement,
    Status,
    Taken,
)
from portal.sentences import SERVICES, sentence

S = TypeVar("S", bound=Statement)
Changes: TypeAlias = dict[str, Any]

# What a page is made of; LegacyRequestImported has a table of its own.
SHOWN: dict[str, type[Event]] = {
    shown.__name__: shown
    for shown in (
        *(CaseSubmitted, CaseUpdated, CaseClosed, CaseReopened, EscalationRequested, CaseErased),
        *(EvidenceAnalyzed, EvidenceDelayed, UrlsRated, UrlsDelayed, UrlReclassified),
        *(CaseRouted, CaseEscalated, AnalysisCompleted, CaseStatusChanged, NotificationSent, NotificationFailed),
    )
}


def apply(page: CasePage, event: Event, digest: str) -> CasePage:
    """The page with the event, or the same page if it was taken before."""
    known = page.digest_of(str(event.event_id))
    if known == digest:
        return page
    if known is not None:
        raise InvalidEvent("the same event id with other facts")
    if page.case is not None and event.account_id != page.case.account_id:
        raise InvalidEvent("the event names another account than the case")
    page = _changed(page, inbox=(*page.inbox, Taken(event_id=str(event.event_id), digest=digest)))
    if page.case is None and not isinstance(event, CaseSubmitted):
        return _changed(page, waiting=(*page.waiting, event.model_dump_json()))
    if isinstance(event, CaseSubmitted) and page.case is None:
        return _open(page, event)
    return _take(page, event)


def _open(page: CasePage, event: CaseSubmitted) -> CasePage:
    if event.revision != 1 or event.subject_id != event.key:
        raise InvalidEvent("a case does not start like this")
    waiting = [_read(text) for text in page.waiting]
    page = _take(_changed(page, waiting=()), event)
    for one in waiting:
        # What names another account came before the case could tell that it is forged.
        if one.account_id == event.account_id:
            page = _take(page, one)
    return page


def _take(page: CasePage, event: Event) -> CasePage:
    if not isinstance(event, CaseEvent):
        return _shown(_changed(page, **_fold(page, event)), event)
    early = [one for one in map(_read, page.early) if isinstance(one, CaseEvent)]
    ready, waiting = in_order(page.applied, early, event)
    for one in ready:
        changes = _fold_case(page, one)
        page = _changed(page, **changes, applied=one.revision, changed_at=one.occurred_at, case_v=_v(page))
        page = _shown(page, one)
    return _changed(page, early=tuple(one.model_dump_json() for one in waiting))


def _fold_case(page: CasePage, event: CaseEvent) -> Changes:
    changes: Changes = {}
    sheet = getattr(event, "sheet", None)
    if sheet is not None:
        changes["sheets"] = (*page.sheets, Sheet(revision=event.revision, ref=sheet))
    if isinstance(event, CaseSubmitted | CaseUpdated):
        pieces = [Piece(id=one.id, kind=one.kind, revision=event.revision) for one in event.evidence]
        changes["evidence"] = (*page.evidence, *pieces)
        if pieces or isinstance(event, CaseSubmitted):
            changes["rounds"] = (*page.rounds, event.revision)
    if isinstance(event, CaseSubmitted):
        changes["case"] = CaseFacts(**dict(event), submitted_at=event.occurred_at)
    elif isinstance(event, CaseUpdated) and event.severity is not None:
        assert page.case is not None, "a case starts with its CaseSubmitted"
        changes["case"] = page.case.model_copy(update={"severity": event.severity})
    elif isinstance(event, EscalationRequested):
        asked = Escalation(update_id=event.update_id, type=event.escalation_type, at=event.occurred_at)
        changes["escalations"] = (*page.escalations, asked)
    elif isinstance(event, CaseErased):
        changes |= {"erased": True, "subject": ""}
    return changes


def _fold(page: CasePage, event: Event) -> Changes:
    said = {**dict(event), "at": event.occurred_at, "v": _v(page)}
    if isinstance(event, EvidenceAnalyzed):
        return {"reports": _with(page.reports, Report(**said, ref=event.report))}
    if isinstance(event, UrlsRated):
        return {"ratings": _with(page.ratings, Report(**said, ref=event.report))}
    if isinstance(event, UrlReclassified):
        return {"reclassified": _with(page.reclassified, Reclassified(**said))}
    if isinstance(event, AnalysisCompleted):
        # Each round has its statement, whatever subject the next one has.
        return {"completed": _with(page.completed, Completed(**{**said, "subject_id": str(event.round)}))}
    summary = _fold_summary(page, event, said)
    return {**summary, "case_v": _v(page)} if summary else {}


def _fold_summary(page: CasePage, event: Event, said: Changes) -> Changes:
    if isinstance(event, CaseStatusChanged):
        return {"status": _newer(page.status, Status(**said))}
    if isinstance(event, CaseRouted):
        return {"assignment": _newer(page.assignment, Assignment(**said))}
    if isinstance(event, CaseEscalated):
        return {"escalation_states": _with(page.escalation_states, EscalationState(**said))}
    if isinstance(event, NotificationSent | NotificationFailed):
        mail = Mail(**said, sent=isinstance(event, NotificationSent))
        return {"mails": _with(page.mails, mail, newer=lambda old, new: _place(new) > _place(old))}
    return {}


def _place(mail: Mail) -> tuple[bool, int]:
    return mail.sent, mail.revision


def _newer(old: S | None, new: S) -> S:
    return new if old is None or new.revision > old.revision else old


def _by_revision(old: S, new: S) -> bool:
    return new.revision > old.revision


def _with(known: tuple[S, ...], new: S, newer: Callable[[S, S], bool] = _by_revision) -> tuple[S, ...]:
    """The statements with ``new`` in the place of the one about its subject; sorted, so that order leaves no trace."""
    old = next((one for one in known if one.subject_id == new.subject_id), None)
    if old is not None and not newer(old, new):
        return known
    others = [one for one in known if one is not old]
    return tuple(sorted([*others, new], key=lambda one: one.subject_id))


def _shown(page: CasePage, event: Event) -> CasePage:
    entry = Entry(
        event_id=str(event.event_id),
        caused_by=None if event.caused_by is None else str(event.caused_by),
        at=event.occurred_at,
        service=SERVICES[type(event).topic],
        event=event.type,
        subject_id=event.subject_id,
        revision=event.revision,
        says=sentence(event),
        v=_v(page),
    )
    return _changed(page, history=(*page.history, entry))


def _read(text: str) -> Event:
    # The type is read first; which class it names is known, as only what is shown is kept.
    return SHOWN[Event.model_validate_json(text).type].model_validate_json(text)


def _v(page: CasePage) -> int:
    """The version that the page will have once it is saved."""
    return page.version + 1


def _changed(page: CasePage, **changes: Any) -> CasePage:
    return page.model_copy(update=changes)
