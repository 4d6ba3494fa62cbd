from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from url_rating_fakes import (
    InMemoryListRepository,
    InMemoryLotRepository,
    InMemoryOverrideRepository,
    InMemoryRatingRepository,
    InMemoryReclassificationRepository,
    InMemoryTold,
)

from caseway_catalog import Catalog, load
from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.results import EvidenceReport, FoundUrl
from caseway_contracts.sheets import CaseSheet, Evidenced, SheetUrl, UpdateSheet
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects, new_salt, open_objects
from caseway_kit.outbox import Relay
from caseway_kit.testing.clock import FixedClock
from url_rating.decisions import Decisions
from url_rating.expressions import digest
from url_rating.heuristics import Heuristics
from url_rating.heuristics import bundled as suspicions
from url_rating.imports import ListImport
from url_rating.list_store import StoredLists
from url_rating.lookup import Lookup
from url_rating.mongo_lots import MongoLotRepository
from url_rating.mongo_overrides import MongoOverrideRepository
from url_rating.mongo_ratings import MongoRatingRepository
from url_rating.mongo_reclassifications import MongoReclassificationRepository
from url_rating.mongo_told import MongoTold
from url_rating.overrides import AllOverrides, Overriding
from url_rating.popularity import Popularity
from url_rating.reclassifications import Reclassification
from url_rating.seed import plant
from url_rating.service import UrlRating
from url_rating.sources import Sources, bundled
from url_rating.verdicts import Verdicts

SR = "SR01-000000042-4"
MakeCase = Callable[..., Awaitable[CaseSubmitted | CaseUpdated]]
MakeAnalyzed = Callable[..., Awaitable[EvidenceAnalyzed]]
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
def heuristics() -> Heuristics:
    return Heuristics(suspicions())


@pytest.fixture
def verdicts(catalog: Catalog, heuristics: Heuristics) -> Verdicts:
    return Verdicts(catalog, heuristics)


@pytest.fixture
def memory_lists() -> InMemoryListRepository:
    return InMemoryListRepository()


@pytest.fixture
def memory_ratings() -> InMemoryRatingRepository:
    return InMemoryRatingRepository()


@pytest.fixture
def memory_lots(memory_ratings: InMemoryRatingRepository) -> InMemoryLotRepository:
    return InMemoryLotRepository(memory_ratings)


@pytest.fixture
def memory_told() -> InMemoryTold:
    return InMemoryTold()


@pytest.fixture
def memory_reclassifications() -> InMemoryReclassificationRepository:
    return InMemoryReclassificationRepository()


@pytest.fixture
def memory_overrides() -> InMemoryOverrideRepository:
    return InMemoryOverrideRepository()


@pytest.fixture
async def mongo_overrides(database: Database) -> MongoOverrideRepository:
    overrides = MongoOverrideRepository(database)
    await overrides.prepare()
    return overrides


@pytest.fixture
def mongo_lists(database: Database, objects: Objects, clock: FixedClock, tmp_path: Path) -> Iterator[StoredLists]:
    lists = StoredLists(database, objects, clock, scratch=tmp_path)
    yield lists
    lists.close()


@pytest.fixture
async def mongo_ratings(database: Database) -> MongoRatingRepository:
    ratings = MongoRatingRepository(database)
    await ratings.prepare()
    return ratings


@pytest.fixture
async def mongo_lots(database: Database, clock: FixedClock) -> MongoLotRepository:
    async def nobody_listens(_: object) -> None:
        return

    collection = database.collection("lots")
    relay = Relay(collection, nobody_listens, clock=clock)
    lots = MongoLotRepository(collection, database.collection("sightings"), relay)
    await lots.prepare()
    return lots


@pytest.fixture
async def mongo_told(database: Database) -> MongoTold:
    told = MongoTold(database.collection("told"))
    await told.prepare()
    return told


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
            site=digest(url.removeprefix("http://")),
            requested_rating="safe",
            requested_categories=None,
            rating="dangerous",
            score=49,
            categories=(75,),
            asked_at=clock.now(),
        )

    return make


@pytest.fixture
def objects() -> Objects:
    return open_objects("memory://")


@pytest.fixture
def lookup(
    memory_lists: InMemoryListRepository,
    memory_reclassifications: InMemoryReclassificationRepository,
    memory_overrides: InMemoryOverrideRepository,
    verdicts: Verdicts,
    clock: FixedClock,
) -> Lookup:
    overrides = AllOverrides(overrides=memory_overrides, decided=memory_reclassifications, clock=clock)
    return Lookup(lists=memory_lists, overrides=overrides, verdicts=verdicts)


@pytest.fixture
def overriding(
    memory_overrides: InMemoryOverrideRepository, popularity: Popularity, verdicts: Verdicts, clock: FixedClock
) -> Overriding:
    return Overriding(overrides=memory_overrides, popularity=popularity, verdicts=verdicts, clock=clock)


@pytest.fixture
def popularity(memory_ratings: InMemoryRatingRepository) -> Popularity:
    return Popularity(memory_ratings)


@pytest.fixture
def imports(memory_lists: InMemoryListRepository, sources: Sources) -> ListImport:
    return ListImport(lists=memory_lists, sources=sources)


@pytest.fixture
def decisions(
    memory_reclassifications: InMemoryReclassificationRepository,
    popularity: Popularity,
    verdicts: Verdicts,
    clock: FixedClock,
) -> Decisions:
    return Decisions(requests=memory_reclassifications, popularity=popularity, verdicts=verdicts, clock=clock)


@pytest.fixture
async def rating(
    lookup: Lookup,
    memory_lists: InMemoryListRepository,
    memory_ratings: InMemoryRatingRepository,
    memory_lots: InMemoryLotRepository,
    memory_told: InMemoryTold,
    memory_reclassifications: InMemoryReclassificationRepository,
    popularity: Popularity,
    imports: ListImport,
    objects: Objects,
    clock: FixedClock,
) -> UrlRating:
    await plant(memory_lists, imports)
    return UrlRating(
        lookup=lookup,
        ratings=memory_ratings,
        lots=memory_lots,
        told=memory_told,
        reclassifications=memory_reclassifications,
        popularity=popularity,
        objects=objects,
        clock=clock,
    )


@pytest.fixture
def make_case(objects: Objects, clock: FixedClock) -> MakeCase:
    async def make(*urls: SheetUrl, revision: int = 1, sr_number: str = SR) -> CaseSubmitted | CaseUpdated:
        type_ = CaseSubmitted if revision == 1 else CaseUpdated
        sheet: Evidenced
        if revision == 1:
            sheet = CaseSheet(salt=new_salt(), sr_number=sr_number, subject="Links", description="Why?", urls=urls)
        else:
            sheet = UpdateSheet(salt=new_salt(), sr_number=sr_number, update_id=f"upd-{revision}", urls=urls)
        ref = await objects.put_json(f"cases/{sr_number}/sheet/{revision}", sheet)
        return type_.model_validate(
            {
                "event_id": uuid5(NAMESPACE, f"{sr_number}/{revision}"),
                "occurred_at": clock.now(),
                "key": sr_number,
                "account_id": "acc-1",
                "subject_id": sr_number,
                "revision": revision,
                "region": "01",
                "by": "con-1",
                "issue_type": "threat",
                "category": "url-reclassification",
                "severity": "medium",
                "product": "apex-one",
                "catalog_version": "1",
                "profile_id": "prof-1",
                "profile_revision": 1,
                "update_id": f"upd-{revision}",
                "sheet": ref,
                "evidence": [{"id": url.evidence_id, "kind": "url", "object": ref} for url in urls],
            }
        )

    return make


@pytest.fixture
def make_analyzed(objects: Objects, clock: FixedClock) -> MakeAnalyzed:
    async def make(*urls: str, revision: int = 1, report_of: str = SR) -> EvidenceAnalyzed:
        report = EvidenceReport(
            salt=new_salt(),
            sr_number=report_of,
            evidence_id="piece-1",
            revision=revision,
            kind="email",
            urls=tuple(FoundUrl(id=f"url-{number}", parent_id="mail-1", url=url) for number, url in enumerate(urls)),
        )
        ref = await objects.put_json(f"cases/{SR}/reports/piece-1/{revision}", report)
        return EvidenceAnalyzed(
            event_id=uuid5(NAMESPACE, f"piece-1/{revision}"),
            occurred_at=clock.now(),
            key=SR,
            account_id="acc-1",
            subject_id="piece-1",
            revision=revision,
            kind="email",
            verdict="unknown",
            case_revision=3,
            urls=len(urls),
            report=ref,
        )

    return make
