import asyncio
from datetime import timedelta

import pytest
from request_fakes import InMemoryDraftRepository

from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from portal.requests.drafts import (
    KEPT,
    MOST_BYTES,
    MOST_DRAFTS,
    DraftIsOver,
    DraftRepository,
    Drafts,
    DraftTooLarge,
    Owner,
    Turn,
    is_draft_id,
)
from portal.requests.mongo_drafts import MongoDraftRepository
from portal.requests.typed import Typed

ANNA, BOB, EVE = Owner("acme", "anna"), Owner("acme", "bob"), Owner("evil", "anna")
DRAFT = "0123456789abcdef"
TYPED = Typed(
    [("subject", "It\x00 broke <b>"), ("affected_operating_systems", "a"), ("affected_operating_systems", "b")]
)


@pytest.fixture
async def mongo(database: Database) -> MongoDraftRepository:
    repository = MongoDraftRepository(database.collection("portal_state"))
    await repository.prepare()
    return repository


@pytest.fixture
def memory() -> InMemoryDraftRepository:
    return InMemoryDraftRepository()


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def repository(request: pytest.FixtureRequest) -> DraftRepository:
    repository: DraftRepository = request.getfixturevalue(request.param)
    return repository


@pytest.fixture
def drafts(repository: DraftRepository, clock: FixedClock) -> Drafts:
    return Drafts(repository, clock)


async def test_a_draft_comes_back_as_it_was_typed(drafts: Drafts) -> None:
    await drafts.save(ANNA, DRAFT, TYPED)
    found = await drafts.find(ANNA, DRAFT)
    assert found is not None
    assert found.typed.pairs() == TYPED.pairs()


async def test_nobody_else_finds_changes_or_deletes_it(drafts: Drafts) -> None:
    await drafts.save(ANNA, DRAFT, TYPED)
    for other in (BOB, EVE):
        assert await drafts.find(other, DRAFT) is None
        assert await drafts.list(other) == []
        await drafts.save(other, DRAFT, Typed([("subject", "mine")]))
        await drafts.end(other, DRAFT)
    found = await drafts.find(ANNA, DRAFT)
    assert found is not None
    assert found.subject == TYPED.one("subject")


@pytest.mark.parametrize("turn", [None, Turn("page", 9)])
async def test_nothing_that_comes_late_brings_back_what_was_handed_in(drafts: Drafts, turn: Turn | None) -> None:
    await drafts.save(ANNA, DRAFT, TYPED, turn)
    await drafts.end(ANNA, DRAFT)
    with pytest.raises(DraftIsOver):
        await drafts.save(ANNA, DRAFT, TYPED, turn)
    assert await drafts.find(ANNA, DRAFT) is None
    assert await drafts.list(ANNA) == []
    await drafts.save(BOB, DRAFT, TYPED)
    await drafts.end(ANNA, DRAFT)


async def test_a_posting_of_a_page_that_comes_late_undoes_no_later_one(drafts: Drafts) -> None:
    for number in (1, 3, 2, 3):
        await drafts.save(ANNA, DRAFT, Typed([("subject", f"{number}")]), Turn("page", number))
    assert [one.subject for one in await drafts.list(ANNA)] == ["3"]


async def test_of_two_pages_on_one_draft_the_last_that_was_typed_in_stands_whole(drafts: Drafts) -> None:
    await drafts.save(ANNA, DRAFT, Typed([("subject", "one"), ("description", "one")]), Turn("page-1", 7))
    await drafts.save(ANNA, DRAFT, Typed([("subject", "two")]), Turn("page-2", 1))
    found = await drafts.find(ANNA, DRAFT)
    assert found is not None
    assert found.typed.pairs() == [("subject", "two")]
    await drafts.save(ANNA, DRAFT, Typed([("subject", "one")]), Turn("page-1", 8))
    assert [one.subject for one in await drafts.list(ANNA)] == ["one"]


async def test_of_first_saves_at_once_none_fails_and_the_last_turn_stands(drafts: Drafts) -> None:
    for number in range(5):
        draft = f"draft-{number:016}"
        saves = [drafts.save(ANNA, draft, Typed([("subject", f"{turn}")]), Turn("page", turn)) for turn in (1, 2, 3, 4)]
        await asyncio.gather(*saves, drafts.save(BOB, draft, TYPED))
        found = await drafts.find(ANNA, draft)
        assert found is not None
        assert found.subject == "4"


async def test_more_than_is_kept_is_refused_and_what_was_kept_stays(drafts: Drafts) -> None:
    await drafts.save(ANNA, DRAFT, TYPED)
    with pytest.raises(DraftTooLarge):
        await drafts.save(ANNA, DRAFT, Typed([("description", "x" * (MOST_BYTES + 1))]))
    found = await drafts.find(ANNA, DRAFT)
    assert found is not None
    assert found.subject == TYPED.one("subject")


async def test_the_oldest_is_dropped_beyond_the_most(drafts: Drafts, clock: FixedClock) -> None:
    for number in range(MOST_DRAFTS + 2):
        await drafts.save(ANNA, f"draft-{number:016}", Typed([("subject", str(number))]))
        clock.advance(1)
    assert [one.subject for one in await drafts.list(ANNA)] == [str(n) for n in range(MOST_DRAFTS + 1, 1, -1)]


@pytest.mark.integration
async def test_a_draft_and_its_end_expire(mongo: MongoDraftRepository, database: Database, clock: FixedClock) -> None:
    drafts = Drafts(mongo, clock)
    for act in (drafts.save(ANNA, DRAFT, TYPED), drafts.end(ANNA, DRAFT)):
        await act
        [kept] = await database.collection("portal_state").find({})
        assert abs(kept["expires_at"] - clock.now() - KEPT) < timedelta(seconds=1)
    assert "pairs" not in kept


@pytest.mark.parametrize("text", ["", "short", "x" * 65, "../../../../../../etc", "0123456789abcde\n"])
async def test_what_is_no_id_of_a_draft_finds_nothing(drafts: Drafts, text: str) -> None:
    assert not is_draft_id(text)
    assert await drafts.find(ANNA, text) is None
