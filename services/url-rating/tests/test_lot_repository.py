from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient
from url_rating_fakes import InMemoryRatingRepository

from caseway_contracts.base import ObjectRef, UnknownEvent
from caseway_contracts.kinds import Rating
from caseway_contracts.ratings import UrlsRated
from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from url_rating import mongo_lots as lots_module
from url_rating.expressions import digest
from url_rating.lookup import Standing
from url_rating.lots import Lot, LotRepository, Told
from url_rating.mongo_lots import MongoChangeLog, MongoLotRepository, asked_for
from url_rating.mongo_overrides import MongoOverrideRepository
from url_rating.mongo_ratings import MongoRatingRepository
from url_rating.overrides import Override
from url_rating.ratings import RatingRepository, Sighting

CAUSE = UUID("6171114c-cc03-5cad-8a5b-bceece36fd43")
REF = ObjectRef(key="cases/SR01-000000042-4/ratings/a", sha256="a" * 64, size=1)
LOT = Lot("piece-1", "SR01-000000042-4", "acc-1", CAUSE, 1, 1, REF)
SITE = digest("evil.example/")
NEWER = Standing(2, 7)
OTHER = UUID("7171114c-cc03-5cad-8a5b-bceece36fd43")


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lots(request: pytest.FixtureRequest, kind: str) -> LotRepository:
    repository: LotRepository = request.getfixturevalue(f"{kind}_lots")
    return repository


@pytest.fixture
def told(request: pytest.FixtureRequest, kind: str) -> Told:
    found: Told = request.getfixturevalue(f"{kind}_told")
    return found


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
    assert await lots.revise(LOT, following(LOT, clock), NEWER)
    assert not await lots.revise(LOT, following(LOT, clock), NEWER)
    await lots.put(LOT)
    assert await lots.find("piece-1") == replace(LOT, revision=2, standing=NEWER)
    await lots.put(replace(LOT, revision=3, case_revision=4))
    assert await lots.find("piece-1") == replace(LOT, revision=3, case_revision=4)


async def test_lot_tells_whether_what_is_kept_is_its_own(lots: LotRepository, clock: FixedClock) -> None:
    mine = replace(LOT, first=1)
    assert await lots.put(mine)
    assert await lots.put(mine)
    assert await lots.revise(mine, following(mine, clock), NEWER)
    assert await lots.put(mine)
    kept = await lots.find("piece-1")
    assert (kept and kept.first, kept and kept.revision) == (1, 2)
    assert not await lots.put(replace(LOT, cause=OTHER, revision=2, first=2))
    assert await lots.put(replace(LOT, cause=OTHER, revision=3, first=3, given_up=True))


async def behind(lots: LotRepository, standing: Standing, limit: int = 9) -> set[str]:
    return {lot.subject_id for lot in await lots.behind(standing, limit)}


async def test_only_what_is_newer_looks_at_a_lot_again(lots: LotRepository, clock: FixedClock) -> None:
    for release, switches in ((2, 7), (2, 8), (3, 7), (3, 8)):
        await lots.put(replace(LOT, subject_id=f"{release}/{switches}", standing=Standing(release, switches)))
    assert await behind(lots, Standing(2, 7)) == set()
    assert await behind(lots, Standing(2, 8)) == {"2/7"}
    seen = set()
    while found := await lots.behind(Standing(3, 8), 1):
        seen |= {lot.subject_id for lot in found}
        await lots.looked_at(found, Standing(3, 8))
    assert seen == {"2/7", "2/8", "3/7"}

    newest = await lots.find("2/7")
    assert newest is not None
    assert not await lots.revise(newest, following(newest, clock), Standing(2, 9))
    await lots.looked_at([newest], Standing(2, 9))
    assert await lots.find("2/7") == newest
    assert await behind(lots, Standing(2, 9)) == set()


async def test_lots_that_hold_a_url_of_a_site_are_marked_until_they_are_looked_at(
    lots: LotRepository, ratings: RatingRepository, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lots_module, "SIGHTINGS_AT_ONCE", 3)
    for piece in ("a", "b", "c", "d"):
        await lots.put(replace(LOT, subject_id=piece, standing=NEWER))
        for number in range(2 if piece < "d" else 0):
            seen = Sighting(piece, f"url-{number}", "SR01-000000042-4", "acc-1", SITE, SITE, 49, clock.now())
            await ratings.add_sightings([seen])
    await lots.mark(digest("other.example/"), "0")
    assert await behind(lots, NEWER) == set()
    await lots.mark(SITE, "1")
    assert await behind(lots, NEWER) == {"a", "b", "c"}

    before = await lots.behind(NEWER, 9)
    await lots.put(replace(before[0], revision=2, cause=OTHER))
    await lots.looked_at(before, NEWER)  # but the first was stated meanwhile, with what it was rated before
    assert await behind(lots, NEWER) == {before[0].subject_id}
    [read] = await lots.behind(NEWER, 9)
    await lots.mark(SITE, "2")
    assert not await lots.revise(read, following(read, clock), NEWER)
    [read] = [lot for lot in await lots.behind(NEWER, 9) if lot.subject_id == read.subject_id]
    assert await lots.revise(read, following(read, clock), NEWER)
    assert read.subject_id not in await behind(lots, NEWER)


@pytest.mark.integration
async def test_lots_from_before_that_was_kept_are_looked_at_once(
    database: Database, mongo_lots: MongoLotRepository
) -> None:
    await mongo_lots.put(LOT)
    old = {"$unset": {"release": "", "switches": ""}}
    await database.collection("lots").update_one({"_id": "piece-1"}, old)
    assert await behind(mongo_lots, NEWER) == {"piece-1"}
    await mongo_lots.looked_at(await mongo_lots.behind(NEWER, 9), NEWER)
    assert await behind(mongo_lots, NEWER) == set()


@pytest.mark.integration
def test_lots_to_look_at_are_found_by_an_index(
    mongo_url: str, mongo_database: str, mongo_lots: MongoLotRepository
) -> None:
    assert mongo_lots is not None, "it has made the indexes"
    with MongoClient[dict[str, Any]](mongo_url) as client:
        for wanted in asked_for(NEWER):
            plan = client[mongo_database]["lots"].find(wanted).limit(50).explain()
            assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"]), wanted


async def test_people_of_a_case_are_told_once_until_it_is_otherwise(told: Told, clock: FixedClock) -> None:
    async def claim(rating: Rating, by: str, sr_number: str = "SR01-000000042-4") -> bool:
        return await told.claim(sr_number, SITE, rating, clock.now(), by=by)

    assert await claim("dangerous", "a/2")
    assert await claim("dangerous", "a/2")  # a crash was between the two
    assert not await claim("dangerous", "b/2")
    assert await claim("dangerous", "b/2", "SR01-000000043-5")
    assert await claim("safe", "b/3")
    assert not await claim("safe", "a/3")

    clock.advance(1)
    await told.decided("SR01-000000042-4", SITE, "dangerous", clock.now())
    assert not await claim("dangerous", "a/3")
    clock.advance(1)
    assert await claim("untested", "a/4")
    await told.decided("SR01-000000042-4", SITE, "dangerous", clock.now() - timedelta(seconds=1))
    assert await claim("dangerous", "a/5")
    await told.erase("SR01-000000042-4")
    assert await claim("dangerous", "c/2")
    assert not await claim("dangerous", "c/2", "SR01-000000043-5")


async def test_lots_of_a_case_are_forgotten(lots: LotRepository) -> None:
    await lots.put(LOT)
    await lots.put(replace(LOT, subject_id="other", sr_number="SR01-000000043-5"))
    await lots.erase(LOT.sr_number)
    assert await behind(lots, NEWER) == {"other"}
    await lots.forget("other")
    assert await behind(lots, NEWER) == set()


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
