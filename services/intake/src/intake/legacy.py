"""Threat requests from before SR numbers: imported once each, under the REF id that they have always had."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from caseway_contracts.cases import LegacyRequestImported
from caseway_contracts.sheets import LegacySheet
from caseway_contracts.sr_numbers import parse_sr
from caseway_kit.clock import Clock
from caseway_kit.objects import json_object, new_salt
from intake.cases import Record, Sheet
from intake.ports import Person
from intake.refusals import Fault, Refused

# It becomes the name of an object and of a document, and the key of an event.
REF_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Imported = Literal["imported", "known"]
Text = Annotated[str, Field(max_length=255)]
Long = Annotated[str, Field(max_length=32_000)]


class LegacyLine(BaseModel):
    """A record as an operator hands it in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref_id: str
    account_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    subject: Annotated[str, Field(min_length=1, max_length=255)]
    submitted_at: AwareDatetime
    description: Long = ""
    kind: Text = ""
    status: Text = ""
    result: Long = ""
    product: Text = ""
    submitter: Text = ""
    closed_at: AwareDatetime | None = None

    @field_validator("ref_id")
    @classmethod
    def _named(cls, value: str) -> str:
        if not REF_ID.fullmatch(value) or ".." in value or _is_sr(value):
            raise ValueError("a REF id has 1 to 64 letters, digits, dots, dashes and underscores, and is no SR number")
        return value

    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


class LegacyRequest(Record):
    ref_id: str
    account_id: str
    fingerprint: str
    by: str
    imported_at: datetime
    sheet: Sheet


class LegacyRepository(Protocol):
    async def add(self, request: LegacyRequest, event: LegacyRequestImported) -> LegacyRequest | None:
        """Store it and its pending event in one write, or give the one that has its REF id already."""


class Legacy:
    def __init__(self, region: str, *, requests: LegacyRepository, clock: Clock) -> None:
        self._region = region
        self._requests = requests
        self._clock = clock

    async def take(self, person: Person, body: Mapping[str, Any]) -> tuple[str, Imported]:
        """The REF id, and whether it was there before. Raises Refused."""
        line = _read(body)
        event_id = uuid4()
        words = line.model_dump(exclude={"account_id"})
        ref, text = json_object(f"cases/{line.ref_id}/sheet/1", LegacySheet(salt=new_salt(), **words))
        now = self._clock.now()
        event = LegacyRequestImported(
            event_id=event_id,
            version=1,
            occurred_at=now,
            key=line.ref_id,
            account_id=line.account_id,
            subject_id=line.ref_id,
            revision=1,
            region=self._region,
            by=person.contact_id,
            sheet=ref,
        )
        request = LegacyRequest(
            ref_id=line.ref_id,
            account_id=line.account_id,
            fingerprint=line.fingerprint(),
            by=person.contact_id,
            imported_at=now,
            sheet=Sheet(event_id=str(event_id), ref=ref, body=text.decode()),
        )
        known = await self._requests.add(request, event)
        if known is None:
            return line.ref_id, "imported"
        if known.fingerprint != request.fingerprint:
            says = "A record with this REF id was imported before, and says something else."
            raise Refused(Fault("/ref_id", "legacy.other_content", says, "Nothing was changed; compare the two."))
        return line.ref_id, "known"


def _read(body: Mapping[str, Any]) -> LegacyLine:
    try:
        return LegacyLine.model_validate({name: value for name, value in body.items() if value is not None})
    except ValidationError as error:
        faults = [
            Fault("/" + "/".join(str(part)[:64] for part in one["loc"]), _code(one["type"]), one["msg"])
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise Refused(*faults) from None


def _code(kind: str) -> str:
    return {"missing": "required", "extra_forbidden": "field.unknown", "string_too_long": "text.too_long"}.get(
        kind, "legacy.invalid"
    )


def _is_sr(value: str) -> bool:
    try:
        parse_sr(value)
    except ValueError:
        return False
    return True
