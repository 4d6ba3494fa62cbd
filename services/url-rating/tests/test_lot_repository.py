from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from url_rating_fakes import InMemoryRatingRepository

from caseway_contracts.base import ObjectRef, UnknownEvent
from caseway_contracts.ratings import UrlsRated
from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from url_rating.expressions import digest
from url_rating.lots import Lot, LotRepository, Pass
from url_rating.mongo_lots import MongoChangeLog
from url_rating.mongo_overrides import MongoOverrideRepository
from url_rating.mongo_ratings import MongoRatingRepository
from url_rating.overrides import Override
from url_rating.ratings import RatingRepository, Sighting

CAUSE = UUID("6171114c-cc03-5cad-8a5b-bceece36fd43")
REF = ObjectRef(key="cases/SR01-000000042-4/ratings/a", sha256="a" * 64, size=1)
LOT = Lot("piece-1", "SR01-000000042-4", "acc-1", CAUSE, 1, 1, REF)
SITE = digest("evil.example/")


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lots(request: pytest.FixtureRequest, kind: str) -> LotRepository:
    repository: LotRepository = request.getfixturevalue(f"{kind}_lots")
    return repository


@pytest.fixture
def ratings(request: pytest.FixtureRequest, kind: str) -> RatingRepository:
    repository: InMemoryRatingRepository | MongoRatingRepository = request.getfixturevalue(f"{kind}_ratings")
    return repository


def following(lot: Lot, clock: FixedClock) -> UrlsRated:
    cause = UnknownEvent(
        event_id=lot.cause,
        type="cause",
        version=1,
        occurred_at=clock.now(),
        key=lot.sr_number,
        account_id=lot.account_id,
        subject_id=lot.sr_number,
        revision=1,
    )
    return UrlsRated.following(
        cause,
        subject_id=lot.subject_id,
        revision=lot.revision + 1,
        occurred_at=clock.now(),
        case_revision=1,
        urls=1,
        counts={"safe": 1},
        worst="safe",
        report=REF,
    )


async def test_lot_is_kept_as_it_was_stated_last(lots: LotRepository, clock: FixedClock) -> None:
    assert await lots.find("piece-1") is None
    await lots.put(LOT)
    assert await lots.find("piece-1") == LOT
    assert await lots.revise(LOT, following(LOT, clock))
    assert not await lots.revise(LOT, following(LOT, clock))
    await lots.put(LOT)
    assert await lots.find("piece-1") == replace(LOT, revision=2)
    await lots.put(replace(LOT, revision=3, case_revision=4))
    assert await lots.find("piece-1") == replace(LOT, revision=3, case_revision=4)


async def test_lot_tells_whether_what_is_kept_is_its_own(lots: LotRepository, clock: FixedClock) -> None:
    mine = replace(LOT, first=1)
    assert await lots.put(mine)
    assert await lots.put(mine)
    assert await lots.revise(mine, following(mine, clock))
    assert await lots.put(mine)
    kept = await lots.find("piece-1")
    assert (kept and kept.first, kept and kept.revision) == (1, 2)
    other = UUID("7171114c-cc03-5cad-8a5b-bceece36fd43")
    assert not await lots.put(replace(LOT, cause=other, revision=2, first=2))
    assert await lots.put(replace(LOT, cause=other, revision=3, first=3, given_up=True))


async def test_lots_come_in_the_order_of_their_subjects(lots: LotRepository) -> None:
    for name in ("c", "a", "b"):
        await lots.put(replace(LOT, subject_id=name))
    assert [lot.subject_id for lot in await lots.after("", 2)] == ["a", "b"]
    assert [lot.subject_id for lot in await lots.after("b", 2)] == ["c"]
    assert [lot.subject_id for lot in await lots.find_many(["b", "x"])] == ["b"]


async def test_lots_of_a_site_are_found_by_their_sightings(
    lots: LotRepository, ratings: RatingRepository, clock: FixedClock
) -> None:
    for piece in ("a", "b", "c"):
        for number in range(2):
            seen = Sighting(piece, f"url-{number}", "SR01-000000042-4", "acc-1", SITE, SITE, 49, clock.now())
            await ratings.add_sightings([seen])
    found: list[str] = []
    behind = ""
    while some := await lots.of_site(SITE, behind):
        found += some
        behind = some[-1]
    assert found == ["a", "b", "c"]
    assert await lots.of_site(digest("other.example/"), "") == []


async def test_lots_of_a_case_are_forgotten(lots: LotRepository) -> None:
    await lots.put(LOT)
    await lots.put(replace(LOT, subject_id="other", sr_number="SR01-000000043-5"))
    await lots.erase(LOT.sr_number)
    assert [lot.subject_id for lot in await lots.after("", 9)] == ["other"]
    await lots.forget("other")
    assert await lots.after("", 9) == []


@pytest.mark.integration
async def test_decisions_wait_until_they_are_seen(
    database: Database, mongo_overrides: MongoOverrideRepository, clock: FixedClock
) -> None:
    changes = MongoChangeLog(database, clock)
    await changes.prepare()
    override = Override(
        id="for-all",
        account_id=None,
        expression="evil.example/",
        digest=SITE,
        site=SITE,
        rating="safe",
        score=90,
        categories=(),
        reason="why",
        by="con-1",
        at=clock.now(),
        expires_at=clock.now() + timedelta(hours=1),
    )
    await mongo_overrides.put(override)
    await mongo_overrides.put(override.model_copy(update={"id": "own", "account_id": "acc-1"}))
    [put] = await changes.pending()
    assert (put.id, put.site) == ("for-all", SITE)
    await mongo_overrides.remove("for-all", None, by="con-1", at=clock.now(), reason="over")
    await changes.seen(put)  # of the override as it was put, not as it was taken back
    [removed] = await changes.pending()
    await changes.seen(removed)
    assert await changes.pending() == []

    again = override.model_copy(update={"id": "again"})
    await mongo_overrides.put(again)
    [put] = await changes.pending()
    await changes.seen(put)
    await changes.expire()
    assert await changes.pending() == []
    clock.advance(3_600)
    await changes.expire()
    [expired] = await changes.pending()
    assert expired.id == "again"
    kept = {one.id: one.removed_reason for one in await mongo_overrides.listed(None, after=None, limit=9)}
    assert kept == {"again": "expired", "for-all": "over"}


@pytest.mark.integration
async def test_progress_is_kept(database: Database, clock: FixedClock) -> None:
    changes = MongoChangeLog(database, clock)
    assert await changes.progress() == Pass()
    for progress in (Pass(None, ("a/1",), "piece-7"), Pass(("a/1",), ("a/1",), "")):
        await changes.save(progress)
        assert await changes.progress() == progress
