"""Threat requests from before SR numbers, as they were imported: a table of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import AwareDatetime

from caseway_contracts.base import Event
from caseway_contracts.cases import CaseErased, LegacyRequestImported
from caseway_contracts.sheets import LegacySheet
from caseway_kit.tokens import Caller
from portal.cases import account_of
from portal.library import Library
from portal.page import Value


class LegacyView(Value):
    """A record of the table *Threat Analysis Requests*."""

    ref_id: str
    subject: str = ""
    description: str = ""
    kind: str = ""
    status: str = ""
    result: str = ""
    product: str = ""
    submitter: str = ""
    submitted_at: AwareDatetime
    closed_at: AwareDatetime | None = None


class LegacyRow(Value):
    account_id: str
    view: LegacyView


@dataclass(frozen=True)
class LegacyQuery:
    """``words`` as of a list of cases; the youngest first, after the place of the last one seen."""

    words: tuple[str, ...] = ()
    after: tuple[int, str] | None = None
    limit: int = 50


class LegacyRepository(Protocol):
    """Imported records. ``account_id`` narrows to one account, None to nothing; all methods raise OutageError."""

    async def save(self, rows: Sequence[LegacyRow]) -> None:
        """Those that are there already stay as they are."""

    async def remove(self, ref_id: str, account_id: str) -> None: ...

    async def listed(self, query: LegacyQuery, account_id: str | None) -> Sequence[LegacyView]: ...

    async def find(self, ref_id: str, account_id: str | None) -> LegacyView | None: ...


class LegacyProjection:
    def __init__(self, requests: LegacyRepository, library: Library) -> None:
        self._requests = requests
        self._library = library

    async def apply(self, events: Sequence[Event]) -> None:
        imported = [event for event in events if isinstance(event, LegacyRequestImported)]
        rows = [row for event in imported if (row := await self._row(event)) is not None]
        if rows:
            await self._requests.save(rows)
        for event in events:
            if isinstance(event, CaseErased):
                await self._requests.remove(event.key, event.account_id)
                self._library.forget(f"cases/{event.key}/")

    async def _row(self, event: LegacyRequestImported) -> LegacyRow | None:
        sheet = await self._library.read(event.sheet, LegacySheet)
        if sheet is None:
            return None
        words = sheet.model_dump(exclude={"salt"})
        return LegacyRow(account_id=event.account_id, view=LegacyView.model_validate(words | {"ref_id": event.key}))


class LegacyRequests:
    """Reads, in a caller's name."""

    def __init__(self, requests: LegacyRepository) -> None:
        self._requests = requests

    async def listed(self, caller: Caller, query: LegacyQuery) -> Sequence[LegacyView]:
        return await self._requests.listed(query, account_of(caller))

    async def find(self, caller: Caller, ref_id: str) -> LegacyView | None:
        return await self._requests.find(ref_id, account_of(caller))


def place_of(one: LegacyView) -> tuple[int, str]:
    return round(one.submitted_at.timestamp() * 1000), one.ref_id
