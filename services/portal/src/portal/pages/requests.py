"""Support Requests: the table *Product and Threat Cases*, and the same as a file."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from caseway_contracts.kinds import CaseStatus, Verdict
from caseway_contracts.views import CaseSummary
from caseway_kit.errors import OutageError
from caseway_kit.paging import from_cursor, to_cursor
from caseway_kit.problems import Problem
from portal.cases import Cases
from portal.export import csv_of
from portal.listing import DEFAULT_SORT, ListQuery, Sort, words_of
from portal.pages.base import Site, page_router, render, site_of
from portal.pages.visitors import Anybody, Visitor

PAGE = 25
EXPORTED_AT_ONCE = 200
LONGEST_SEARCH = 255

STATUSES: tuple[str, ...] = get_args(CaseStatus)
VERDICTS: tuple[str, ...] = get_args(Verdict)
SORTS: tuple[str, ...] = get_args(Sort)


@dataclass(frozen=True)
class Asked:
    """What the address asks for; what makes no sense there asks for nothing."""

    status: str = ""
    category: str = ""
    verdict: str = ""
    q: str = ""
    sort: str = DEFAULT_SORT

    @classmethod
    def of(cls, params: Mapping[str, str], categories: Mapping[str, str]) -> "Asked":
        return cls(
            status=_one_of(params.get("status"), STATUSES),
            category=_one_of(params.get("category"), categories),
            verdict=_one_of(params.get("verdict"), VERDICTS),
            q=params.get("q", "")[:LONGEST_SEARCH],
            sort=_one_of(params.get("sort"), SORTS) or DEFAULT_SORT,
        )

    def query(self, limit: int) -> ListQuery | None:
        """None: nothing can be found by what was typed."""
        words = words_of(self.q)
        if self.q.strip() and not words:
            return None
        query = ListQuery(words=words, limit=limit)
        filters = {name: getattr(self, name) or None for name in ("status", "category", "verdict")}
        return replace(query, sort=self.sort, **filters)  # type: ignore[arg-type]  # each is one of its words

    @property
    def filtered(self) -> bool:
        return bool(self.status or self.category or self.verdict or self.q.strip())

    def address(self, path: str = "/requests", **changes: str) -> str:
        values = {name: getattr(self, name) for name in ("status", "category", "verdict", "q", "sort")} | changes
        chosen = {name: value for name, value in values.items() if value and (name, value) != ("sort", DEFAULT_SORT)}
        return f"{path}?{urlencode(chosen)}" if chosen else path

    def sorted_by(self, field: str) -> str:
        """The address of the same list by a column; by it already: the other way round."""
        return self.address(sort=field if self.sort == f"-{field}" else f"-{field}")

    def direction(self, field: str) -> str:
        """What ``aria-sort`` says of a column."""
        return {field: "ascending", f"-{field}": "descending"}.get(self.sort, "none")


def build_router(cases: Cases) -> APIRouter:
    router = page_router()

    @router.get("/requests")
    async def show(request: Request, visitor: Anybody) -> Response:
        asked = _asked(request)
        query, found = asked.query(PAGE + 1), list[CaseSummary]()
        position = _position(request.query_params.get("cursor"), asked.sort)
        if query is not None:
            found = await cases.listed(visitor.caller, replace(query, after=position))
        more = None
        if query is not None and len(found) > PAGE:
            more = to_cursor(asked.sort, *query.place(found[PAGE - 1]))
        return render(
            request,
            "cases/list.html",
            asked=asked,
            cases=found[:PAGE],
            more=asked.address(cursor=more) if more else None,
            first=asked.address() if position else None,
            statuses=STATUSES,
            verdicts=VERDICTS,
        )

    @router.get("/requests.csv")
    async def export(request: Request, visitor: Anybody) -> Response:
        site, asked = site_of(request), _asked(request)
        rows = _rows(cases, visitor, asked)
        # What can't be read at all is said as a page; later only the connection can tell.
        first = [row async for row in _first(rows)]
        headers = {
            "Content-Disposition": 'attachment; filename="support-requests.csv"',
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(csv_of(_again(first, rows), site), media_type="text/csv", headers=headers)

    return router


async def _rows(cases: Cases, visitor: Visitor, asked: Asked) -> AsyncIterator[CaseSummary]:
    query = asked.query(EXPORTED_AT_ONCE)
    while query is not None:
        found = await cases.listed(visitor.caller, query)
        for one in found:
            yield one
        query = replace(query, after=query.place(found[-1])) if len(found) == query.limit else None


async def _first(rows: AsyncIterator[CaseSummary]) -> AsyncIterator[CaseSummary]:
    async for row in rows:
        yield row
        return


async def _again(first: list[CaseSummary], rows: AsyncIterator[CaseSummary]) -> AsyncIterator[CaseSummary]:
    for row in first:
        yield row
    try:
        async for row in rows:
            yield row
    except OutageError:
        # The head has been sent; a file that ends without its last line is one that the browser calls incomplete.
        raise ConnectionError("the list could not be read to its end") from None


def _asked(request: Request) -> Asked:
    site: Site = site_of(request)
    return Asked.of(request.query_params, {one.slug: one.label for one in site.catalog.categories})


def _position(cursor: str | None, sort: str) -> tuple[int, str] | None:
    try:
        position = from_cursor(cursor or None, str, int, str)
    except Problem:
        return None
    return (position[1], position[2]) if position is not None and position[0] == sort else None


def _one_of(value: str | None, known: object) -> str:
    return value if value is not None and value in known else ""  # type: ignore[operator]  # a container of words
