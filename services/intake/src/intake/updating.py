"""What customers add to a case: words, evidence, recipients, an end, a beginning again, an escalation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from caseway_contracts.base import Event
from caseway_contracts.cases import CaseClosed, CaseReopened, CaseUpdated, EscalationRequested
from caseway_contracts.sheets import UpdateSheet
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.objects import new_salt
from intake.cases import MOST_FACTS, MOST_WORDS, Case, Fact, Request, Sheet, deduplicated
from intake.checks import Checks
from intake.drafts import Evidence, event_of, new_id, recipients_of, sheet_of, stated
from intake.fingerprints import fingerprint, upload_ids
from intake.keys import Keys
from intake.ports import CaseRepository, KeyTaken, Person, UploadClaimed
from intake.refusals import Fault, NotFound, Refused, WrongState
from intake.uploads import UploadRepository

TRIES = 20


@dataclass(frozen=True)
class Updated:
    update_id: str
    replayed: bool


@dataclass(frozen=True)
class Asked:
    """One request about a case, whatever it asks."""

    person: Person
    sr_number: str
    key: str | None
    mark: str
    body: Mapping[str, Any]
    update_id: str
    event_id: UUID
    salt: str
    at: datetime

    def words(self, **words: Any) -> UpdateSheet:
        known = {"salt": self.salt, "sr_number": self.sr_number, "update_id": self.update_id}
        return UpdateSheet.model_validate(known | words)

    def sheet(self, case: Case, words: UpdateSheet) -> Sheet:
        return sheet_of(words, self.sr_number, case.revision + 1, self.event_id)

    def event(self, kind: type[Event], case: Case, **facts: Any) -> Event:
        return event_of(kind, case, self.person, self.at, self.event_id, update_id=self.update_id, **facts)

    def fact(self, event: Event, **facts: Any) -> Fact:
        known = {"revision": event.revision, "type": event.type, "at": self.at, "by": self.person.contact_id}
        return Fact.model_validate(known | {"update_id": self.update_id} | facts)

    def request(self, case: Case) -> Request | None:
        if self.key is None:
            return None
        return Request(key=self.key, fingerprint=self.mark, revision=case.revision + 1, update_id=self.update_id)


Change = Callable[[Case], tuple[Event, Case]]


class Updating:
    def __init__(self, *, cases: CaseRepository, checks: Checks, uploads: UploadRepository, clock: Clock) -> None:
        self._cases = cases
        self._keys = Keys(cases)
        self._checks = checks
        self._uploads = uploads
        self._clock = clock

    async def read(self, person: Person, sr_number: str) -> Case:
        case = await self._cases.find(sr_number, person.scope)
        if case is None:
            raise NotFound
        return case

    async def changed_since(self, person: Person, since: datetime, limit: int) -> list[Case]:
        return await self._cases.changed_since(person.scope, since, limit)

    async def update(self, person: Person, sr_number: str, body: Mapping[str, Any], key: str | None) -> Updated:
        case = await self.read(person, sr_number)
        ids = upload_ids(body)
        uploads = await self._uploads.find(case.account_id, ids) if ids else {}
        asked = self._asked(person, sr_number, body, key, fingerprint(f"update {sr_number}", body, uploads))
        if (replayed := await self._replayed(asked)) is not None:
            return replayed
        try:
            attached = await self._checks.update(body, case, uploads, asked.at)
        except Refused as refused:
            raise Refused(*refused.faults, *await self._keys.claimed_faults(body)) from None
        evidence = Evidence.of(body, attached)

        def change(current: Case) -> tuple[Event, Case]:
            event, after = _added(asked, current, evidence)
            if faults := self._checks.grown_too_much(current, after):
                raise Refused(*faults)
            return event, after

        return await self._apply(asked, case, change)

    async def close(self, person: Person, sr_number: str, body: Mapping[str, Any], key: str | None) -> Updated:
        def change(case: Case) -> tuple[Event, Case]:
            if case.closed:
                raise WrongState("The case is closed already.")
            return _said(asked, case, CaseClosed, closed=True)

        asked = self._asked(person, sr_number, body, key, fingerprint(f"close {sr_number}", body, {}))
        return await self._replayed(asked) or await self._apply(asked, await self.read(person, sr_number), change)

    async def reopen(self, person: Person, sr_number: str, body: Mapping[str, Any], key: str | None) -> Updated:
        def change(case: Case) -> tuple[Event, Case]:
            if not case.closed:
                raise WrongState("The case is open.")
            return _said(asked, case, CaseReopened, closed=False)

        asked = self._asked(person, sr_number, body, key, fingerprint(f"reopen {sr_number}", body, {}))
        return await self._replayed(asked) or await self._apply(asked, await self.read(person, sr_number), change)

    async def escalate(self, person: Person, sr_number: str, body: Mapping[str, Any], key: str | None) -> Updated:
        def change(case: Case) -> tuple[Event, Case]:
            sheet = asked.sheet(case, asked.words(comment=body["comment"]))
            named = {"escalation_type": body["type"]}
            event = asked.event(
                EscalationRequested, case, sheet=sheet.ref, evidence_ids=body.get("evidence_ids") or (), **named
            )
            return event, case.with_fact(asked.fact(event, sheet=sheet, **named), asked.request(case))

        asked = self._asked(person, sr_number, body, key, fingerprint(f"escalate {sr_number}", body, {}))
        case = await self.read(person, sr_number)
        if (replayed := await self._replayed(asked)) is not None:
            return replayed
        self._checks.escalation(body["type"], body.get("evidence_ids") or ())
        return await self._apply(asked, case, change)

    def _asked(self, person: Person, sr_number: str, body: Mapping[str, Any], key: str | None, mark: str) -> Asked:
        return Asked(person, sr_number, key, mark, body, new_id(), uuid4(), new_salt(), self._clock.now())

    async def _replayed(self, asked: Asked) -> Updated | None:
        known = await self._keys.known(asked.person, asked.key, asked.mark)
        return None if known is None else Updated(known[1].update_id or "", replayed=True)

    async def _apply(self, asked: Asked, case: Case, change: Change) -> Updated:
        """Change the case, built anew on what others made of it meanwhile."""
        for _ in range(TRIES):
            event, after = change(case)
            if after.words > MOST_WORDS or len(after.facts) > MOST_FACTS:
                help_text = "Open another case, and name this one in it."
                raise Refused(Fault("/comment", "text.too_long", "The case has no room for more.", help_text))
            fault_point("K2")
            try:
                changed = await self._cases.change(case, after, event)
            except (KeyTaken, UploadClaimed):
                _, request = await self._keys.winner(asked.person, asked.key, asked.mark, asked.body)
                return Updated(request.update_id or "", replayed=True)
            if changed:
                fault_point("K3")
                return Updated(asked.update_id, replayed=False)
            case = await self.read(asked.person, asked.sr_number)
            if (replayed := await self._replayed(asked)) is not None:
                return replayed
        raise OutageError("MongoDB", "the case changes faster than it can be read")


def _said(asked: Asked, case: Case, kind: type[Event], *, closed: bool) -> tuple[Event, Case]:
    comment = asked.body.get("comment")
    sheet = asked.sheet(case, asked.words(comment=comment)) if comment else None
    event = asked.event(kind, case, sheet=None if sheet is None else sheet.ref)
    return event, case.with_fact(asked.fact(event, sheet=sheet), asked.request(case), closed=closed)


def _added(asked: Asked, case: Case, evidence: Evidence) -> tuple[Event, Case]:
    body, severity, impact = asked.body, asked.body.get("severity"), asked.body.get("business_impact")
    recipients = recipients_of(deduplicated(body.get("add_cc") or (), case.recipients))
    words = asked.words(
        comment=body.get("comment"),
        business_impact=impact,
        recipients=recipients,
        attachments=evidence.attachments,
        urls=evidence.urls,
    )
    sheet = asked.sheet(case, words)
    pieces = evidence.pieces(sheet.ref, case.revision + 1)
    event = asked.event(CaseUpdated, case, severity=severity, sheet=sheet.ref, evidence=stated(pieces))
    after = case.with_fact(
        asked.fact(event, sheet=sheet, severity=severity),
        asked.request(case),
        severity=severity or case.severity,
        business_impact=impact or case.business_impact,
        recipients=(*case.recipients, *recipients),
        evidence=(*case.evidence, *pieces),
        evidence_bytes=case.evidence_bytes + evidence.size,
        uploads_claimed=(*case.uploads_claimed, *evidence.upload_ids),
    )
    return event, after
