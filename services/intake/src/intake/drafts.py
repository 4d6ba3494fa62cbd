"""From what was checked to what is stored and stated: evidence, sheets, events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from caseway_contracts.base import Event, ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.sheets import CaseSheet, Evidenced, Recipient, SheetAttachment, SheetContact, SheetUrl
from caseway_kit.objects import json_object, new_salt
from intake.cases import Case, Fact, Piece, Request, Sheet, deduplicated
from intake.checks import Attached
from intake.ports import Person

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Evidence:
    """The evidence of one request, with ids of its own."""

    attached: Sequence[tuple[str, Attached]]
    urls: tuple[SheetUrl, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any], attached: Sequence[Attached]) -> "Evidence":
        urls = tuple(SheetUrl.model_validate({**url, "evidence_id": new_id()}) for url in body.get("urls") or ())
        return cls([(new_id(), one) for one in attached], urls)

    @property
    def attachments(self) -> tuple[SheetAttachment, ...]:
        return tuple(
            SheetAttachment(
                evidence_id=evidence_id, name=one.upload.name, password=one.password, opened_with=one.opened_with
            )
            for evidence_id, one in self.attached
        )

    @property
    def upload_ids(self) -> tuple[str, ...]:
        return tuple(one.upload.upload_id for _, one in self.attached)

    @property
    def size(self) -> int:
        return sum(one.upload.size or 0 for _, one in self.attached)

    def pieces(self, sheet: ObjectRef, revision: int) -> tuple[Piece, ...]:
        files = [
            Piece(
                id=evidence_id,
                kind=one.kind,
                object=ObjectRef(key=one.upload.key, sha256=one.upload.sha256 or "", size=one.upload.size or 0),
                upload_id=one.upload.upload_id,
                revision=revision,
            )
            for evidence_id, one in self.attached
        ]
        urls = [Piece(id=url.evidence_id, kind="url", object=sheet, revision=revision) for url in self.urls]
        return (*files, *urls)


def stated(pieces: Iterable[Piece]) -> list[dict[str, Any]]:
    """The pieces as an event names them."""
    return [piece.model_dump(include={"id", "kind", "object"}) for piece in pieces]


def new_id() -> str:
    return str(uuid4())


def recipients_of(addresses: Iterable[str], *, submitter: str | None = None) -> tuple[Recipient, ...]:
    first = [] if submitter is None else [Recipient(id=new_id(), address=submitter, submitter=True)]
    fresh = deduplicated(addresses, first)
    return (*first, *(Recipient(id=new_id(), address=address) for address in fresh))


def sheet_of(words: Evidenced, sr_number: str, revision: int, event_id: UUID) -> Sheet:
    ref, body = json_object(f"cases/{sr_number}/sheet/{revision}", words)
    return Sheet(event_id=str(event_id), ref=ref, body=body.decode())


def event_of(kind: type[E], case: Case, person: Person, at: datetime, event_id: UUID, **facts: Any) -> E:
    """The case's next event."""
    return kind.model_validate(
        {
            "event_id": event_id,
            "occurred_at": at,
            "key": case.sr_number,
            "subject_id": case.sr_number,
            "account_id": case.account_id,
            "revision": case.revision + 1,
            "region": case.region,
            "by": person.contact_id,
            **facts,
        }
    )


@dataclass(frozen=True)
class Draft:
    """A submission that was accepted, before it has a number."""

    region: str
    person: Person
    body: Mapping[str, Any]
    profile: Mapping[str, Any]
    catalog_version: str
    evidence: Evidence
    recipients: tuple[Recipient, ...]
    salt: str
    at: datetime
    promoted_from: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        region: str,
        person: Person,
        body: Mapping[str, Any],
        profile: Mapping[str, Any],
        catalog_version: str,
        attached: Sequence[Attached],
        at: datetime,
        promoted_from: Sequence[str],
    ) -> "Draft":
        recipients = recipients_of(body.get("cc") or (), submitter=person.email)
        evidence = Evidence.of(body, attached)
        return cls(
            region,
            person,
            body,
            profile,
            catalog_version,
            evidence,
            recipients,
            new_salt(),
            at,
            tuple(promoted_from),
        )

    def case(self, sr_number: str, request: Request | None) -> tuple[Case, CaseSubmitted]:
        """The case under that number, and the event that states it."""
        event_id = uuid4()
        sheet = sheet_of(self._words(sr_number), sr_number, 1, event_id)
        pieces = self.evidence.pieces(sheet.ref, 1)
        facts = {
            "issue_type": self.body["issue_type"],
            "category": self.body.get("category"),
            "severity": self.body["severity"],
            "product": self.profile["product"],
            "catalog_version": self.catalog_version,
            "profile_id": self.body["profile_id"],
            "profile_revision": self.profile["revision"],
            "promoted_from": self.promoted_from,
        }
        fact = Fact(
            revision=1,
            type="CaseSubmitted",
            at=self.at,
            by=self.person.contact_id,
            severity=self.body["severity"],
            sheet=sheet,
        )
        case = Case.model_validate(
            {
                **facts,
                "sr_number": sr_number,
                "account_id": self.person.account_id,
                "region": self.region,
                "by": self.person.contact_id,
                "submitted_at": self.at,
                "changed_at": self.at,
                "business_impact": self.body.get("business_impact"),
                "evidence": pieces,
                "evidence_bytes": self.evidence.size,
                "words": len(sheet.body),
                "recipients": self.recipients,
                "uploads_claimed": self.evidence.upload_ids,
                "requests": () if request is None else (request,),
                "facts": (fact,),
            }
        )
        before = case.model_copy(update={"revision": 0})
        more = {"sheet": sheet.ref, "evidence": stated(pieces)}
        return case, event_of(CaseSubmitted, before, self.person, self.at, event_id, **facts, **more)

    def _words(self, sr_number: str) -> CaseSheet:
        body = self.body
        return CaseSheet(
            salt=self.salt,
            sr_number=sr_number,
            subject=body["subject"],
            description=body["description"],
            business_impact=body.get("business_impact"),
            contact=SheetContact.model_validate(body.get("contact") or {}),
            affected_operating_systems=tuple(body.get("affected_operating_systems") or ()),
            fields=body.get("fields") or {},
            profile=dict(self.profile),
            recipients=self.recipients,
            attachments=self.evidence.attachments,
            urls=self.evidence.urls,
        )
