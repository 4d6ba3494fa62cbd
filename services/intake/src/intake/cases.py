"""What intake knows of a case: what its customers said and handed in, in the order in which they did."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from caseway_contracts.base import ObjectRef
from caseway_contracts.kinds import IssueType, Severity
from caseway_contracts.sheets import CaseSheet, Evidenced, Recipient, UpdateSheet

# A case is one document of MongoDB, which takes 16 MB; what is beyond this goes into another case.
MOST_WORDS = 8 * 1024 * 1024
MOST_FACTS = 2_000


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Piece(Record):
    """A submitted piece of evidence: an attachment, or a typed URL (whose object is the sheet that holds it)."""

    id: str
    kind: str
    object: ObjectRef
    upload_id: str | None = None
    revision: int


class Sheet(Record):
    """Words on their way into the object that the event names; the text is byte for byte that object."""

    event_id: str
    ref: ObjectRef
    body: str


class Request(Record):
    """A request that came with an idempotency key, and which revision it led to."""

    key: str
    fingerprint: str
    revision: int
    update_id: str | None = None


class Fact(Record):
    """One thing that happened to the case; its revision is the event's."""

    revision: int
    type: str
    at: datetime
    by: str
    update_id: str | None = None
    severity: Severity | None = None
    escalation_type: str | None = None
    sheet: Sheet | None = None

    def update_sheet(self) -> UpdateSheet | None:
        return None if self.sheet is None else UpdateSheet.model_validate_json(self.sheet.body)


class Case(Record):
    sr_number: str
    account_id: str
    region: str
    by: str
    submitted_at: datetime
    changed_at: datetime
    issue_type: IssueType
    category: str | None
    product: str
    profile_id: str
    profile_revision: int
    catalog_version: str
    severity: Severity
    business_impact: str | None
    revision: int = 1
    closed: bool = False
    evidence: tuple[Piece, ...] = ()
    evidence_bytes: int = 0
    words: int = 0
    recipients: tuple[Recipient, ...]
    uploads_claimed: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    promoted_from: tuple[str, ...] = ()
    facts: tuple[Fact, ...]

    def sheet(self) -> CaseSheet:
        first = self.facts[0].sheet
        assert first is not None, "a case starts with its sheet"
        return CaseSheet.model_validate_json(first.body)

    def sheets(self) -> list[Evidenced]:
        """The words of its submission, then those of each update that has some."""
        return [self.sheet(), *(sheet for fact in self.facts[1:] if (sheet := fact.update_sheet()))]

    def attachments(self) -> int:
        return sum(piece.upload_id is not None for piece in self.evidence)

    def urls(self) -> int:
        return len(self.evidence) - self.attachments()

    def request(self, key: str) -> Request | None:
        return next((request for request in self.requests if request.key == key), None)

    def with_fact(self, fact: Fact, request: Request | None, **changes: Any) -> "Case":
        words = self.words + (len(fact.sheet.body) if fact.sheet else 0)
        requests = self.requests if request is None else (*self.requests, request)
        update = {"revision": fact.revision, "changed_at": fact.at, "words": words, "requests": requests}
        return self.model_copy(update={**update, "facts": (*self.facts, fact), **changes})


def deduplicated(addresses: Iterable[str], known: Sequence[Recipient] = ()) -> list[str]:
    """The addresses that are not there yet. Mailboxes may differ by case, but nobody has two that do."""
    seen = {recipient.address.casefold() for recipient in known}
    fresh = []
    for address in addresses:
        stripped = address.strip()
        if stripped.casefold() not in seen:
            seen.add(stripped.casefold())
            fresh.append(stripped)
    return fresh
