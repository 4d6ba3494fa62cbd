from dataclasses import replace
from datetime import timedelta

import pytest
from portal_fakes import OPENED, SR, Make

from caseway_contracts.cases import CaseUpdated
from caseway_contracts.routes import CaseStatusChanged
from caseway_kit.mongo import Database
from portal.library import Library
from portal.listing import ListQuery, words_of
from portal.mongo_pages import MongoPageRepository
from portal.page import CasePage
from portal.projection import Mark, PageRepository, Projection
from portal.summary import summary_of

OTHERS = ("SR01-000000043-5", "SR01-000000044-6", "SR01-000000045-7")


@pytest.fixture
async def four_cases(pages: PageRepository, library: Library, submit: Make, make_event: Make) -> PageRepository:
    """The last one is of another account."""
    facts = [
        {"subject": "Invoice with a macro", "severity": "high"},
        {"sr_number": OTHERS[0], "subject": "Slow (very) server", "category": "spam"},
        {"sr_number": OTHERS[1], "subject": "Another INVOICE", "severity": "critical"},
        {"sr_number": OTHERS[2], "subject": "Their invoice", "account_id": "a2"},
    ]
    events = [
        await submit(**{**one, "occurred_at": OPENED + timedelta(minutes=minutes)}) for minutes, one in enumerate(facts)
    ]
    closed = make_event(CaseStatusChanged, sr_number=OTHERS[0], status="closed")
    await Projection(pages, library).apply([*events, closed])
    return pages


async def listed(pages: PageRepository, query: ListQuery, account_id: str | None = "a1") -> list[str]:
    return [page.sr_number for page in await pages.listed(query, account_id)]


async def test_a_page_comes_back_as_it_was_saved(
    pages: PageRepository, library: Library, submit: Make, analyze: Make
) -> None:
    projection = Projection(pages, library)
    await projection.apply([await submit(files={"f1": "a.zip"}), await analyze("f1")])
    await projection.apply([await analyze("f1", revision=2)])
    page = await pages.find(SR, "a1")
    assert page is not None
    assert (page.version, page.subject, len(page.history)) == (2, "It should not be detected", 3)
    assert await pages.find_many([SR, OTHERS[0]]) == {SR: page}
    assert await pages.mark(SR, "a1") == Mark(page.epoch, 2)


async def test_somebody_elses_page_is_not_there(four_cases: PageRepository) -> None:
    assert await four_cases.find(SR, "a2") is None
    assert await four_cases.mark(SR, "a2") is None
    assert await four_cases.find(SR, None) is not None


async def test_a_page_without_its_case_is_not_there(pages: PageRepository, library: Library, analyze: Make) -> None:
    await Projection(pages, library).apply([await analyze("f1")])
    assert await pages.find(SR, None) is None
    assert await pages.mark(SR, None) is None
    assert await listed(pages, ListQuery(), None) == []
    assert await pages.newest() is None
    assert SR in await pages.find_many([SR])


async def test_the_second_writer_of_a_version_is_told(pages: PageRepository) -> None:
    first, second = CasePage(sr_number=SR, version=1), CasePage(sr_number=OTHERS[0], version=1)
    assert await pages.save_many([first]) == set()
    assert await pages.save_many([first, second]) == {SR}
    assert await pages.save_many([first.model_copy(update={"version": 2})]) == set()
    assert await pages.save_many([first.model_copy(update={"version": 2})]) == {SR}
    assert await pages.save_many([]) == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ListQuery(), [OTHERS[1], OTHERS[0], SR]),
        (ListQuery(sort="submitted_at"), [SR, OTHERS[0], OTHERS[1]]),
        (ListQuery(sort="-severity"), [OTHERS[1], SR, OTHERS[0]]),
        (ListQuery(sort="severity"), [OTHERS[0], SR, OTHERS[1]]),
        (ListQuery(status="closed"), [OTHERS[0]]),
        (ListQuery(category="spam"), [OTHERS[0]]),
        (ListQuery(status="closed", category="threat-inquiry"), []),
        (ListQuery(words=words_of("INVOI")), [OTHERS[1], SR]),
        (ListQuery(words=words_of("macro invoice")), [SR]),
        (ListQuery(words=words_of(SR.lower())), [SR]),
        (ListQuery(words=words_of("000000043")), [OTHERS[0]]),
        (ListQuery(words=("(very",)), []),
        (ListQuery(limit=2), [OTHERS[1], OTHERS[0]]),
    ],
)
async def test_a_list_shows_what_was_asked_for(four_cases: PageRepository, query: ListQuery, found: list[str]) -> None:
    assert await listed(four_cases, query) == found


@pytest.mark.parametrize("sort", ["submitted_at", "-submitted_at", "severity", "-severity"])
async def test_pages_of_a_list_follow_one_another(four_cases: PageRepository, sort: str) -> None:
    whole = await listed(four_cases, ListQuery(sort=sort), None)  # type: ignore[arg-type]  # one of the literals
    query = ListQuery(sort=sort, limit=1)  # type: ignore[arg-type]  # as above
    found = []
    while page := await four_cases.listed(query, None):
        found.append(page[0].sr_number)
        query = replace(query, after=query.place(summary_of(page[0])))
    assert found == whole
    assert len(found) == 4


async def test_the_newest_is_the_youngest_case_event(
    four_cases: PageRepository, library: Library, make_event: Make
) -> None:
    later = OPENED + timedelta(hours=2)
    await Projection(four_cases, library).apply([make_event(CaseUpdated, revision=2, occurred_at=later)])
    assert await four_cases.newest() == later


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("s", [OTHERS[1], OTHERS[0], SR]),
        ("inv", [OTHERS[1], SR]),
        ("i a", [OTHERS[1], SR]),
        ("invoice anoth", [OTHERS[1]]),
        ("sr01-00000004", [OTHERS[1], OTHERS[0], SR]),
        ("invoices", []),
    ],
)
async def test_a_search_finds_beginnings_of_any_length(
    four_cases: PageRepository, asked: str, found: list[str]
) -> None:
    assert await listed(four_cases, ListQuery(words=words_of(asked))) == found


async def test_cases_are_listed_and_counted_by_their_verdict(
    four_cases: PageRepository, library: Library, make_completed: Make
) -> None:
    await Projection(four_cases, library).apply([make_completed(worst_verdict="clean", worst_rating="suspicious")])
    assert await listed(four_cases, ListQuery(verdict="suspicious")) == [SR]
    assert await four_cases.counted("verdict", "suspicious", "a1", 10) == 1
    assert await four_cases.counted("verdict", "suspicious", "a2", 10) == 0
    assert await four_cases.counted("status", "received", "a1", 10) == 2
    assert await four_cases.counted("status", "received", None, 2) == 2


@pytest.mark.integration
async def test_what_an_earlier_version_listed_is_searched_like_the_rest(
    mongo_pages: MongoPageRepository, database: Database, library: Library, submit: Make
) -> None:
    await Projection(mongo_pages, library).apply([await submit(subject="Before")])
    stored = database.collection("case_pages")
    await stored.update_many({}, {"$unset": {"listed.prefixes": 1, "listed.verdict": 1}})
    await mongo_pages.prepare()
    assert await listed(mongo_pages, ListQuery(words=words_of("before"))) == [SR]
