"""Keeps the pages up to date: a lot of events at a time, each page read and written once."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from caseway_contracts.base import Event
from caseway_contracts.sheets import CaseSheet
from caseway_kit.messaging import event_digest
from portal.applying import SHOWN, apply
from portal.library import Library
from portal.listing import ListQuery
from portal.page import CasePage

CountedBy = Literal["status", "verdict"]


@dataclass(frozen=True)
class Mark:
    """How far a page has come; versions of different epochs can't be compared."""

    epoch: str
    version: int


class PageRepository(Protocol):
    """Pages of cases. ``account_id`` narrows to one account, None to nothing; all methods raise OutageError."""

    async def find_many(self, sr_numbers: Collection[str]) -> Mapping[str, CasePage]:
        """Pages by SR number, those whose case has not come yet too."""

    async def save_many(self, pages: Collection[CasePage]) -> set[str]:
        """Write each page over the version before it (0: none); the SR numbers where somebody else wrote meanwhile."""

    async def find(self, sr_number: str, account_id: str | None) -> CasePage | None: ...

    async def mark(self, sr_number: str, account_id: str | None) -> Mark | None: ...

    async def listed(self, query: ListQuery, account_id: str | None) -> Sequence[CasePage]:
        """In the query's order, without history and inbox."""

    async def counted(self, name: CountedBy, value: str, account_id: str | None, most: int) -> int:
        """How many cases have that value; no more than ``most`` are looked at."""

    async def newest(self) -> datetime | None:
        """When the youngest case event that any page has was stated."""


class Projection:
    def __init__(self, pages: PageRepository, library: Library) -> None:
        self._pages = pages
        self._library = library

    async def apply(self, events: Sequence[Event]) -> None:
        """Take all of the events, or raise and take none of those that were not taken before."""
        lots: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            if event.type in SHOWN and isinstance(event, SHOWN[event.type]):
                lots[event.key].append(event)
        while lots:
            known = await self._pages.find_many(lots.keys())
            pages = [_applied(known.get(sr_number), lot, sr_number) for sr_number, lot in lots.items()]
            changed = [page for page in pages if page is not None]
            refused = await self._pages.save_many(await asyncio.gather(*map(self._with_subject, changed)))
            self._forget(page for page in changed if page.erased)
            lots = {sr_number: lots[sr_number] for sr_number in refused}

    async def _with_subject(self, page: CasePage) -> CasePage:
        if page.case is None or page.subject is not None or page.erased:
            return page
        opened = page.sheet(1)
        sheet = opened and await self._library.read(opened.ref, CaseSheet)
        return page.model_copy(update={"subject": sheet.subject if sheet else ""})

    def _forget(self, erased: Iterable[CasePage]) -> None:
        for page in erased:
            self._library.forget(f"cases/{page.sr_number}/")


def _applied(known: CasePage | None, events: Sequence[Event], sr_number: str) -> CasePage | None:
    """The page's next version; None when it has all of the events already."""
    before = known or CasePage(sr_number=sr_number, epoch=secrets.token_hex(4))
    page = before
    for event in events:
        page = apply(page, event, event_digest(event))
    return None if page is before else page.model_copy(update={"version": before.version + 1})
