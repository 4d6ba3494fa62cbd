from collections.abc import Awaitable, Callable
from copy import deepcopy

import pytest
from revising_steps import CHANGE, DIGEST, OTHER_SR, URL, MakeAnalyzed, MakeCase, at_rest, overridden
from url_rating_fakes import (
    InMemoryChangeLog,
    InMemoryListRepository,
    InMemoryLotRepository,
)

from caseway_contracts.sheets import SheetUrl
from caseway_kit.testing.clock import FixedClock
from url_rating.decisions import Decisions
from url_rating.heuristics import bundled as suspicions
from url_rating.overrides import Overriding
from url_rating.revising import Revising
from url_rating.service import UrlRating


async def test_replicas_of_two_releases_tell_a_case_once(
    revising: Revising,
    newer: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
) -> None:
    await rating.rate_case_urls(await make_case(SheetUrl(evidence_id="url-one", url="http://192.0.2.7/")), DIGEST)
    for one in (revising, newer, revising, newer):
        await at_rest(one)
    assert [(one.revision, one.worst, one.changed) for one in memory_lots.stated] == [(2, "suspicious", 1)]

    # The release before states what comes in still; the next one goes over it.
    late = await make_case(SheetUrl(evidence_id="url-two", url="http://192.0.2.7/"), sr_number=OTHER_SR)
    await rating.rate_case_urls(late, DIGEST)
    for one in (revising, newer, revising):
        await at_rest(one)
    assert [(one.key, one.worst) for one in memory_lots.stated[1:]] == [(OTHER_SR, "suspicious")]


async def test_decision_that_the_release_before_sees_first_is_told_with_the_rules_of_the_next(
    revising: Revising,
    newer: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    changes: InMemoryChangeLog,
    overriding: Overriding,
) -> None:
    urls = [SheetUrl(evidence_id="a", url="http://192.0.2.7/"), SheetUrl(evidence_id="b", url=URL)]
    await rating.rate_case_urls(await make_case(*urls), DIGEST)
    await at_rest(newer)
    await overridden(overriding, None)
    changes.changes.append(CHANGE)
    await at_rest(revising)
    assert len(memory_lots.stated) == 1
    await at_rest(newer)
    last = memory_lots.stated[-1]
    assert (last.revision, last.changed, last.counts) == (3, 1, {"suspicious": 1, "dangerous": 1})


async def test_replica_that_sees_a_list_later_takes_nothing_back(
    revising: Revising,
    rating: UrlRating,
    replica: Callable[..., Revising],
    memory_lists: InMemoryListRepository,
    make_case: MakeCase,
    memory_lots: InMemoryLotRepository,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await rating.rate_case_urls(await make_case(SheetUrl(evidence_id="url-one", url=URL)), DIGEST)
    await at_rest(revising)
    late = replica(deepcopy(memory_lists), suspicions())
    await import_list("1", "phishing\tturned.example\n")
    await at_rest(revising)
    await at_rest(late)
    assert [one.worst for one in memory_lots.stated] == ["dangerous"]


async def test_url_that_was_typed_and_found_is_told_once(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    make_analyzed: MakeAnalyzed,
    memory_lots: InMemoryLotRepository,
    import_list: Callable[[str, str], Awaitable[None]],
) -> None:
    await rating.rate_case_urls(await make_case(SheetUrl(evidence_id="url-one", url=URL)), DIGEST)
    await rating.rate_found_urls(await make_analyzed(f"{URL}#else", "http://turned.example/b"), DIGEST)
    for version, category in enumerate(("phishing", "bank", "phishing")):
        memory_lots.stated.clear()
        await import_list(str(version), f"{category}\tturned.example\n")
        await at_rest(revising)
        assert len(memory_lots.stated) == 2
        assert sum(one.changed for one in memory_lots.stated) == 2  # two URLs, one of them in both lots


@pytest.mark.parametrize("typed_first", [True, False])
async def test_url_of_a_decided_request_is_told_by_the_decision_alone(
    revising: Revising,
    rating: UrlRating,
    make_case: MakeCase,
    make_analyzed: MakeAnalyzed,
    memory_lots: InMemoryLotRepository,
    changes: InMemoryChangeLog,
    decisions: Decisions,
    overriding: Overriding,
    clock: FixedClock,
    typed_first: bool,
) -> None:
    asked = SheetUrl(evidence_id="asked", url=URL, requested_rating="dangerous")
    await rating.rate_case_urls(await make_case(asked), DIGEST)
    await rating.rate_found_urls(await make_analyzed(URL), DIGEST)
    await at_rest(revising)
    clock.advance(60)
    await decisions.decide("asked", "changed", by="con-9", reason="It is.", rating="dangerous")
    memory_lots.lots = dict(sorted(memory_lots.lots.items(), reverse=not typed_first))
    changes.changes.append(CHANGE)
    await at_rest(revising)
    assert [(one.worst, one.changed) for one in memory_lots.stated] == [("dangerous", 0)] * 2

    clock.advance(60)
    await overriding.put(URL, account_id=None, rating="safe", categories=(), reason="No.", by="con-8", expires_at=None)
    changes.changes.append(CHANGE)
    await at_rest(revising)
    assert sorted((one.worst, one.changed) for one in memory_lots.stated[2:]) == [("safe", 0), ("safe", 1)]
