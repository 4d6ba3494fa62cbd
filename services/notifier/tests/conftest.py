from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest
from notifier_fakes import InMemoryCorrespondenceRepository, InMemoryLetters, Make

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import Event
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.ratings import UrlsRated
from caseway_contracts.routes import AnalysisCompleted
from caseway_contracts.sheets import CaseSheet, UpdateSheet
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects, open_objects
from caseway_kit.outbox import Relay
from caseway_kit.testing.clock import FixedClock
from notifier.mongo_notifications import INDEXES, MongoCorrespondenceRepository, MongoLetters
from notifier.service import CorrespondenceRepository, Notifier

SR = "SR01-000000042-4"
SALT = "5" * 32


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def objects() -> Objects:
    return open_objects("memory://")


def _identity(type_: type[Event], revision: int) -> dict[str, Any]:
    name = type_.model_fields["type"].default
    return {
        "event_id": uuid5(UUID(int=7), f"{name}/{revision}"),
        "occurred_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "key": SR,
        "account_id": "a1",
        "subject_id": SR,
        "revision": revision,
    }


def _recipients(addresses: Sequence[str]) -> list[dict[str, str]]:
    return [{"id": f"r-{address}", "address": address} for address in addresses]


@pytest.fixture
def make_submitted(objects: Objects) -> Make:
    async def make(*addresses: str, subject: str = "A file that should not be detected") -> CaseSubmitted:
        recipients = _recipients(addresses or ["ann@customer.example"])
        words = {"salt": SALT, "sr_number": SR, "subject": subject, "description": "…", "recipients": recipients}
        sheet = await objects.put_json(f"cases/{SR}/sheet/1", CaseSheet.model_validate(words))
        facts = {
            "region": "01",
            "by": "c1",
            "issue_type": "threat",
            "category": "file-false-positive",
            "severity": "low",
            "product": "officescan",
            "catalog_version": "1",
            "profile_id": "p1",
            "profile_revision": 1,
            "sheet": sheet,
        }
        return CaseSubmitted.model_validate(_identity(CaseSubmitted, 1) | facts)

    return make


@pytest.fixture
def make_updated(objects: Objects) -> Make:
    async def make(*addresses: str, revision: int = 2) -> CaseUpdated:
        words = {"salt": SALT, "sr_number": SR, "update_id": "u1", "recipients": _recipients(addresses)}
        sheet = await objects.put_json(f"cases/{SR}/sheet/{revision}", UpdateSheet.model_validate(words))
        facts = {"region": "01", "by": "c1", "update_id": "u1", "sheet": sheet}
        return CaseUpdated.model_validate(_identity(CaseUpdated, revision) | facts)

    return make


@pytest.fixture
def make_completed() -> Make:
    def make(**facts: Any) -> AnalysisCompleted:
        covers = [{"type": "EvidenceAnalyzed", "id": "f1", "revision": 1}]
        default = {"round": 1, "covers": covers, "worst_verdict": "malicious"}
        return AnalysisCompleted.model_validate(_identity(AnalysisCompleted, 1) | default | facts)

    return make


@pytest.fixture
def make_revised() -> Make:
    def make(verdict: str = "malicious", previous: str | None = "unknown", revision: int = 2) -> EvidenceAnalyzed:
        report = {"key": "o", "sha256": "0" * 64, "size": 1}
        facts = {"kind": "file", "verdict": verdict, "case_revision": 1, "report": report}
        later = {"previous_verdict": previous, "subject_id": "f1"}
        return EvidenceAnalyzed.model_validate(_identity(EvidenceAnalyzed, revision) | facts | later)

    return make


@pytest.fixture
def make_rated() -> Make:
    def make(revision: int = 2, changed: int = 1) -> UrlsRated:
        report = {"key": "o", "sha256": "0" * 64, "size": 1}
        facts = {"case_revision": 1, "urls": 1, "counts": {"dangerous": 1}, "worst": "dangerous", "report": report}
        later = {"changed": changed, "subject_id": "f1"}
        return UrlsRated.model_validate(_identity(UrlsRated, revision) | facts | later)

    return make


@pytest.fixture
def memory_cases() -> InMemoryCorrespondenceRepository:
    return InMemoryCorrespondenceRepository()


@pytest.fixture
def mongo_cases(database: Database) -> MongoCorrespondenceRepository:
    return MongoCorrespondenceRepository(database.collection("cases"))


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def cases(request: pytest.FixtureRequest) -> CorrespondenceRepository:
    repository: CorrespondenceRepository = request.getfixturevalue(f"{request.param}_cases")
    return repository


@pytest.fixture
def memory_letters(clock: FixedClock) -> InMemoryLetters:
    return InMemoryLetters(clock)


@pytest.fixture
async def mongo_letters(database: Database, clock: FixedClock) -> MongoLetters:
    async def publish(events: Sequence[Encoded]) -> None:
        return

    collection = database.collection("notifications")
    await collection.ensure_indexes(INDEXES)
    return MongoLetters(collection, Relay(collection, publish, clock=clock), clock)


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def letters(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_letters")


@pytest.fixture
def notifier(
    memory_cases: InMemoryCorrespondenceRepository, memory_letters: InMemoryLetters, objects: Objects
) -> Notifier:
    return Notifier(memory_cases, memory_letters, objects, portal_url="https://portal.example")
