"""One case as routing knows it, and what each event makes of it. Pure: an event in, a new route and facts out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from caseway_catalog import Catalog
from caseway_contracts.analyses import EvidenceAnalyzed, EvidenceDelayed
from caseway_contracts.base import Event
from caseway_contracts.cases import (
    CaseClosed,
    CaseErased,
    CaseEvent,
    CaseReopened,
    CasesEvent,
    CaseSubmitted,
    CaseUpdated,
    EscalationRequested,
    LegacyRequestImported,
)
from caseway_contracts.kinds import CaseStatus, worst_rating, worst_verdict
from caseway_contracts.ratings import UrlReclassified, UrlsDelayed, UrlsRated
from caseway_contracts.routes import AnalysisCompleted, CaseEscalated, CaseRouted, CaseStatusChanged
from caseway_kit.errors import InvalidEvent
from caseway_kit.ordering import in_order
from routing.assignment import Assignment, CaseFacts, answered_by, assign
from routing.rounds import Done, Owed, Round, Value, covered

E = TypeVar("E", bound=Event)
_case_event: TypeAdapter[CasesEvent] = TypeAdapter(CasesEvent)


class Route(Value):
    """Routing's record of a case. Results may be here before the case itself is."""

    sr_number: str
    case: CaseFacts | None = None
    applied: int = 0
    early: tuple[str, ...] = ()
    """Case events, as JSON, that wait for the one before them."""
    rounds: tuple[Round, ...] = ()
    done: tuple[Done, ...] = ()
    delayed: tuple[Owed, ...] = ()
    escalated: tuple[str, ...] = ()
    """Types of the escalations that were asked for."""
    reclassified: tuple[str, ...] = ()
    """Ids of URLs that somebody, or a rule, has decided about."""
    asked: bool = False
    """The customer said something after the analysis had its say: somebody has to read it."""
    closed: bool = False
    erased: bool = False
    assignment: Assignment | None = None
    assignments: int = 0
    status: CaseStatus = "received"
    statuses: int = 0

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of the URLs that are on the desk: a customer wants them rated otherwise, and nobody has decided yet.
        Of an erased case nobody will."""
        if self.erased:
            return ()
        asked = {url_id for one in self.done for url_id in one.waiting}
        return tuple(sorted(asked - set(self.reclassified)))


class Router:
    """Applies one event to a route. ``facts`` are the events that it gives rise to, in order."""

    def __init__(self, route: Route, cause: Event, *, catalog: Catalog, now: datetime) -> None:
        self.route = route
        self.facts: list[Event] = []
        self._cause = cause
        self._catalog = catalog
        self._now = now

    def apply(self) -> None:
        event = self._cause
        if self.route.case is not None and event.account_id != self.route.case.account_id:
            raise InvalidEvent("the event names another account than the case")
        if isinstance(event, CaseEvent):
            self._in_order(event)
        elif isinstance(event, EvidenceAnalyzed | UrlsRated):
            self._take(Done.of(event))
        elif isinstance(event, EvidenceDelayed):
            self._delay(Owed(type="EvidenceAnalyzed", id=event.subject_id))
        elif isinstance(event, UrlReclassified):
            self._change(reclassified=tuple(sorted({*self.route.reclassified, event.subject_id})))
        elif isinstance(event, UrlsDelayed):
            self._delay(Owed(type="UrlsRated", id=event.subject_id))
        if self.route.case is not None:
            self._conclude()

    def _in_order(self, event: CaseEvent) -> None:
        early = [one for one in map(_case_event.validate_json, self.route.early) if isinstance(one, CaseEvent)]
        ready, waiting = in_order(self.route.applied, early, event)
        for one in ready:
            self._cause = one
            self._apply_case_event(one)
            self._change(applied=one.revision)
        self._change(early=tuple(one.model_dump_json() for one in waiting))

    def _apply_case_event(self, event: CaseEvent) -> None:
        if isinstance(event, CaseSubmitted):
            # A result that names another account came before the case could tell that it is forged.
            honest = tuple(one for one in self.route.done if one.account_id == event.account_id)
            facts = CaseFacts(
                account_id=event.account_id,
                issue_type=event.issue_type,
                category=event.category,
                product=event.product,
                severity=event.severity,
                submitted_at=event.occurred_at,
            )
            self._change(case=facts, done=honest, rounds=(Round.opened_by(event),))
        elif isinstance(event, CaseUpdated):
            self._update(event)
        elif isinstance(event, CaseClosed):
            self._change(closed=True)
        elif isinstance(event, CaseReopened):
            self._change(closed=False, asked=True)
        elif isinstance(event, EscalationRequested):
            self._change(escalated=(*self.route.escalated, event.escalation_type), asked=True)
            self._assign()
            self._escalate(event)
        elif isinstance(event, CaseErased):
            self._change(erased=True)
        elif not isinstance(event, LegacyRequestImported):
            raise InvalidEvent("a case event that cannot be in a sequence")

    def _update(self, event: CaseUpdated) -> None:
        if event.evidence:
            self._change(rounds=(*self.route.rounds, Round.opened_by(event)))
        else:
            self._change(asked=True)
        if event.severity is not None and self.route.case is not None:
            self._change(case=self.route.case.model_copy(update={"severity": event.severity}))

    def _escalate(self, event: EscalationRequested) -> None:
        assert self.route.assignment is not None
        self._state(
            CaseEscalated,
            subject_id=event.update_id,
            escalation_type=event.escalation_type,
            team=self.route.assignment.team,
            status="open",
        )

    def _take(self, result: Done) -> None:
        known = next((one for one in self.route.done if one.owed == result.owed), None)
        if known is not None and known.revision >= result.revision:
            return
        others = tuple(one for one in self.route.done if one.owed != result.owed)
        self._change(done=(*others, result), delayed=tuple(one for one in self.route.delayed if one != result.owed))

    def _delay(self, owed: Owed) -> None:
        if owed not in self.route.delayed and all(one.owed != owed for one in self.route.done):
            self._change(delayed=(*self.route.delayed, owed))

    def _conclude(self) -> None:
        self._assign()
        for position, one in enumerate(self.route.rounds):
            results = None if one.completed else one.covers(self.route.done)
            if results is not None:
                rounds = list(self.route.rounds)
                rounds[position] = one.model_copy(update={"completed": True})
                self._change(rounds=tuple(rounds))
                self._complete(one, results)
        self._set_status()

    def _complete(self, one: Round, results: Sequence[Done]) -> None:
        verdicts = [result.verdict for result in results if result.verdict is not None]
        ratings = [result.rating for result in results if result.rating is not None]
        cause = _case_event.validate_json(one.cause)
        self._state(
            AnalysisCompleted,
            cause=cause,
            revision=one.number,
            round=one.number,
            covers=covered(results),
            worst_verdict=worst_verdict(verdicts) if verdicts else None,
            worst_rating=worst_rating(ratings) if ratings else None,
        )

    def _assign(self) -> None:
        """State the team anew when what is known makes it another one."""
        case = self.route.case
        assert case is not None
        verdicts = [one.verdict for one in self.route.done if one.verdict is not None]
        assignment = assign(self._catalog, case, verdicts, self.route.escalated)
        if assignment != self.route.assignment:
            self._change(assignment=assignment, assignments=self.route.assignments + 1)
            self._state(CaseRouted, revision=self.route.assignments, **dict(assignment))

    def _set_status(self) -> None:
        status = self._present_status()
        if status != self.route.status:
            self._change(status=status, statuses=self.route.statuses + 1)
            self._state(CaseStatusChanged, revision=self.route.statuses, status=status)

    def _present_status(self) -> CaseStatus:
        if self.route.closed:
            return "closed"
        if not all(one.completed for one in self.route.rounds):
            return "delayed" if self.route.delayed else "analyzing"
        return "answered" if self._answered() else "open"

    def _answered(self) -> bool:
        case = self.route.case
        assert case is not None
        answers = answered_by(self._catalog, case)
        verdicts = [one.verdict for one in self.route.done if one.verdict is not None]
        if self.route.waiting:
            return False
        return bool(verdicts) and not self.route.asked and all(verdict in answers for verdict in verdicts)

    def _state(
        self,
        fact: type[E],
        *,
        cause: Event | None = None,
        subject_id: str | None = None,
        revision: int = 1,
        **facts: Any,
    ) -> None:
        subject = subject_id or self.route.sr_number
        stated = fact.following(
            cause or self._cause, subject_id=subject, occurred_at=self._now, revision=revision, **facts
        )
        self.facts.append(stated)

    def _change(self, **changes: Any) -> None:
        self.route = self.route.model_copy(update=changes)
