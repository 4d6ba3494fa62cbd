from datetime import timedelta

import pytest

from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from portal.requests.drafts import KEPT, MOST_BYTES, MOST_DRAFTS, Drafts, DraftTooLarge, Owner, is_draft_id
from portal.requests.mongo_drafts import MongoDraftRepository
from portal.requests.typed import Typed

ANNA, BOB, EVE = Owner("acme", "anna"), Owner("acme", "bob"), Owner("evil", "anna")
DRAFT = "0123456789abcdef"
TYPED = Typed(
    [("subject", "It\x00 broke <b>"), ("affected_operating_systems", "a"), ("affected_operating_systems", "b")]
)


@pytest.fixture
async def repository(database: Database) -> MongoDraftRepository:
    repository = MongoDraftRepository(database.collection("portal_state"))
    await repository.prepare()
    return repository


@pytest.fixture
def drafts(repository: MongoDraftRepository, clock: FixedClock) -> Drafts:
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
        await drafts.delete(other, DRAFT)
    found = await drafts.find(ANNA, DRAFT)
    assert found is not None
    assert found.subject == TYPED.one("subject")


async def test_a_draft_that_is_deleted_is_gone(drafts: Drafts) -> None:
    await drafts.save(ANNA, DRAFT, TYPED)
    await drafts.delete(ANNA, DRAFT)
    assert await drafts.find(ANNA, DRAFT) is None


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


async def test_a_draft_expires(drafts: Drafts, database: Database, clock: FixedClock) -> None:
    await drafts.save(ANNA, DRAFT, TYPED)
    [kept] = await database.collection("portal_state").find({})
    assert abs(kept["expires_at"] - clock.now() - KEPT) < timedelta(seconds=1)


@pytest.mark.parametrize("text", ["", "short", "x" * 65, "../../../../../../etc", "0123456789abcde\n"])
async def test_what_is_no_id_of_a_draft_finds_nothing(drafts: Drafts, text: str) -> None:
    assert not is_draft_id(text)
    assert await drafts.find(ANNA, text) is None
