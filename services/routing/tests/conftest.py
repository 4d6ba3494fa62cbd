from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from routing_fakes import InMemoryRouteRepository, Make

from caseway_catalog import load
from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import Event
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.ratings import UrlReclassified, UrlsRated
from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from routing.desk import Desk
from routing.mongo_desk import MongoDesk
from routing.mongo_routes import MongoRouteRepository
from routing.service import RouteRepository, Routing

SR = "SR01-000000042-4"
OBJECT = {"key": "cases/x", "sha256": "0" * 64, "size": 1}
NAMESPACE = UUID(int=7)


def _identity(type_: type[Event], subject: str, revision: int) -> dict[str, Any]:
    name = type_.model_fields["type"].default
    return {
        "event_id": uuid5(NAMESPACE, f"{name}/{subject}/{revision}"),
        "occurred_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "key": SR,
        "account_id": "a1",
        "subject_id": subject,
        "revision": revision,
    }


def _evidence(pieces: dict[str, str]) -> list[dict[str, Any]]:
    return [{"id": name, "kind": kind, "object": OBJECT} for name, kind in pieces.items()]


@pytest.fixture
def make_submitted() -> Make:
    def make(pieces: dict[str, str] | None = None, **facts: Any) -> CaseSubmitted:
        default = {
            "region": "01",
            "by": "c1",
            "issue_type": "threat",
            "category": "collected-threat-sample-analysis",
            "severity": "medium",
            "product": "officescan",
            "catalog_version": "1",
            "profile_id": "p1",
            "profile_revision": 1,
            "sheet": OBJECT,
            "evidence": _evidence(pieces or {}),
        }
        return CaseSubmitted.model_validate(_identity(CaseSubmitted, SR, 1) | default | facts)

    return make


@pytest.fixture
def make_updated() -> Make:
    def make(revision: int = 2, pieces: dict[str, str] | None = None, **facts: Any) -> CaseUpdated:
        default = {
            "region": "01",
            "by": "c1",
            "update_id": f"u{revision}",
            "sheet": OBJECT,
            "evidence": _evidence(pieces or {}),
        }
        return CaseUpdated.model_validate(_identity(CaseUpdated, SR, revision) | default | facts)

    return make


@pytest.fixture
def make_analyzed() -> Make:
    def make(piece: str, verdict: str = "unknown", revision: int = 1, **facts: Any) -> EvidenceAnalyzed:
        default = {"kind": "file", "verdict": verdict, "case_revision": 1, "report": OBJECT}
        return EvidenceAnalyzed.model_validate(_identity(EvidenceAnalyzed, piece, revision) | default | facts)

    return make


@pytest.fixture
def make_rated() -> Make:
    def make(subject: str, worst: str = "untested", revision: int = 1, **facts: Any) -> UrlsRated:
        default = {"case_revision": 1, "urls": 1, "counts": {worst: 1}, "worst": worst, "report": OBJECT}
        return UrlsRated.model_validate(_identity(UrlsRated, subject, revision) | default | facts)

    return make


@pytest.fixture
def make_reclassified() -> Make:
    def make(url_id: str, outcome: str = "kept") -> UrlReclassified:
        facts = {"outcome": outcome, "rating": "dangerous", "score": 49, "decided_by": "con-1"}
        return UrlReclassified.model_validate(_identity(UrlReclassified, url_id, 1) | facts)

    return make


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def memory_routes() -> InMemoryRouteRepository:
    return InMemoryRouteRepository()


@pytest.fixture
def mongo_routes(database: Database) -> MongoRouteRepository:
    return MongoRouteRepository(database.collection("routes"))


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def routes(request: pytest.FixtureRequest) -> RouteRepository:
    repository: RouteRepository = request.getfixturevalue(f"{request.param}_routes")
    return repository


@pytest.fixture
async def mongo_desk(database: Database) -> MongoDesk:
    desk = MongoDesk(database.collection("routes"))
    await desk.prepare()
    return desk


@pytest.fixture
def desk(request: pytest.FixtureRequest, routes: RouteRepository) -> Desk:
    found: Desk = routes if isinstance(routes, InMemoryRouteRepository) else request.getfixturevalue("mongo_desk")
    return found


@pytest.fixture
def routing(memory_routes: InMemoryRouteRepository, clock: FixedClock) -> Routing:
    return Routing(memory_routes, catalog=load(), clock=clock)
