from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from intake_fakes import (
    FakeMembers,
    FakePeek,
    FakeProfiles,
    FakeTokens,
    InMemoryBlocks,
    InMemoryCaseRepository,
    InMemoryLegacyRepository,
    InMemoryUploadRepository,
    Make,
)

from caseway_catalog import Catalog, load
from caseway_kit.auth import check_tokens
from caseway_kit.limits import BodyDeadline, HeadLimits
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.clock import FixedClock
from intake import api
from intake.checks import Checks
from intake.legacy import Legacy
from intake.pace import Pace
from intake.ports import Person
from intake.profiles_cache import ProfilesCache
from intake.promoting import Promoting
from intake.rate_limit import RateLimit
from intake.sr_blocks import SrNumbers
from intake.submitting import Submitting
from intake.turns import Turns
from intake.updating import Updating
from intake.uploads import Quota, Uploads

CUSTOMER = "anna:acme:customer"
STRANGER = "eve:evil:customer"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def catalog() -> Catalog:
    return load()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return open_objects((tmp_path / "objects").as_uri())


@pytest.fixture
def cases() -> InMemoryCaseRepository:
    return InMemoryCaseRepository()


@pytest.fixture
def known_uploads() -> InMemoryUploadRepository:
    return InMemoryUploadRepository()


@pytest.fixture
def peek() -> FakePeek:
    return FakePeek()


@pytest.fixture
def profiles() -> FakeProfiles:
    profile = {
        "id": "p1",
        "name": "Head office",
        "product": "apex-one",
        "version": "2019",
        "operating_systems": ["windows-10"],
        "language": "en",
        "activation_code": None,
        "settings": [],
        "revision": 3,
    }
    return FakeProfiles({f"{token}/p1": profile for token in (CUSTOMER, STRANGER)})


@pytest.fixture
def person() -> Person:
    return Person("anna", "acme", "anna@example.com", CUSTOMER)


@pytest.fixture
def uploads(
    known_uploads: InMemoryUploadRepository, objects: Objects, cases: InMemoryCaseRepository, clock: FixedClock
) -> Uploads:
    quota = Quota(uploads=1_000, size=1024**3)
    return Uploads(known_uploads, objects, cases, clock, largest=4 * 1024 * 1024, quota=quota)


@pytest.fixture
def submitting(
    cases: InMemoryCaseRepository,
    known_uploads: InMemoryUploadRepository,
    catalog: Catalog,
    peek: FakePeek,
    profiles: FakeProfiles,
    clock: FixedClock,
) -> Submitting:
    return Submitting(
        "01",
        cases=cases,
        numbers=SrNumbers("01", InMemoryBlocks()),
        checks=Checks(catalog, peek),
        profiles=ProfilesCache(profiles.fetch),
        uploads=known_uploads,
        clock=clock,
    )


@pytest.fixture
def updating(
    cases: InMemoryCaseRepository,
    known_uploads: InMemoryUploadRepository,
    catalog: Catalog,
    peek: FakePeek,
    clock: FixedClock,
) -> Updating:
    return Updating(cases=cases, checks=Checks(catalog, peek), uploads=known_uploads, clock=clock)


@pytest.fixture
def legacy_requests() -> InMemoryLegacyRepository:
    return InMemoryLegacyRepository()


@pytest.fixture
def members() -> FakeMembers:
    return FakeMembers()


@pytest.fixture
def app(
    catalog: Catalog,
    uploads: Uploads,
    submitting: Submitting,
    updating: Updating,
    cases: InMemoryCaseRepository,
    legacy_requests: InMemoryLegacyRepository,
    members: FakeMembers,
    clock: FixedClock,
) -> FastAPI:
    routes = api.build()
    routes.state.parts = api.Parts(
        catalog=catalog,
        uploads=uploads,
        submitting=submitting,
        updating=updating,
        promoting=Promoting(cases=cases, submitting=submitting, uploads=uploads, members=members, turns=Turns(1)),
        legacy=Legacy("01", requests=legacy_requests, clock=clock),
        rate=RateLimit(1_000_000),
        pace=Pace(1_000_000),
        check_rate=RateLimit(1_000_000),
    )
    check_tokens(routes, FakeTokens())
    return routes


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=HeadLimits(BodyDeadline(app)), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {CUSTOMER}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://intake", headers=headers) as client:
        yield client


@pytest.fixture
def stranger() -> dict[str, str]:
    return {"Authorization": f"Bearer {STRANGER}"}


@pytest.fixture
def make_submission() -> Make:
    def make(**changes: Any) -> dict[str, Any]:
        submission = {
            "profile_id": "p1",
            "affected_operating_systems": ["windows-10"],
            "issue_type": "threat",
            "category": "collected-threat-sample-analysis",
            "subject": "Something odd",
            "description": "It came by mail.",
            "severity": "medium",
            "cc": [],
            "contact": {"method": "email"},
            "fields": {"virus_pattern_type": "virus-pattern-cpr"},
            "attachments": [],
            "urls": [{"url": "http://odd.example/page"}],
        }
        return {**submission, **changes}

    return make


@pytest.fixture
def make_upload(http: httpx.AsyncClient) -> Make:
    async def make(name: str = "note.txt", data: bytes = b"hello", **headers: str) -> str:
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        answer = await http.post("/api/v1/uploads", content=data, headers={**disposition, **headers})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["upload_id"])

    return make
