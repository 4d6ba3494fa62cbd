"""Idempotency keys: per account and for ever, one key is one request."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from caseway_kit.errors import OutageError
from intake.cases import Case, Request
from intake.checks import claimed_fault
from intake.fingerprints import upload_ids
from intake.ports import CaseRepository, Person
from intake.refusals import Fault, Refused

POLL_SECONDS = 0.02
POLLS = 250

Known = tuple[Case, Request]


class Keys:
    def __init__(self, cases: CaseRepository) -> None:
        self._cases = cases

    async def known(self, person: Person, key: str | None, mark: str) -> Known | None:
        """What the key stands for. Raises Refused when that is another request."""
        case = None if key is None else await self._cases.by_key(person.account_id, key)
        request = None if case is None or key is None else case.request(key)
        if case is None or request is None:
            return None
        if request.fingerprint != mark:
            says = "The key was used for another request."
            help_text = "Send each request with a key of its own; the same key only for the same body."
            raise Refused(Fault("/Idempotency-Key", "idempotency.other_body", says, help_text))
        return case, request

    async def winner(self, person: Person, key: str | None, mark: str, body: Mapping[str, Any]) -> Known:
        """What was faster with the same key. Raises Refused when it was not that: when uploads are claimed."""
        # A unique index refuses before a majority has what it refused for, and only that can be read.
        for _ in range(POLLS):
            faults = await self.claimed_faults(body)
            if (known := await self.known(person, key, mark)) is not None:
                return known
            if faults:
                raise Refused(*faults)
            await asyncio.sleep(POLL_SECONDS)
        raise OutageError("MongoDB", "what a unique index knows can't be read")

    async def claimed_faults(self, body: Mapping[str, Any]) -> Sequence[Fault]:
        ids = upload_ids(body)
        claimed = await self._cases.claimed(ids) if ids else set()
        return [claimed_fault(f"/attachments/{index}") for index, one in enumerate(ids) if one in claimed]
