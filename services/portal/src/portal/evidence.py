"""What is known about the evidence of a case, put together from the reports that its page names."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from caseway_contracts.ratings import typed_urls
from caseway_contracts.results import (
    AttkLogResult,
    CategoryName,
    EmailResult,
    EvidenceReport,
    FileResult,
    Requested,
    Result,
    UrlReport,
    UrlResult,
)
from caseway_contracts.sheets import Evidenced, SheetUrl
from caseway_contracts.views import AnalysisView
from portal.library import Library
from portal.page import CasePage, Piece, Report

MOST_LISTED = 500
LISTS = ("files", "urls", "emails", "attk_logs")
# Keeps a result's place when pieces are added: no case event brings as many pieces.
PIECES_A_REVISION = 1_000

Place: TypeAlias = tuple[int, int, int]
"""Position of the list, of the piece and within its report: as stable as these are."""


@dataclass
class Reports:
    """The objects that could be read, with the statements that name them, by subject."""

    pieces: dict[str, tuple[Report, EvidenceReport]] = field(default_factory=dict)
    ratings: dict[str, tuple[Report, UrlReport]] = field(default_factory=dict)

    def holds(self, kind: str, subject_id: str, revision: int) -> bool:
        held = self.pieces.get(subject_id) if kind == "EvidenceAnalyzed" else self.ratings.get(subject_id)
        return held is not None and held[0].revision >= revision


@dataclass
class Found:
    """A result, where it stands, and the version of the page that brought it."""

    place: Place
    result: Result
    v: int = 0

    def flat(self) -> dict[str, Any]:
        """As an item of one list of all results."""
        name = LISTS[self.place[0]]
        kind = {} if name == "files" else {"kind": name.removesuffix("s")}
        return {"list": name, **kind, **self.result.model_dump(mode="json")}


async def read_reports(page: CasePage, library: Library) -> Reports:
    if page.erased:
        return Reports()
    pieces = await asyncio.gather(*(library.read(one.ref, EvidenceReport) for one in page.reports))
    ratings = await asyncio.gather(*(library.read(one.ref, UrlReport) for one in page.ratings))
    return Reports(
        {one.subject_id: (one, read) for one, read in zip(page.reports, pieces, strict=True) if read is not None},
        {one.subject_id: (one, read) for one, read in zip(page.ratings, ratings, strict=True) if read is not None},
    )


class Evidence:
    """All results of a case, in a stable order."""

    def __init__(
        self, page: CasePage, sheets: Mapping[int, Evidenced], reports: Reports, categories: Mapping[int, str]
    ) -> None:
        self._page = page
        self._reports = reports
        self._categories = categories
        self.found: list[Found] = []
        for revision in sorted({one.revision for one in page.evidence} | sheets.keys()):
            self._add_typed(revision, sheets[revision].urls if revision in sheets else ())
        for number, piece in _numbered(page.evidence):
            self._add_piece(number, piece.id)
        submitted = {one.id for one in page.evidence}
        for offset, subject_id in enumerate(sorted(reports.pieces.keys() - submitted)):
            self._add_piece(10**9 + offset, subject_id)
        self.found.sort(key=lambda one: one.place)

    def view(self) -> AnalysisView:
        lists = {name: self._named(rank) for rank, name in enumerate(LISTS)}
        return AnalysisView.model_validate(
            {
                **{name: tuple(one.result for one in results[:MOST_LISTED]) for name, results in lists.items()},
                "complete": self.complete(),
                "round": self._page.round(),
                "truncated": any(len(results) > MOST_LISTED for results in lists.values()),
            }
        )

    def complete(self) -> bool:
        """True only if all that the rounds cover has been read for this very view."""
        completed = {int(one.subject_id): one.covers for one in self._page.completed}
        return bool(self._page.rounds) and all(
            number in completed
            and all(self._reports.holds(one.type, one.id, one.revision) for one in completed[number])
            for number in self._page.rounds
        )

    def since(self, v: int) -> list[Found]:
        return [one for one in self.found if one.v > v]

    def _named(self, rank: int) -> list[Found]:
        return [one for one in self.found if one.place[0] == rank]

    def _add_piece(self, number: int, subject_id: str) -> None:
        statement, report = self._reports.pieces.get(subject_id, (None, None))
        rated, ratings = self._reports.ratings.get(subject_id, (None, None))
        urls: dict[str, UrlResult] = {}
        if statement is not None and report is not None:
            lists: tuple[tuple[int, Iterable[FileResult | EmailResult | AttkLogResult]], ...]
            lists = ((0, report.files), (2, report.emails), (3, report.attk_logs))
            for rank, results in lists:
                self.found += [Found((rank, number, at), one, statement.v) for at, one in enumerate(results)]
            urls = {one.id: UrlResult(id=one.id, parent_id=one.parent_id, url=one.url) for one in report.urls}
        urls |= {one.id: one for one in ratings.urls} if ratings else {}
        self._add_urls(number, urls, rated, statement.v if statement else 0)

    def _add_typed(self, revision: int, typed: Iterable[SheetUrl]) -> None:
        rated, report = self._reports.ratings.get(typed_urls(self._page.sr_number, revision), (None, None))
        urls = {one.evidence_id: UrlResult(id=one.evidence_id, url=one.url) for one in typed}
        urls |= {one.id: one for one in report.urls} if report else {}
        for one in typed:
            if one.requested_rating is not None or one.requested_categories is not None:
                requested = Requested(rating=one.requested_rating, categories=one.requested_categories)
                urls[one.evidence_id] = urls[one.evidence_id].model_copy(update={"requested": requested})
        brought = next((one.v for one in self._page.history if one.service == "intake" and one.revision == revision), 0)
        self._add_urls(revision * PIECES_A_REVISION, urls, rated, brought)

    def _add_urls(self, number: int, urls: Mapping[str, UrlResult], rated: Report | None, v: int) -> None:
        decisions = {one.subject_id: one for one in self._page.reclassified}
        v = max(v, rated.v if rated else 0)
        for at, (url_id, url) in enumerate(urls.items()):
            decision = decisions.get(url_id)
            changes: dict[str, Any] = {}
            if decision is not None:
                changes["outcome"] = decision.outcome
            if decision is not None and (rated is None or decision.at >= rated.at):
                names = tuple(CategoryName(id=one, name=self._name_of(one)) for one in decision.categories)
                changes |= {"rating": decision.rating, "score": decision.score, "categories": names}
            result = url.model_copy(update=changes) if changes else url
            self.found.append(Found((1, number, at), result, max(v, decision.v if decision else 0)))

    def _name_of(self, category: int) -> str:
        return self._categories.get(category, str(category))


def _numbered(evidence: Iterable[Piece]) -> Iterable[tuple[int, Piece]]:
    """Pieces that can have a report of their own, each with its number: that of its event, then its place there."""
    places: dict[int, int] = {}
    for piece in evidence:
        places[piece.revision] = places.get(piece.revision, 0) + 1
        if piece.kind != "url":
            yield piece.revision * PIECES_A_REVISION + places[piece.revision], piece
