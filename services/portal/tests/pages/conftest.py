import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from case_fakes import SERVICES, FakeCaseDesk, FakeLog, FakeServices
from fastapi import APIRouter, FastAPI
from jinja2 import Environment
from page_fakes import PRODUCT_PROFILE, FakeIssuer, FakeProfiles, InMemorySessionRepository, Tab
from portal_fakes import OPENED, SR, FakeFreshCases, InMemoryLegacyRepository, InMemoryPageRepository, Make
from request_fakes import FakeIntake, FakeRatings, InMemoryDraftRepository

from caseway_catalog import Catalog
from caseway_catalog import load as load_catalog
from caseway_contracts.base import ObjectRef
from caseway_kit.mongo import Database
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock
from portal.cases import Cases
from portal.feed import Feed
from portal.fresh import FreshCase
from portal.legacy import LegacyRequests, LegacyRow, LegacyView
from portal.mongo_sessions import MongoSessionRepository
from portal.pages import (
    case,
    dashboard,
    live,
    new_request,
    operations,
    products,
    profile,
    promote,
    requests,
    samples,
    sign_in,
    static,
    uploads,
)
from portal.pages import legacy as legacy_pages
from portal.pages.base import Site, environment_of, install_pages
from portal.pages.streamed import Streaming
from portal.pages.visitors import Doorkeeper
from portal.projection import Projection
from portal.requests.desk import Desk
from portal.requests.drafts import Draft, Drafts, Owner
from portal.requests.offered import OfferedCatalog
from portal.sessions import SessionRepository, Sessions
from portal.summary import summary_of

PIECE = "1b1f6a3e-5a0c-4a37-9b42-2f0b6a1f7f10"
SAMPLE = b"just bytes"


@pytest.fixture
def memory_sessions() -> InMemorySessionRepository:
    return InMemorySessionRepository()


@pytest.fixture
async def mongo_sessions(database: Database) -> MongoSessionRepository:
    sessions = MongoSessionRepository(database.collection("portal_state"))
    await sessions.prepare()
    return sessions


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.integration)])
def session_repository(request: pytest.FixtureRequest) -> SessionRepository:
    repository: SessionRepository = request.getfixturevalue(f"{request.param}_sessions")
    return repository


@pytest.fixture
def issuer(clock: FixedClock) -> FakeIssuer:
    return FakeIssuer(clock)


@pytest.fixture
def our_profile(profiles: FakeProfiles) -> None:
    """The account has one profile, that of the filled in form."""
    profiles.saved["a1"] = {"prof-ours": PRODUCT_PROFILE}


@pytest.fixture
def sessions(memory_sessions: InMemorySessionRepository, issuer: FakeIssuer, clock: FixedClock) -> Sessions:
    return Sessions(memory_sessions, issuer, clock=clock)


@pytest.fixture
def profiles(clock: FixedClock) -> FakeProfiles:
    return FakeProfiles(clock)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def environment(catalog: Catalog) -> Environment:
    """One for all tests: to compile its templates takes longer than most of them."""
    return environment_of(catalog)


@pytest.fixture
def intake() -> FakeIntake:
    return FakeIntake()


@pytest.fixture
def ratings() -> FakeRatings:
    return FakeRatings()


@pytest.fixture
def known_drafts() -> InMemoryDraftRepository:
    return InMemoryDraftRepository()


@pytest.fixture
def drafts(known_drafts: InMemoryDraftRepository, clock: FixedClock) -> Drafts:
    return Drafts(known_drafts, clock)


@pytest.fixture
def request_routers(
    intake: FakeIntake, ratings: FakeRatings, drafts: Drafts, profiles: FakeProfiles, catalog: Catalog
) -> list[APIRouter]:
    desk = Desk(
        intake=intake, directory=profiles, ratings=ratings, drafts=drafts, offered=OfferedCatalog(intake, catalog)
    )
    return [*new_request.build_routers(desk, drafts, profiles, catalog), uploads.build_router(intake)]


@pytest.fixture
def case_desk() -> FakeCaseDesk:
    return FakeCaseDesk()


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def case_routers(
    cases: Cases,
    memory_legacy: InMemoryLegacyRepository,
    case_desk: FakeCaseDesk,
    profiles: FakeProfiles,
    catalog: Catalog,
    objects: Objects,
    log: FakeLog,
    services: FakeServices,
) -> list[APIRouter]:
    return [
        dashboard.build_router(cases),
        requests.build_router(cases),
        legacy_pages.build_router(LegacyRequests(memory_legacy)),
        operations.build_router(cases, SERVICES, services.ask, log),
        live.build_router(cases, Feed(cases, poll_seconds=0.01, heartbeat_seconds=0.05)),
        samples.build_router(cases, objects),
        case.build_router(cases, case_desk),
        promote.build_router(cases, case_desk, profiles, catalog),
    ]


@pytest.fixture
def api(
    api: FastAPI,
    catalog: Catalog,
    environment: Environment,
    sessions: Sessions,
    profiles: FakeProfiles,
    intake: FakeIntake,
    request_routers: list[APIRouter],
    case_routers: list[APIRouter],
) -> FastAPI:
    """The interface with the pages beside it."""
    routers = [
        static.build_router(),
        sign_in.build_router(profiles),
        profile.build_router(profiles),
        products.build_router(profiles, catalog),
        *request_routers,
        *case_routers,
    ]
    # A stream says what it has to say and ends: whoever reads on clears it.
    api.state.stopping.set()
    api.state.streaming = Streaming(intake, largest=1024 * 1024)
    install_pages(api, Site(catalog, Doorkeeper(sessions, secure=False), environment), routers)
    return api


@pytest.fixture
async def tabs(api: FastAPI, sessions: Sessions, issuer: FakeIssuer) -> AsyncIterator[Make]:
    """``await tabs("customer@a1")``: the tab of somebody who has signed in; ``await tabs(None)``: of a stranger."""
    opened: list[httpx.AsyncClient] = []

    async def open_tab(who: str | None) -> Tab:
        cookies = {} if who is None else {"caseway-session": await sessions.open(issuer.issue(who))}
        headers = {"Accept": "text/html"}
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(api), base_url="http://t", headers=headers, cookies=cookies
        )
        opened.append(http)
        tab = Tab(http)
        await tab.get("/sign-in?next=/nowhere", follow_redirects=True)
        return tab

    yield open_tab
    for http in opened:
        await http.aclose()


@pytest.fixture
async def seeded(
    profiles: FakeProfiles,
    known_drafts: InMemoryDraftRepository,
    intake: FakeIntake,
    clock: FixedClock,
    our_case: str,
) -> None:
    """What the rows of the page matrix ask for: all of it belongs to account a1."""
    ours = Owner("a1", "c-a1")
    known_drafts.drafts[ours, "draft-of-account-a1"] = Draft("draft-of-account-a1", "Ours", clock.now())
    intake.uploads["upload-ours"] = ("a1", "ours.zip", bytearray(b"x"), 2)
    profiles.saved["a1"] = {"prof-ours": PRODUCT_PROFILE}


@pytest.fixture
async def our_case(
    projection: Projection,
    memory_pages: InMemoryPageRepository,
    memory_legacy: InMemoryLegacyRepository,
    fresh: FakeFreshCases,
    objects: Objects,
    submit: Make,
    analyze: Make,
) -> str:
    """A case of account a1 with a piece and what was found in it, and a record from before SR numbers."""
    sheet = {"profile": {"id": "prof-ours"}, "affected_operating_systems": ["windows-10"]}
    opened = await submit(files={PIECE: "a.zip"}, urls={"u1": "http://odd.example/"}, sheet=sheet)
    await projection.apply([opened, await analyze(PIECE, "a.zip", "evil.exe")])
    digest = hashlib.sha256(SAMPLE).hexdigest()
    await objects.put(ObjectRef(key="accounts/a1/uploads/u", sha256=digest, size=len(SAMPLE)), SAMPLE)
    piece = {"id": PIECE, "kind": "file", "revision": 1, "name": "a.zip", "key": "accounts/a1/uploads/u"}
    fresh.cases[SR] = FreshCase.model_validate(
        {
            **summary_of(memory_pages.pages[SR]).model_dump(),
            "description": "All of it",
            "account_id": "a1",
            "revision": 1,
            "evidence": [{**piece, "sha256": digest, "size": len(SAMPLE)}],
        }
    )
    record = LegacyView(ref_id="REF-1", subject="Old", submitted_at=OPENED)
    await memory_legacy.save([LegacyRow(account_id="a1", view=record)])
    return SR


@pytest.fixture
async def tab(tabs: Make) -> Tab:
    """The tab of a customer of account a1."""
    opened: Tab = await tabs("customer@a1")
    return opened
