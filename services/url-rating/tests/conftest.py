from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from url_rating_fakes import InMemoryListRepository, InMemoryRatingRepository, InMemoryReclassificationRepository

from caseway_catalog import Catalog, load
from caseway_kit.mongo import Database, connect
from caseway_kit.outbox import Relay
from caseway_kit.testing.clock import FixedClock
from url_rating.expressions import digest
from url_rating.mongo_lists import MongoListRepository
from url_rating.mongo_ratings import MongoRatingRepository
from url_rating.mongo_reclassifications import MongoReclassificationRepository
from url_rating.reclassifications import Reclassification
from url_rating.sources import Sources, bundled
from url_rating.verdicts import Verdicts

NAMESPACE = UUID("6171114c-cc03-5cad-8a5b-bceece36fd43")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))


@pytest.fixture
def catalog() -> Catalog:
    return load()


@pytest.fixture
def sources(catalog: Catalog) -> Sources:
    return Sources(bundled(), catalog)


@pytest.fixture
def verdicts(catalog: Catalog) -> Verdicts:
    return Verdicts(catalog)


@pytest.fixture
def memory_lists() -> InMemoryListRepository:
    return InMemoryListRepository()


@pytest.fixture
def memory_ratings() -> InMemoryRatingRepository:
    return InMemoryRatingRepository()


@pytest.fixture
def memory_reclassifications() -> InMemoryReclassificationRepository:
    return InMemoryReclassificationRepository()


@pytest.fixture
async def database(mongo_url: str, mongo_database: str) -> AsyncIterator[Database]:
    mongo = connect(mongo_url, app_name="url-rating-tests")
    yield mongo.database(mongo_database)
    await mongo.close()


@pytest.fixture
def mongo_lists(database: Database, clock: FixedClock) -> MongoListRepository:
    return MongoListRepository(database, clock)


@pytest.fixture
async def mongo_ratings(database: Database) -> MongoRatingRepository:
    ratings = MongoRatingRepository(database)
    await ratings.prepare()
    return ratings


@pytest.fixture
async def mongo_reclassifications(database: Database, clock: FixedClock) -> MongoReclassificationRepository:
    async def nobody_listens(_: object) -> None:
        return

    collection = database.collection("reclassifications")
    repository = MongoReclassificationRepository(collection, Relay(collection, nobody_listens, clock=clock))
    await repository.prepare()
    return repository


@pytest.fixture
def make_request(clock: FixedClock) -> Callable[..., Reclassification]:
    def make(name: str, *, url: str = "http://evil.example/", sr_number: str = "SR01-000000043-5") -> Reclassification:
        return Reclassification(
            id=str(uuid5(NAMESPACE, name)),
            sr_number=sr_number,
            account_id="acc-1",
            cause=NAMESPACE,
            url=url,
            canonical=url,
            digest=digest(url.removeprefix("http://")),
            requested_rating="safe",
            requested_categories=None,
            rating="dangerous",
            score=49,
            categories=(75,),
            asked_at=clock.now(),
        )

    return make
