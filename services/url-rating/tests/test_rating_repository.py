from datetime import UTC, datetime
from uuid import UUID

import pytest

from caseway_contracts.base import ObjectRef
from caseway_contracts.ratings import UrlsRated
from caseway_kit.messaging import encode
from url_rating.expressions import digest
from url_rating.ratings import RatingRepository, Sighting, StatedRatings

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
CAUSE = UUID("6171114c-cc03-5cad-8a5b-bceece36fd43")


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def ratings(request: pytest.FixtureRequest) -> RatingRepository:
    repository: RatingRepository = request.getfixturevalue(f"{request.param}_ratings")
    return repository


@pytest.fixture
def stated() -> StatedRatings:
    rated = UrlsRated(
        event_id=UUID("7d05a563-67e3-56c1-8598-8c11beb6a6d5"),
        occurred_at=NOW,
        key="SR01-000000042-4",
        account_id="acc-1",
        subject_id="SR01-000000042-4/urls/1",
        revision=1,
        caused_by=CAUSE,
        case_revision=1,
        urls=2,
        counts={"untested": 1, "dangerous": 1},
        worst="dangerous",
        lists=("ut1/1",),
        report=ObjectRef(key="cases/SR01-000000042-4/ratings/1-0.json", sha256="0" * 64, size=1),
    )
    return StatedRatings(CAUSE, "d" * 64, "SR01-000000042-4", (encode(rated, source="url-rating"),))


async def test_what_was_stated_is_found_by_its_cause_to_the_byte(
    ratings: RatingRepository, stated: StatedRatings
) -> None:
    assert await ratings.find(CAUSE) is None
    assert await ratings.add(stated) == stated
    found = await ratings.find(CAUSE)
    assert found == stated
    assert found is not None
    assert [one.body for one in found.statements] == [one.body for one in stated.statements]


async def test_whoever_is_second_gets_what_the_first_stated(ratings: RatingRepository, stated: StatedRatings) -> None:
    await ratings.add(stated)
    assert await ratings.add(StatedRatings(CAUSE, "e" * 64, stated.sr_number, ())) == stated


async def test_sightings_may_come_twice_and_are_erased_with_their_case(ratings: RatingRepository) -> None:
    evil = digest("evil.example/")
    seen = Sighting("piece", "url-1", "SR01-000000042-4", "acc-1", evil, evil, 49, NOW)
    await ratings.add_sightings([seen, seen])
    await ratings.add_sightings([])
    await ratings.erase("SR01-000000042-4")
