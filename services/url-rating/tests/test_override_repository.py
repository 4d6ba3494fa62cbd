import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from url_rating_fakes import InMemoryOverrideRepository

from caseway_kit.testing.clock import FixedClock
from url_rating.expressions import digest
from url_rating.overrides import Override, OverrideRepository, Overriding

MakeOverride = Callable[..., Override]
EVIL = digest("evil.example/")


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def overrides(request: pytest.FixtureRequest) -> OverrideRepository:
    repository: OverrideRepository = request.getfixturevalue(f"{request.param}_overrides")
    return repository


@pytest.fixture
def make_override(clock: FixedClock) -> MakeOverride:
    def make(name: str, account_id: str | None = None, **more: object) -> Override:
        override = Override(
            id=name,
            account_id=account_id,
            expression="evil.example/",
            digest=EVIL,
            rating="safe",
            score=90,
            categories=(58,),
            reason="why",
            by="con-1",
            at=clock.now(),
        )
        return override.model_copy(update=more)

    return make


async def test_override_is_in_force_for_whom_it_concerns(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    everybody, own = make_override("a"), make_override("b", "acc-1")
    await overrides.put(everybody)
    await overrides.put(own)
    now = clock.now()
    assert await overrides.in_force([EVIL], None, now) == [everybody]
    assert await overrides.in_force([EVIL], "acc-2", now) == [everybody]
    found = await overrides.in_force([EVIL, digest("other.example/")], "acc-1", now)
    assert sorted(one.id for one in found) == ["a", "b"]
    assert await overrides.in_force([digest("other.example/")], "acc-1", now) == []


async def test_override_ends_at_the_moment_that_it_names(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    await overrides.put(make_override("a", expires_at=clock.now() + timedelta(hours=1)))
    assert len(await overrides.in_force([EVIL], None, clock.now())) == 1
    clock.advance(3_600)
    assert await overrides.in_force([EVIL], None, clock.now()) == []


async def test_next_override_takes_the_place_of_the_one_before_and_both_stay_to_be_read(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    await overrides.put(make_override("a"))
    await overrides.put(make_override("other", "acc-1"))
    clock.advance(60)
    await overrides.put(make_override("b", by="con-2", score=49, rating="dangerous"))
    [in_force] = await overrides.in_force([EVIL], None, clock.now())
    assert in_force.id == "b"
    first, second = await overrides.listed(None, after=None, limit=10)
    assert (first.removed_by, first.removed_at) == ("con-2", clock.now())
    assert second.removed_at is None
    assert [one.id for one in await overrides.listed(None, after="a", limit=10)] == ["b"]


async def test_override_is_taken_back_once_and_by_its_own_account_only(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    await overrides.put(make_override("a", "acc-1"))
    for account_id in (None, "acc-2"):
        assert await overrides.remove("a", account_id, by="con-2", at=clock.now(), reason="mine") is None
    removed = await overrides.remove("a", "acc-1", by="con-1", at=clock.now(), reason="over")
    assert removed is not None
    assert (removed.removed_by, removed.removed_reason) == ("con-1", "over")
    clock.advance(60)
    assert await overrides.remove("a", "acc-1", by="con-9", at=clock.now(), reason="again") == removed
    assert await overrides.in_force([EVIL], "acc-1", clock.now()) == []


async def test_override_that_awaits_a_second_person_counts_when_somebody_else_seconds_it(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    await overrides.put(make_override("a"))
    await overrides.put(make_override("b", awaits_second=True))
    await overrides.put(make_override("own", "acc-1"))
    assert [one.id for one in await overrides.in_force([EVIL], None, clock.now())] == ["a"]
    for override_id, by in (("b", "con-1"), ("a", "con-2"), ("own", "con-2"), ("none", "con-2")):
        assert await overrides.second(override_id, by=by, at=clock.now()) is None
    seconded = await overrides.second("b", by="con-2", at=clock.now())
    assert seconded is not None
    assert (seconded.awaits_second, seconded.seconded_by, seconded.by) == (False, "con-2", "con-1")
    assert [one.id for one in await overrides.in_force([EVIL], None, clock.now())] == ["b"]
    assert await overrides.second("b", by="con-2", at=clock.now()) is None


async def test_override_that_expired_while_it_waited_is_not_seconded(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    await overrides.put(make_override("a", awaits_second=True, expires_at=clock.now() + timedelta(hours=1)))
    clock.advance(3_600)
    assert await overrides.second("a", by="con-2", at=clock.now()) is None


async def test_override_that_several_second_at_once_stays_in_force(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    await overrides.put(make_override("a", awaits_second=True))
    seconds = (overrides.second("a", by=f"con-{number}", at=clock.now()) for number in (2, 2, 3, 4))
    assert len([one for one in await asyncio.gather(*seconds) if one]) == 1
    [in_force] = await overrides.in_force([EVIL], None, clock.now())
    assert (in_force.id, in_force.removed_at) == ("a", None)


async def test_first_wish_to_take_an_override_back_is_kept(
    overrides: OverrideRepository, make_override: MakeOverride, clock: FixedClock
) -> None:
    assert await overrides.ask_removal("a", by="con-1") is None
    await overrides.put(make_override("a"))
    for by in ("con-1", "con-2"):
        asked = await overrides.ask_removal("a", by=by)
        assert asked is not None
        assert (asked.removal_by, asked.removed_at) == ("con-1", None)
    assert await overrides.find("a") == asked


async def test_what_two_people_made_two_people_take_back(
    overriding: Overriding, memory_overrides: InMemoryOverrideRepository, clock: FixedClock
) -> None:
    made = await overriding.put(
        "popular.example",
        account_id=None,
        rating="safe",
        categories=(),
        reason="why",
        by="con-1",
        expires_at=None,
    )
    await overriding.second(made.id, by="con-2")
    for _ in range(2):  # one person twice is one person
        asked = await overriding.remove(made.id, account_id=None, reason="over", by="con-1")
        assert asked is not None
        assert (asked.removal_by, asked.removed_at) == ("con-1", None)
    assert len(await memory_overrides.in_force([made.digest], None, clock.now())) == 1
    removed = await overriding.remove(made.id, account_id=None, reason="over", by="con-3")
    assert removed is not None
    assert removed.removed_by == "con-3"
    assert await memory_overrides.in_force([made.digest], None, clock.now()) == []
