from collections.abc import Callable
from datetime import timedelta

import pytest

from caseway_kit.testing.clock import FixedClock
from url_rating.expressions import digest
from url_rating.lists import Match
from url_rating.reclassifications import Proposal, Reclassification, ReclassificationRepository

MakeRequest = Callable[..., Reclassification]
EVIL = digest("evil.example/")


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def requests(request: pytest.FixtureRequest) -> ReclassificationRepository:
    repository: ReclassificationRepository = request.getfixturevalue(f"{request.param}_reclassifications")
    return repository


def safe(request: Reclassification, clock: FixedClock) -> Reclassification:
    return request.decided(
        "changed", by="con-1", at=clock.now(), rating="safe", score=90, categories=(58,), reason="ok"
    )


async def test_request_waits_until_it_is_decided(
    requests: ReclassificationRepository, make_request: MakeRequest, clock: FixedClock
) -> None:
    request = make_request("one")
    assert await requests.add([request]) == [request]
    assert await requests.find(request.id) == request
    assert await requests.waiting(after=None, limit=10) == [request]

    assert await requests.decide(safe(request, clock))
    assert await requests.waiting(after=None, limit=10) == []
    assert await requests.find(request.id) == safe(request, clock)


async def test_waiting_requests_come_in_pages(requests: ReclassificationRepository, make_request: MakeRequest) -> None:
    made = sorted((make_request(str(number)) for number in range(3)), key=lambda one: one.id)
    await requests.add(made)
    assert await requests.waiting(after=None, limit=2) == made[:2]
    assert await requests.waiting(after=made[1].id, limit=2) == made[2:]


async def test_requests_that_are_named_are_found_as_long_as_they_wait(
    requests: ReclassificationRepository, make_request: MakeRequest, clock: FixedClock
) -> None:
    made = sorted((make_request(str(number)) for number in range(3)), key=lambda one: one.id)
    await requests.add(made)
    await requests.decide(safe(made[0], clock))
    ids = [made[2].id, made[0].id, "none"]
    assert await requests.waiting(ids=ids, after=None, limit=9) == [made[2]]
    assert await requests.waiting(ids=ids, after=made[2].id, limit=9) == []


async def test_request_that_is_there_is_left_as_it_is(
    requests: ReclassificationRepository, make_request: MakeRequest, clock: FixedClock
) -> None:
    request = make_request("one")
    await requests.add([request])
    await requests.decide(safe(request, clock))
    assert await requests.add([make_request("two"), request]) == [make_request("two"), safe(request, clock)]


async def test_request_is_decided_once(
    requests: ReclassificationRepository, make_request: MakeRequest, clock: FixedClock
) -> None:
    request = make_request("one")
    await requests.add([request])
    assert await requests.decide(safe(request, clock))
    assert not await requests.decide(request.decided("kept", by="con-2", at=clock.now()))


async def test_last_change_of_an_expression_is_in_force(
    requests: ReclassificationRepository, make_request: MakeRequest, clock: FixedClock
) -> None:
    one, two, kept = make_request("one"), make_request("two"), make_request("kept")
    await requests.add([one, two, kept])
    assert await requests.overrides([EVIL]) == []
    await requests.decide(safe(one, clock))
    clock.advance(60)
    await requests.decide(safe(two, clock).model_copy(update={"score": 60, "rating": "highly-suspicious"}))
    clock.advance(60)
    await requests.decide(kept.decided("kept", by="con-1", at=clock.now()))
    assert await requests.overrides([EVIL, digest("other.example/")]) == [
        Match(EVIL, 60, (58,), "analysts", "2026-03-02", override=True, at=clock.now() - timedelta(seconds=60))
    ]


async def test_erased_case_leaves_no_words_and_its_decisions_stay_in_force(
    requests: ReclassificationRepository, make_request: MakeRequest, clock: FixedClock
) -> None:
    decided, open_one = make_request("one"), make_request("two")
    await requests.add([decided, open_one])
    await requests.decide(safe(decided, clock))
    await requests.erase(decided.sr_number)

    assert await requests.waiting(after=None, limit=10) == []
    assert not await requests.decide(safe(open_one, clock))
    proposal = Proposal(by="con-1", at=clock.now(), rating="safe", categories=(), reason="ok")
    assert not await requests.propose(open_one.id, proposal)
    assert len(await requests.overrides([EVIL])) == 1
    for request_id in (decided.id, open_one.id):
        left = await requests.find(request_id)
        assert left is not None
        assert (left.url, left.canonical, left.reason) == (None, None, None)
