import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from faststream.kafka import TestKafkaBroker
from sample_analysis_fakes import (
    FakeSandbox,
    InMemoryJobRepository,
    InMemoryNeighbourRepository,
    InMemoryPieceRepository,
    InMemoryResultRepository,
    Kafka,
    MakeCase,
)

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.sheets import CaseSheet, SheetAttachment
from caseway_kit.messaging import Consumers, Delivery, build_broker
from caseway_kit.messaging.attempts import MemoryAttempts
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.clock import FixedClock
from sample_analysis.engine_client import Engines
from sample_analysis.examining import Examiner
from sample_analysis.handlers import build_inlet
from sample_analysis.mongo_jobs import MongoJobRepository
from sample_analysis.mongo_neighbours import MongoNeighbourRepository
from sample_analysis.mongo_pieces import MongoPieceRepository
from sample_analysis.mongo_results import MongoResultRepository
from sample_analysis.neighbours import NeighbourRepository, Neighbours
from sample_analysis.pieces import PieceRepository
from sample_analysis.reanalysis import JobRepository
from sample_analysis.reanalyzing import Reanalysis
from sample_analysis.reuse import ResultRepository
from sample_analysis.scratch import Scratch
from sample_analysis.service import SampleAnalysis

NAMESPACE = UUID(int=7)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 9, 15, tzinfo=UTC))


@pytest.fixture
def objects() -> Objects:
    return open_objects("memory://")


@pytest.fixture
def sandbox() -> FakeSandbox:
    return FakeSandbox()


@pytest.fixture
def scratch(tmp_path: Path, objects: Objects) -> Iterator[Scratch]:
    scratch = Scratch(tmp_path / "scratch", objects)
    yield scratch
    scratch.close()


@pytest.fixture
def memory_pieces() -> InMemoryPieceRepository:
    return InMemoryPieceRepository()


@pytest.fixture
async def mongo_pieces(database: Database) -> MongoPieceRepository:
    repository = MongoPieceRepository(database.collection("reports"))
    await repository.prepare()
    return repository


@pytest.fixture
def memory_results() -> InMemoryResultRepository:
    return InMemoryResultRepository()


@pytest.fixture
async def mongo_results(database: Database, clock: FixedClock) -> MongoResultRepository:
    repository = MongoResultRepository(database.collection("results"), clock)
    await repository.prepare()
    return repository


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def results(request: pytest.FixtureRequest) -> ResultRepository:
    repository: ResultRepository = request.getfixturevalue(f"{request.param}_results")
    return repository


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def pieces(request: pytest.FixtureRequest) -> PieceRepository:
    repository: PieceRepository = request.getfixturevalue(f"{request.param}_pieces")
    return repository


@pytest.fixture
def memory_neighbours() -> InMemoryNeighbourRepository:
    return InMemoryNeighbourRepository()


@pytest.fixture
async def mongo_neighbours(database: Database) -> MongoNeighbourRepository:
    repository = MongoNeighbourRepository(database.collection("neighbours"))
    await repository.prepare()
    return repository


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def neighbours(request: pytest.FixtureRequest) -> NeighbourRepository:
    repository: NeighbourRepository = request.getfixturevalue(f"{request.param}_neighbours")
    return repository


@pytest.fixture
def memory_jobs() -> InMemoryJobRepository:
    return InMemoryJobRepository()


@pytest.fixture
async def mongo_jobs(database: Database) -> MongoJobRepository:
    repository = MongoJobRepository(database.collection("reanalyses"), database.collection("changes"))
    await repository.prepare()
    return repository


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def jobs(request: pytest.FixtureRequest) -> JobRepository:
    repository: JobRepository = request.getfixturevalue(f"{request.param}_jobs")
    return repository


@pytest.fixture
async def engines(sandbox: FakeSandbox) -> Engines:
    engines = Engines(sandbox)
    await engines.prepare()
    return engines


@pytest.fixture
def examiner(
    memory_results: InMemoryResultRepository, objects: Objects, scratch: Scratch, engines: Engines
) -> Examiner:
    return Examiner(objects=objects, scratch=scratch, engines=engines, results=memory_results)


@pytest.fixture
def near(memory_neighbours: InMemoryNeighbourRepository, sandbox: FakeSandbox) -> Neighbours:
    return Neighbours(repository=memory_neighbours, sandbox=sandbox)


@pytest.fixture
def analysis(
    memory_pieces: InMemoryPieceRepository,
    memory_results: InMemoryResultRepository,
    objects: Objects,
    examiner: Examiner,
    engines: Engines,
    near: Neighbours,
    clock: FixedClock,
) -> SampleAnalysis:
    return SampleAnalysis(
        pieces=memory_pieces,
        results=memory_results,
        objects=objects,
        examiner=examiner,
        engines=engines,
        neighbours=near,
        clock=clock,
    )


@pytest.fixture
def reanalysis(
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
    objects: Objects,
    examiner: Examiner,
    engines: Engines,
    near: Neighbours,
    clock: FixedClock,
) -> Reanalysis:
    return Reanalysis(
        jobs=memory_jobs,
        pieces=memory_pieces,
        examiner=examiner,
        engines=engines,
        objects=objects,
        neighbours=near,
        clock=clock,
    )


@pytest.fixture
def upload(objects: Objects) -> Callable[..., Any]:
    async def upload(data: bytes, account: str = "acc-1") -> ObjectRef:
        sha256 = hashlib.sha256(data).hexdigest()
        ref = ObjectRef(key=f"accounts/{account}/uploads/{sha256}", sha256=sha256, size=len(data))
        await objects.put(ref, data)
        return ref

    return upload


@pytest.fixture
def make_case(objects: Objects, upload: Callable[..., Any]) -> MakeCase:
    """A case event whose sheet and uploads are in the store; ``pieces``: evidence id → kind."""

    async def make(
        pieces: dict[str, str] | None = None,
        *,
        number: int = 42,
        account: str = "acc-1",
        revision: int = 1,
        password: str | None = None,
        name: str | None = None,
        data: bytes | None = None,
        **facts: Any,
    ) -> CaseSubmitted | CaseUpdated:
        sr_number = f"SR01-{number:09}-4"
        pieces = {"piece-1": "file"} if pieces is None else pieces
        words = [SheetAttachment(evidence_id=piece, name=name or f"{piece}.zip", password=password) for piece in pieces]
        sheet = CaseSheet(
            salt="5" * 32, sr_number=sr_number, subject="Help", description="Please", attachments=tuple(words)
        )
        type_ = CaseSubmitted if revision == 1 else CaseUpdated
        evidence = [
            {"id": piece, "kind": kind, "object": await upload(data or piece.encode(), account)}
            for piece, kind in pieces.items()
        ]
        identity = {
            "event_id": uuid5(NAMESPACE, f"{sr_number}/{revision}"),
            "occurred_at": datetime(2026, 3, 2, 9, tzinfo=UTC),
            "key": sr_number,
            "account_id": account,
            "subject_id": sr_number,
            "revision": revision,
        }
        default = {
            "region": "01",
            "by": "c1",
            "update_id": "u1",
            "issue_type": "threat",
            "category": "collected-threat-sample-analysis",
            "severity": "medium",
            "product": "officescan",
            "catalog_version": "1",
            "profile_id": "p1",
            "profile_revision": 1,
            "sheet": await objects.put_json(f"cases/{sr_number}/sheet/{revision}", sheet),
            "evidence": evidence,
        }
        return type_.model_validate(identity | default | facts)

    return make


@pytest.fixture
async def kafka(analysis: SampleAnalysis) -> AsyncIterator[Kafka]:
    inlet, publish = build_inlet(workers=2)
    broker = build_broker("localhost:9", service="sample-analysis")

    async def send(topic: str, body: bytes) -> None:
        await broker.publish(body, topic, headers={"content-type": "application/json"})

    async def state_the_delay(event: Any, reason: str) -> None:
        await publish(await analysis.delayed(event, reason))

    kafka = Kafka(send)
    delivery = Delivery("sample-analysis", kafka, MemoryAttempts(), on_parked=state_the_delay, sleep=kafka.sleep)
    Consumers(broker, inlet, delivery, analysis=analysis, disabled=kafka.disabled)

    # Topics that nobody else in the broker reads are seen by a subscriber of the test's own.
    @broker.subscriber("analyses", decoder=_as_it_came)
    async def on_statement(body: bytes) -> None:
        kafka.stated.append(json.loads(body))

    async with TestKafkaBroker(broker):
        yield kafka


async def _as_it_came(message: Any) -> bytes:
    return bytes(message.body)
