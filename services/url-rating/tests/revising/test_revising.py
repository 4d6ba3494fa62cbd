from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from uuid import uuid5

import pytest
from revising_steps import CHANGE, DIGEST, OTHER_SR, SR, URL, MakeAnalyzed, MakeCase, at_rest, overridden
from url_rating_fakes import (
    InMemoryChangeLog,
    InMemoryListRepository,
    InMemoryLotRepository,
    InMemoryRatingRepository,
)

from caseway_contracts.ratings import UrlsRated
from caseway_contracts.results import UrlReport
from caseway_contracts.sheets import SheetUrl
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from url_rating import revising as revising_module
from url_rating.decisions import Decisions
from url_rating.expressions import digest
from url_rating.lots import Change
from url_rating.overrides import Overriding
from url_rating.reclassifications import Outcome
from url_rating.revising import Revising
from url_rating.service import UrlRating, tombstone


async def test_list_that_switches_tells_every_case_that_holds_the_url(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    make_analyzed: MakeAnalyzed,
    memory_lots: InMemoryLotRepository,
    objects: Objects,
    import_list: Callable[[str, str], Awaitable[None]],
    clock: FixedClock,
) -> None:
    typed = await make_case(SheetUrl(evidence_id="url-one", url=URL), sr_number=OTHER_SR)
    await rating.rate_case_urls(typed, DIGEST)
    await rating.rate_found_urls(await make_analyzed(URL, "http://safe.test/"), DIGEST)
    await rating.rate_case_urls(await make_case(SheetUrl(evidence_id="url-two", url="http://safe.test/")), DIGEST)
    await at_rest(revising)
    assert memory_lots.stated == []

    clock.advance(60)
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    stated = {one.subject_id: one for one in memory_lots.stated}
    assert set(stated) == {f"{OTHER_SR}/urls/1", "piece-1"}
    found = stated["piece-1"]
    assert (found.key, found.revision, found.case_revision, found.changed) == (SR, 2, 3, 1)
    assert (found.counts, found.worst, found.occurred_at) == ({"dangerous": 1, "safe": 1}, "dangerous", clock.now())
    assert found.caused_by is None
    assert found.event_id == uuid5(memory_lots.lots["piece-1"].cause, "UrlsRated/piece-1/2")
    report = await objects.get_json(found.report, UrlReport)
    assert report.revision == 2
    assert [(one.id, one.rating) for one in report.urls] == [("url-0", "dangerous"), ("url-1", "safe")]
    assert OTHER_SR not in report.model_dump_json()

    await import_list("2", "phishing\tother.example\n")
    await at_rest(revising)
    last = {one.subject_id: one for one in memory_lots.stated}["piece-1"]
    assert (last.revision, last.changed, last.counts) == (3, 1, {"untested": 1, "safe": 1})


async def test_next_analysis_of_the_piece_comes_behind_what_was_revised(
    revising: Revising,
    rating: UrlRating,
    make_analyzed: MakeAnalyzed,
    memory_lots: InMemoryLotRepository,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await rating.rate_found_urls(await make_analyzed(URL), DIGEST)
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    analyzed = await make_analyzed(URL, revision=2)
    statements = await rating.rate_found_urls(analyzed, DIGEST)
    assert memory_lots.lots["piece-1"].revision == 3
    assert await rating.rate_found_urls(analyzed, DIGEST) == statements
    await at_rest(revising)
    assert len(memory_lots.stated) == 1


async def test_statement_that_a_crash_cut_off_is_made_under_its_own_revision(
    revising: Revising,
    rating: UrlRating,
    make_analyzed: MakeAnalyzed,
    memory_lots: InMemoryLotRepository,
    memory_ratings: InMemoryRatingRepository,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await rating.rate_found_urls(await make_analyzed(URL), DIGEST)
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    analyzed = await make_analyzed(URL, revision=2)
    await rating.rate_found_urls(analyzed, DIGEST)
    del memory_ratings.stated[analyzed.event_id]
    [again] = await rating.rate_found_urls(analyzed, DIGEST)
    assert UrlsRated.model_validate_json(again.body).revision == 3


async def test_lot_that_cannot_be_read_holds_no_other_up(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    import_list: Callable[[str, str], Awaitable[None]],
    objects: Objects,
) -> None:
    for number, sr_number in enumerate((SR, OTHER_SR)):
        case = await make_case(SheetUrl(evidence_id=f"url-{number}", url=URL), sr_number=sr_number)
        await rating.rate_case_urls(case, DIGEST)
    damaged = memory_lots.lots[f"{SR}/urls/1"]
    ref = damaged.report.model_copy(update={"sha256": "0" * 64})
    memory_lots.lots[damaged.subject_id] = replace(damaged, report=ref)
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    assert [one.key for one in memory_lots.stated] == [OTHER_SR]


async def test_list_that_cannot_be_read_was_not_taken_away(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    memory_lists: InMemoryListRepository,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await import_list("1", "phishing\tturned.example\n")
    await rating.rate_case_urls(await make_case(SheetUrl(evidence_id="url-one", url=URL)), DIGEST)
    await at_rest(revising)
    memory_lists.lost.add("own")
    await at_rest(revising)
    assert memory_lots.stated == []

    meanwhile = await make_case(SheetUrl(evidence_id="url-two", url=URL), sr_number=OTHER_SR)
    await rating.rate_case_urls(meanwhile, DIGEST)
    memory_lists.lost.clear()
    await at_rest(revising)
    assert [(one.key, one.worst) for one in memory_lots.stated] == [(OTHER_SR, "dangerous")]


async def test_lot_that_was_given_up_stays_so(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await rating.dropped(await make_case(SheetUrl(evidence_id="url-one", url=URL)), DIGEST)
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    assert memory_lots.stated == []


async def test_decision_tells_the_cases_of_its_site_and_no_account_decides_for_another(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    changes: InMemoryChangeLog,
    overriding: Overriding,
) -> None:
    for number, sr_number in enumerate((SR, OTHER_SR, "SR01-000000044-6")):
        url = URL if number < 2 else "http://elsewhere.example/"
        case = await make_case(SheetUrl(evidence_id=f"url-{number}", url=url), sr_number=sr_number)
        await rating.rate_case_urls(case, DIGEST)
    await at_rest(revising)
    await overridden(overriding, "acc-1")
    changes.changes.append(CHANGE)
    await at_rest(revising)
    assert memory_lots.stated == []

    await overridden(overriding, None)
    changes.changes.append(CHANGE)
    await at_rest(revising)
    assert sorted((one.key, one.changed, one.worst) for one in memory_lots.stated) == [
        (SR, 1, "dangerous"),
        (OTHER_SR, 1, "dangerous"),
    ]
    assert changes.changes == []


async def test_case_that_asked_for_the_change_is_told_once(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    changes: InMemoryChangeLog,
    decisions: Decisions,
) -> None:
    asked = SheetUrl(evidence_id="asked", url="http://phishing.test/", requested_rating="safe")
    await rating.rate_case_urls(await make_case(asked), DIGEST)
    seen = SheetUrl(evidence_id="seen", url="http://phishing.test/")
    await rating.rate_case_urls(await make_case(seen, sr_number=OTHER_SR), DIGEST)
    await at_rest(revising)
    await decisions.decide("asked", "changed", by="con-9", reason="Cleaned.", rating="safe", categories=[58])
    changes.changes.append(Change("asked", digest("phishing.test/"), "1"))
    await at_rest(revising)
    assert sorted((one.key, one.changed, one.worst) for one in memory_lots.stated) == [
        (SR, 0, "safe"),
        (OTHER_SR, 1, "safe"),
    ]


@pytest.mark.parametrize("outcome", ["kept", "changed"])
async def test_case_shows_what_became_of_its_request_and_why(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    changes: InMemoryChangeLog,
    decisions: Decisions,
    objects: Objects,
    outcome: Outcome,
) -> None:
    asked = SheetUrl(evidence_id="asked", url="http://phishing.test/", requested_rating="safe")
    await rating.rate_case_urls(await make_case(asked), DIGEST)
    await at_rest(revising)
    await decisions.decide("asked", outcome, by="con-9", reason="We looked at it.", rating="safe")
    changes.changes.append(Change("asked", digest("phishing.test/"), "1"))
    await at_rest(revising)
    [stated] = memory_lots.stated
    [shown] = (await objects.get_json(stated.report, UrlReport)).urls
    assert (shown.outcome, shown.rating) == (outcome, "safe" if outcome == "changed" else "dangerous")
    assert (shown.reasons[-1].engine, shown.reasons[-1].rule) == ("analysts", outcome)
    assert shown.reasons[-1].says == "We looked at it."
    assert (stated.changed, stated.waiting) == (0, ())


async def test_erased_case_is_told_nothing(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    make_analyzed: MakeAnalyzed,
    memory_lots: InMemoryLotRepository,
    objects: Objects,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await rating.rate_found_urls(await make_analyzed(URL), DIGEST)
    await rating.rate_case_urls(await make_case(SheetUrl(evidence_id="a", url=URL), sr_number=OTHER_SR), DIGEST)

    async def stone() -> AsyncIterator[bytes]:
        yield b"{}"

    await objects.put_stream(tombstone(SR), stone())
    await objects.delete(memory_lots.lots[f"{OTHER_SR}/urls/1"].report.key)
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    assert memory_lots.stated == []
    assert memory_lots.lots == {}


async def test_many_lots_are_looked_at_some_at_a_time(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    import_list: Callable[[str, str], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(revising_module, "AT_ONCE", 2)
    for number in range(5):
        case = await make_case(SheetUrl(evidence_id=f"url-{number}", url=URL), sr_number=f"SR01-{number:09}-4")
        await rating.rate_case_urls(case, DIGEST)
    await import_list("1", "phishing\tturned.example\n")
    assert await revising.once()
    assert len(memory_lots.stated) == 2
    # Those are looked at again when the list switches on the way.
    await import_list("2", "malware\tturned.example\n")
    await at_rest(revising)
    assert {one.key: one.revision for one in memory_lots.stated} == {
        f"SR01-{number:09}-4": 3 if number < 2 else 2 for number in range(5)
    }
