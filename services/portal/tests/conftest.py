import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import httpx
import pytest
from fastapi import FastAPI
from faststream.kafka import KafkaBroker, TestKafkaBroker
from portal_fakes import (
    OPENED,
    SR,
    FakeFreshCases,
    FakeTokens,
    InMemoryContactRepository,
    InMemoryLegacyRepository,
    InMemoryPageRepository,
    Make,
    Parked,
)

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import Contract, Event, ObjectRef
from caseway_contracts.cases import (
    CaseClosed,
    CaseErased,
    CaseSubmitted,
    CaseUpdated,
    EscalationRequested,
    LegacyRequestImported,
)
from caseway_contracts.notifications import NotificationFailed, NotificationSent
from caseway_contracts.profiles import ContactDisabled, ContactSaved
from caseway_contracts.ratings import UrlReclassified, UrlsRated, typed_urls
from caseway_contracts.results import EvidenceReport, UrlReport
from caseway_contracts.routes import AnalysisCompleted, CaseEscalated, CaseRouted, CaseStatusChanged
from caseway_contracts.sheets import CaseSheet, UpdateSheet
from caseway_kit.app import build_api
from caseway_kit.auth import check_tokens
from caseway_kit.messaging import Consumers, Delivery
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.clock import FixedClock
from portal import case_api, docs_pages, legacy_api
from portal.cases import Cases
from portal.contacts import ContactRepository, DisabledContacts
from portal.feed import Feed
from portal.handlers import inlet
from portal.legacy import LegacyProjection, LegacyRepository, LegacyRequests
from portal.library import Library
from portal.mongo_contacts import MongoContactRepository
from portal.mongo_legacy import MongoLegacyRepository
from portal.mongo_pages import MongoPageRepository
from portal.openapi import MergedOpenApi
from portal.projection import PageRepository, Projection

NO_OBJECT = ObjectRef(key=f"cases/{SR}/x", sha256="0" * 64, size=1)
SALT = "5" * 32
CATEGORIES = {7: "Phishing"}

_CASE = {
    "region": "01",
    "by": "c1",
    "issue_type": "threat",
    "category": "collected-threat-sample-analysis",
    "severity": "medium",
    "product": "apex-one",
    "catalog_version": "1",
    "profile_id": "p1",
    "profile_revision": 1,
    "sheet": NO_OBJECT,
}
_RATED = {"case_revision": 1, "urls": 1, "counts": {"dangerous": 1}, "worst": "dangerous", "report": NO_OBJECT}
_RECLASSIFIED = {"outcome": "changed", "rating": "safe", "score": 90, "categories": [7], "decided_by": "c9"}
_DEFAULTS: dict[type[Event], dict[str, Any]] = {
    CaseSubmitted: _CASE,
    CaseUpdated: {"region": "01", "by": "c1", "sheet": NO_OBJECT},
    CaseClosed: {"region": "01", "by": "c1"},
    LegacyRequestImported: {"region": "01", "by": "c1", "sheet": NO_OBJECT},
    CaseErased: {"region": "01", "by": "c1"},
    EscalationRequested: {"region": "01", "by": "c1", "escalation_type": "handling-time", "sheet": NO_OBJECT},
    EvidenceAnalyzed: {"kind": "file", "verdict": "malicious", "case_revision": 1, "report": NO_OBJECT},
    UrlsRated: _RATED,
    UrlReclassified: _RECLASSIFIED,
    CaseRouted: {"team": "malware-analysis", "priority": 2, "due_at": OPENED + timedelta(days=1), "rule": "threats"},
    CaseEscalated: {"escalation_type": "handling-time", "team": "malware-analysis", "status": "open"},
    CaseStatusChanged: {"status": "open"},
    AnalysisCompleted: {},
    ContactDisabled: {},
    ContactSaved: {},
    NotificationSent: {"kind": "confirmation"},
    NotificationFailed: {"kind": "confirmation", "reason": "refused"},
}


@pytest.fixture
def make_event() -> Make:
    """An event of a class about a subject, stated ``revision`` minutes after the case was opened."""

    def make(
        type_: type[Event], subject: str | None = None, revision: int = 1, sr_number: str = SR, **facts: Any
    ) -> Event:
        subject = subject or sr_number
        if "update_id" in type_.model_fields:
            facts.setdefault("update_id", f"u{revision}")
        identity = {
            "event_id": uuid5(UUID(int=7), f"{sr_number}/{type_.__name__}/{subject}/{revision}"),
            "occurred_at": OPENED + timedelta(minutes=revision - 1),
            "key": sr_number,
            "account_id": "a1",
            "subject_id": subject,
            "revision": revision,
        }
        return type_.model_validate(identity | _DEFAULTS[type_] | facts)

    return make


@pytest.fixture
def make_completed(make_event: Make) -> Make:
    def make(*covers: tuple[str, str], round: int = 1, revision: int = 1, **facts: Any) -> Event:  # noqa: A002 - the fact's name
        covered = [{"type": kind, "id": subject, "revision": revision} for kind, subject in covers]
        event: Event = make_event(AnalysisCompleted, revision=round, round=round, covers=covered, **facts)
        return event

    return make


@pytest.fixture
def objects() -> Objects:
    return open_objects("memory://")


@pytest.fixture
def put(objects: Objects) -> Make:
    """Save words or results as an object of the case."""

    async def put(model: type[Contract], sr_number: str = SR, **words: Any) -> ObjectRef:
        return await objects.put_json(
            f"cases/{sr_number}/{model.__name__}", model.model_validate({"salt": SALT, "sr_number": sr_number, **words})
        )

    return put


@pytest.fixture
def submit(make_event: Make, put: Make) -> Make:
    """A CaseSubmitted with its sheet: attachments by id and name, URLs by id and address."""

    async def submit(
        *,
        sr_number: str = SR,
        subject: str = "It should not be detected",
        files: dict[str, str] | None = None,
        urls: dict[str, str] | None = None,
        cc: Sequence[str] = (),
        sheet: dict[str, Any] | None = None,
        **facts: Any,
    ) -> Event:
        recipients = [{"id": f"r-{one}", "address": one, "submitter": one not in cc} for one in ("ann@x.example", *cc)]
        words = {
            "subject": subject,
            "description": "All of it",
            "recipients": recipients,
            "attachments": [{"evidence_id": one, "name": name} for one, name in (files or {}).items()],
            "urls": [{"evidence_id": one, "url": url} for one, url in (urls or {}).items()],
        }
        ref = await put(CaseSheet, sr_number, **(words | (sheet or {})))
        pieces = [(one, "file") for one in files or {}] + [(one, "url") for one in urls or {}]
        evidence = [{"id": one, "kind": kind, "object": NO_OBJECT} for one, kind in pieces]
        event: Event = make_event(CaseSubmitted, sr_number=sr_number, sheet=ref, evidence=evidence, **facts)
        return event

    return submit


@pytest.fixture
def update(make_event: Make, put: Make) -> Make:
    async def update(revision: int = 2, *, files: Sequence[str] = (), sheet: Any = None, **facts: Any) -> Event:
        ref = await put(UpdateSheet, update_id=f"u{revision}", **(sheet or {}))
        evidence = [{"id": one, "kind": "file", "object": NO_OBJECT} for one in files]
        event: Event = make_event(CaseUpdated, revision=revision, sheet=ref, evidence=evidence, **facts)
        return event

    return update


@pytest.fixture
def analyze(make_event: Make, put: Make) -> Make:
    """An EvidenceAnalyzed with a report of a file for each name, the piece itself first."""

    async def analyze(piece: str, *names: str, revision: int = 1, urls: Any = (), **facts: Any) -> Event:
        files = [
            {"id": piece if at == 0 else f"{piece}/{at}", "name": name, "verdict": "malicious"}
            for at, name in enumerate(names or ("a.zip",))
        ]
        found = [{"id": f"{piece}/u{at}", "parent_id": piece, "url": url} for at, url in enumerate(urls)]
        words = {"evidence_id": piece, "revision": revision, "kind": "file", "files": files, "urls": found}
        report = await put(EvidenceReport, **words)
        event: Event = make_event(EvidenceAnalyzed, piece, revision, urls=len(found), report=report, **facts)
        return event

    return analyze


@pytest.fixture
def rate(make_event: Make, put: Make) -> Make:
    async def rate(subject: str, urls: dict[str, str], revision: int = 1, **facts: Any) -> Event:
        results = [{"id": one, "url": url, "rating": "dangerous", "score": 20} for one, url in urls.items()]
        report = await put(UrlReport, subject_id=subject, revision=revision, urls=results)
        event: Event = make_event(UrlsRated, subject, revision, report=report, **facts)
        return event

    return rate


@pytest.fixture
def typed() -> str:
    return typed_urls(SR, 1)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(OPENED + timedelta(hours=1))


@pytest.fixture
def memory_pages() -> InMemoryPageRepository:
    return InMemoryPageRepository()


@pytest.fixture
async def mongo_pages(database: Database) -> MongoPageRepository:
    pages = MongoPageRepository(database.collection("case_pages"))
    await pages.prepare()
    return pages


@pytest.fixture
def memory_contacts() -> InMemoryContactRepository:
    return InMemoryContactRepository()


@pytest.fixture
async def mongo_contacts(database: Database) -> MongoContactRepository:
    contacts = MongoContactRepository(database.collection("disabled_contacts"))
    await contacts.prepare()
    return contacts


@pytest.fixture
def memory_legacy() -> InMemoryLegacyRepository:
    return InMemoryLegacyRepository()


@pytest.fixture
async def mongo_legacy(database: Database) -> MongoLegacyRepository:
    requests = MongoLegacyRepository(database.collection("legacy_requests"))
    await requests.prepare()
    return requests


BOTH = ["memory", pytest.param("mongo", marks=pytest.mark.integration)]


@pytest.fixture(params=BOTH)
def pages(request: pytest.FixtureRequest) -> PageRepository:
    repository: PageRepository = request.getfixturevalue(f"{request.param}_pages")
    return repository


@pytest.fixture(params=BOTH)
def legacy(request: pytest.FixtureRequest) -> LegacyRepository:
    repository: LegacyRepository = request.getfixturevalue(f"{request.param}_legacy")
    return repository


@pytest.fixture(params=BOTH)
def contacts(request: pytest.FixtureRequest) -> ContactRepository:
    repository: ContactRepository = request.getfixturevalue(f"{request.param}_contacts")
    return repository


@pytest.fixture
def library(objects: Objects) -> Library:
    return Library(objects)


@pytest.fixture
def projection(memory_pages: InMemoryPageRepository, library: Library) -> Projection:
    return Projection(memory_pages, library)


@pytest.fixture
def fresh() -> FakeFreshCases:
    return FakeFreshCases()


@pytest.fixture
def cases(memory_pages: InMemoryPageRepository, library: Library, fresh: FakeFreshCases, clock: FixedClock) -> Cases:
    return Cases(memory_pages, library, fresh, categories=CATEGORIES, clock=clock)


@pytest.fixture
def tokens() -> FakeTokens:
    return FakeTokens()


@pytest.fixture
def api(
    cases: Cases,
    memory_legacy: InMemoryLegacyRepository,
    tokens: FakeTokens,
) -> FastAPI:
    async def fetch(url: str) -> dict[str, Any]:
        raise ConnectionError(url)

    api = build_api(title="Portal", version="1")
    openapi = MergedOpenApi({"intake": "http://intake"}, fetch, api.openapi, title="Caseway", version="1")
    api.include_router(case_api.build_router(cases, Feed(cases, poll_seconds=0.01, heartbeat_seconds=0.05)))
    api.include_router(legacy_api.build_router(LegacyRequests(memory_legacy)))
    api.include_router(docs_pages.build_router(openapi))
    api.state.stopping = asyncio.Event()
    check_tokens(api, tokens)
    return api


@pytest.fixture
async def client(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer customer@a1"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t", headers=headers) as client:
        yield client


@pytest.fixture
def parked() -> Parked:
    return Parked()


@pytest.fixture
async def kafka(
    projection: Projection,
    memory_legacy: InMemoryLegacyRepository,
    library: Library,
    memory_contacts: InMemoryContactRepository,
    parked: Parked,
) -> AsyncIterator[Make]:
    """Sends bodies to the portal's handlers through a broker in memory."""
    broker = KafkaBroker("localhost:9")

    async def no_wait(_: float) -> None:
        return

    delivery = Delivery("portal", parked, sleep=no_wait)
    Consumers(
        broker,
        inlet,
        delivery,
        projection=projection,
        legacy=LegacyProjection(memory_legacy, library),
        disabled=DisabledContacts(memory_contacts),
    )
    async with TestKafkaBroker(broker):

        async def send(topic: str, *bodies: bytes) -> None:
            for body in bodies:
                await broker.publish(body, topic, headers={"content-type": "application/json"})

        yield send
