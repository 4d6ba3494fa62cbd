import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from example_service.handlers import analyses, inlet
from example_service.mongo_pieces import MongoPieceRepository
from example_service.pieces import PieceRepository
from example_service.service import KIND, SERVICE, Analysis
from example_service_fakes import FakeEngine, InMemoryPieceRepository, Kafka, MakeCase
from faststream.kafka import KafkaBroker, TestKafkaBroker

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.sheets import CaseSheet, SheetAttachment
from caseway_kit.messaging import Consumers, Delivery, build_broker, emit
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.clock import FixedClock

SR = "SR01-000000042-4"


@pytest.fixture
def objects() -> Objects:
    return open_objects("memory://")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def memory_pieces() -> InMemoryPieceRepository:
    return InMemoryPieceRepository()


@pytest.fixture
def mongo_pieces(database: Database) -> MongoPieceRepository:
    return MongoPieceRepository(database.collection("pieces"))


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def pieces(request: pytest.FixtureRequest) -> PieceRepository:
    repository: PieceRepository = request.getfixturevalue(f"{request.param}_pieces")
    return repository


@pytest.fixture
def analysis(memory_pieces: InMemoryPieceRepository, engine: FakeEngine, objects: Objects) -> Analysis:
    return Analysis(pieces=memory_pieces, engine=engine, objects=objects, clock=FixedClock())


@pytest.fixture
def make_case(objects: Objects) -> MakeCase:
    """A case event whose sheet and uploads are in the store; ``pieces``: evidence id → kind."""

    async def make(pieces: dict[str, str] | None = None, *, seed: str = "", **facts: Any) -> CaseSubmitted:
        pieces = {"piece-1": KIND} if pieces is None else pieces
        words = tuple(SheetAttachment(evidence_id=piece, name=f"{piece}.bin") for piece in pieces)
        sheet = CaseSheet(salt="5" * 32, sr_number=SR, subject="Help", description="Please", attachments=words)
        evidence = []
        for piece, kind in pieces.items():
            sha256 = hashlib.sha256(piece.encode()).hexdigest()
            ref = ObjectRef(key=f"accounts/acc-1/uploads/{piece}", sha256=sha256, size=len(piece))
            await objects.put(ref, piece.encode())
            evidence.append({"id": piece, "kind": kind, "object": ref})
        default = {
            "event_id": uuid5(UUID(int=7), f"{SR}/{seed}"),
            "occurred_at": datetime(2026, 3, 2, 9, tzinfo=UTC),
            "key": SR,
            "account_id": "acc-1",
            "subject_id": SR,
            "revision": 1,
            "region": "01",
            "by": "con-1",
            "issue_type": "threat",
            "category": "collected-threat-sample-analysis",
            "severity": "medium",
            "product": "officescan",
            "catalog_version": "1",
            "profile_id": "prof-1",
            "profile_revision": 1,
            "sheet": await objects.put_json(f"cases/{SR}/sheet/1", sheet),
            "evidence": evidence,
        }
        return CaseSubmitted.model_validate(default | facts)

    return make


@pytest.fixture(scope="session")
def broker() -> KafkaBroker:
    # One for all tests: handlers are registered once, when they are imported.
    broker = build_broker("localhost:9", service=SERVICE)
    Consumers(broker, inlet, Delivery(SERVICE, broker))

    @broker.subscriber("analyses-example-service", decoder=_as_it_came)
    async def on_statement(body: bytes) -> None:
        kafka: Kafka = broker.context.get("kafka")
        kafka.stated.append(json.loads(body))

    return broker


@pytest.fixture
async def kafka(broker: KafkaBroker, analysis: Analysis) -> AsyncIterator[Kafka]:
    async def send(topic: str, body: bytes) -> None:
        await broker.publish(body, topic, headers={"content-type": "application/json"})

    async def state_the_delay(event: Any, reason: str) -> None:
        await emit(analyses, *await analysis.delayed(event, reason))

    kafka = Kafka(send)
    delivery = Delivery(SERVICE, kafka, on_parked=state_the_delay, sleep=kafka.sleep)
    for name, value in {"delivery": delivery, "analysis": analysis, "kafka": kafka}.items():
        broker.context.set_global(name, value)
    async with TestKafkaBroker(broker):
        yield kafka


async def _as_it_came(message: Any) -> bytes:
    return bytes(message.body)
