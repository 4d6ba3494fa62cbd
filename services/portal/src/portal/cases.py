"""Reads: the projection, the words and results that it names, and what intake knows that it doesn't know yet."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from caseway_contracts.sheets import CaseSheet, Evidenced, UpdateSheet
from caseway_contracts.views import CaseSummary, CaseView
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.tokens import Caller
from portal.evidence import Evidence, Reports, read_reports
from portal.fresh import FreshCase, FreshCases, FreshPiece
from portal.library import Library
from portal.listing import ListQuery
from portal.page import CasePage
from portal.projection import CountedBy, PageRepository
from portal.summary import summary_of
from portal.view import Sheets, view_of

ONE_ACCOUNT = frozenset({"customer", "account_admin"})
# How long a case event may take through Kafka before a list can miss it.
LAG = timedelta(seconds=30)
FIRST_LAG = timedelta(days=1)


@dataclass(frozen=True)
class Opened:
    """A page with the objects that it names, as far as they can be read."""

    page: CasePage
    sheets: Sheets
    evidence: Evidence

    def view(self) -> CaseView:
        return view_of(self.page, self.sheets, self.evidence.view())


class Cases:
    def __init__(
        self, pages: PageRepository, library: Library, fresh: FreshCases, *, categories: Mapping[int, str], clock: Clock
    ) -> None:
        self.pages = pages
        self._library = library
        self._fresh = fresh
        self._categories = categories
        self._clock = clock

    async def view(self, caller: Caller, sr_number: str) -> CaseView | None:
        """None: there is no such case that the caller may see."""
        found = await self.look(caller, sr_number)
        return found[0] if found else None

    async def look(self, caller: Caller, sr_number: str) -> tuple[CaseView, Opened | None, FreshCase | None] | None:
        """The view, and what it was made of."""
        opened, newer = await self._look(caller, sr_number)
        if opened is None:
            return (newer.view(), None, newer) if newer else None
        return (newer.over(opened.view(), opened.page.applied) if newer else opened.view()), opened, newer

    async def piece(self, caller: Caller, sr_number: str, piece_id: str) -> FreshPiece | None:
        """A submitted piece with the object that holds it, as only intake knows."""
        if (page := await self.pages.find(sr_number, account_of(caller))) is not None and page.erased:
            return None
        case = await self._newer(caller, sr_number, None)
        return next((one for one in case.evidence if one.id == piece_id), None) if case else None

    async def counts(self, caller: Caller, name: CountedBy, values: Sequence[str], most: int) -> dict[str, int]:
        """How many cases have each value; no more than ``most`` of each are counted."""
        account_id = account_of(caller)
        found = await asyncio.gather(*(self.pages.counted(name, one, account_id, most) for one in values))
        return dict(zip(values, found, strict=True))

    async def evidence(self, caller: Caller, sr_number: str) -> Evidence | None:
        opened, newer = await self._look(caller, sr_number)
        if opened is not None:
            return opened.evidence
        return Evidence(CasePage(sr_number=sr_number), {}, Reports(), self._categories) if newer else None

    async def visible(self, caller: Caller, sr_number: str) -> bool:
        if await self.pages.find(sr_number, account_of(caller)) is not None:
            return True
        return await self._newer(caller, sr_number, None) is not None

    async def opened(self, caller: Caller, sr_number: str) -> Opened | None:
        """The case as the projection has it."""
        page = await self.pages.find(sr_number, account_of(caller))
        return None if page is None else await self._open(page)

    async def listed(self, caller: Caller, query: ListQuery) -> list[CaseSummary]:
        """Up to ``query.limit`` cases."""
        pages, changed = await asyncio.gather(
            self.pages.listed(query, account_of(caller)), self._changed(caller, await self._since())
        )
        if changed and len(pages) == query.limit:
            # Those of them that changed may belong elsewhere by now; what is behind them moves up.
            more = replace(query, limit=query.limit + len(changed))
            pages = await self.pages.listed(more, account_of(caller))
        cases = {page.sr_number: summary_of(page) for page in pages}
        known = await self.pages.find_many([one.sr_number for one in changed]) if changed else {}
        for newer in changed:
            page = known.get(newer.sr_number)
            case = newer.summary() if page is None or not page.case else summary_of(page)
            if page is not None and page.case and page.applied < newer.revision:
                case = newer.over_summary(case)
            cases.pop(newer.sr_number, None)
            if query.shows(case):
                cases[newer.sr_number] = case
        return query.arranged(cases.values())[: query.limit]

    async def _look(self, caller: Caller, sr_number: str) -> tuple[Opened | None, FreshCase | None]:
        page = await self.pages.find(sr_number, account_of(caller))
        if page is not None and page.erased:
            return await self._open(page), None
        try:
            newer = await self._newer(caller, sr_number, page.applied if page else None)
        except OutageError:
            # What nobody here knows may be there all the same.
            if page is None:
                raise
            newer = None
        return (None if page is None else await self._open(page)), newer

    async def _newer(self, caller: Caller, sr_number: str, applied: int | None) -> FreshCase | None:
        newer = await self._fresh.case(caller, sr_number, applied)
        if newer is None or not _may_see(caller, newer) or newer.revision <= (applied or 0):
            return None
        return newer

    async def _changed(self, caller: Caller, since: datetime) -> list[FreshCase]:
        return [one for one in await self._fresh.changed(caller, since) if _may_see(caller, one)]

    async def _since(self) -> datetime:
        """From when on the projection may lack something: as long as no event comes, it lags behind none."""
        now, newest = self._clock.now(), await self.pages.newest()
        return now - FIRST_LAG if newest is None else min(now, newest) - LAG

    async def _open(self, page: CasePage) -> Opened:
        sheets, reports = await asyncio.gather(self._sheets(page), read_reports(page, self._library))
        return Opened(page, sheets, Evidence(page, sheets, reports, self._categories))

    async def _sheets(self, page: CasePage) -> Sheets:
        if page.erased:
            self._library.forget(f"cases/{page.sr_number}/")
            return {}
        read = await asyncio.gather(
            *(self._library.read(one.ref, CaseSheet if one.revision == 1 else UpdateSheet) for one in page.sheets)
        )
        found: dict[int, Evidenced] = {}
        for sheet, words in zip(page.sheets, read, strict=True):
            if words is not None:
                found[sheet.revision] = words
        return found


def account_of(caller: Caller) -> str | None:
    """The account that the caller is confined to; None for the vendor's own people."""
    return caller.account_id if caller.role in ONE_ACCOUNT else None


def _may_see(caller: Caller, case: FreshCase) -> bool:
    return account_of(caller) in (None, case.account_id)
