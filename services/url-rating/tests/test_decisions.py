from collections.abc import Callable

import pytest
from url_rating_fakes import InMemoryRatingRepository, InMemoryReclassificationRepository

from caseway_kit.testing.clock import FixedClock
from url_rating.decisions import AlreadyDecided, Decisions, NoSuchRequest, NothingChanges
from url_rating.expressions import site
from url_rating.lookup import Lookup
from url_rating.popularity import ACCOUNTS, Popularity
from url_rating.ratings import Sighting
from url_rating.reclassifications import Reclassification
from url_rating.verdicts import UnknownCategories

URL = "http://evil.example/"


@pytest.fixture
async def request_id(
    memory_reclassifications: InMemoryReclassificationRepository, make_request: Callable[..., Reclassification]
) -> str:
    [request] = await memory_reclassifications.add([make_request("one")])
    return request.id


async def test_change_is_in_force_for_the_next_look_up(decisions: Decisions, lookup: Lookup, request_id: str) -> None:
    await decisions.decide(request_id, "changed", by="con-1", reason="cleaned", rating="safe", categories=[58])
    [rated] = await lookup.rate([URL])
    assert (rated.judgement.rating, rated.judgement.score) == ("safe", 90)
    assert [category.id for category in rated.judgement.categories] == [58]
    [reason] = rated.judgement.reasons
    assert (reason.engine, reason.rule, reason.where) == ("analysts", "decided", "evil.example/")
    assert "cleaned" not in reason.says


async def test_change_is_stated_with_what_it_made_of_the_url(
    decisions: Decisions, memory_reclassifications: InMemoryReclassificationRepository, request_id: str
) -> None:
    await decisions.decide(request_id, "changed", by="con-1", reason="cleaned", categories=[58])
    [stated] = memory_reclassifications.stated
    assert (stated.subject_id, stated.outcome, stated.decided_by) == (request_id, "changed", "con-1")
    assert (stated.rating, stated.score, stated.categories) == ("dangerous", 49, (58,))


async def test_kept_rating_overrides_nothing(decisions: Decisions, lookup: Lookup, request_id: str) -> None:
    decided = await decisions.decide(request_id, "kept", by="con-1", reason="still bad", rating="safe")
    assert (decided.outcome, decided.rating) == ("kept", "dangerous")
    [rated] = await lookup.rate([URL])
    assert rated.judgement.rating == "untested"


async def test_request_is_decided_once(decisions: Decisions, request_id: str, clock: FixedClock) -> None:
    await decisions.decide(request_id, "kept", by="con-1", reason="still bad")
    with pytest.raises(AlreadyDecided):
        await decisions.decide(request_id, "changed", by="con-2", reason="no", rating="safe")


async def test_same_decision_again_is_answered_as_it_was(
    decisions: Decisions,
    memory_reclassifications: InMemoryReclassificationRepository,
    request_id: str,
    clock: FixedClock,
) -> None:
    first = await decisions.decide(request_id, "changed", by="con-1", reason="cleaned", rating="safe")
    clock.advance(60)
    assert await decisions.decide(request_id, "changed", by="con-1", reason="cleaned", rating="safe") == first
    assert len(memory_reclassifications.stated) == 1
    with pytest.raises(AlreadyDecided):
        await decisions.decide(request_id, "changed", by="con-2", reason="cleaned", rating="safe")


async def test_decision_must_make_sense(decisions: Decisions, request_id: str) -> None:
    with pytest.raises(NoSuchRequest):
        await decisions.decide("unknown", "kept", by="con-1", reason="why")
    with pytest.raises(NothingChanges):
        await decisions.decide(request_id, "changed", by="con-1", reason="why")
    with pytest.raises(UnknownCategories):
        await decisions.decide(request_id, "changed", by="con-1", reason="why", categories=[9999])
    assert len(await decisions.waiting()) == 1


@pytest.fixture
async def popular_id(
    memory_reclassifications: InMemoryReclassificationRepository, make_request: Callable[..., Reclassification]
) -> str:
    request = make_request("popular", url="http://www.popular.example/")
    await memory_reclassifications.add([request])
    return request.id


async def test_change_of_a_widely_used_site_needs_two_people(
    decisions: Decisions, memory_reclassifications: InMemoryReclassificationRepository, popular_id: str
) -> None:
    change = {"rating": "safe", "categories": [58]}
    for _ in range(2):  # one person twice is one person
        first = await decisions.decide(popular_id, "changed", by="con-1", reason="cleaned", **change)  # type: ignore[arg-type]  # keywords by name
        assert (first.outcome, first.rating) == (None, "dangerous")
        assert first.proposed is not None
        assert (first.proposed.by, first.proposed.rating, first.proposed.categories) == ("con-1", "safe", (58,))
    assert memory_reclassifications.stated == []

    other = await decisions.decide(popular_id, "changed", by="con-2", reason="hm", rating="suspicious")
    assert (other.outcome, other.proposed and other.proposed.by) == (None, "con-2")
    await decisions.decide(popular_id, "changed", by="con-1", reason="cleaned", **change)  # type: ignore[arg-type]  # keywords by name
    decided = await decisions.decide(popular_id, "changed", by="con-2", reason="agreed", **change)  # type: ignore[arg-type]  # keywords by name
    assert (decided.outcome, decided.decided_by, decided.rating) == ("changed", "con-2", "safe")
    assert decided.proposed is not None
    assert decided.proposed.by == "con-1"
    assert len(memory_reclassifications.stated) == 1


async def test_rating_of_a_widely_used_site_is_kept_by_one(decisions: Decisions, popular_id: str) -> None:
    assert (await decisions.decide(popular_id, "kept", by="con-1", reason="still bad")).outcome == "kept"


async def test_site_that_many_accounts_sent_is_widely_used(
    popularity: Popularity, memory_ratings: InMemoryRatingRepository, clock: FixedClock
) -> None:
    name = site("evil.example")
    for number in range(ACCOUNTS):
        assert not await popularity.widely_used("www.evil.example")
        seen = Sighting("piece", f"url-{number}", "SR01-000000042-4", f"acc-{number}", name, name, 71, clock.now())
        await memory_ratings.add_sightings([seen])
    assert await popularity.widely_used("www.evil.example")
    assert await popularity.widely_used("drive.google.com")


async def test_nobody_decides_what_an_erased_case_asked_for(
    decisions: Decisions, memory_reclassifications: InMemoryReclassificationRepository, popular_id: str, lookup: Lookup
) -> None:
    await memory_reclassifications.erase("SR01-000000043-5")
    with pytest.raises(NoSuchRequest):
        await decisions.decide(popular_id, "changed", by="con-1", reason="cleaned", rating="safe")
    [rated] = await lookup.rate(["http://www.popular.example/"])
    assert rated.judgement.rating == "untested"
