from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from page_fakes import PRODUCT_PROFILE, FakeIssuer, FakeProfiles, InMemorySessionRepository, Tab
from portal_fakes import Make
from request_fakes import FakeIntake, FakeRatings, InMemoryDraftRepository

from caseway_catalog import Catalog
from caseway_catalog import load as load_catalog
from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from portal.mongo_sessions import MongoSessionRepository
from portal.pages import home, new_request, products, profile, sign_in, static, uploads
from portal.pages.base import Site, install_pages
from portal.pages.streamed import Streaming
from portal.pages.visitors import Doorkeeper
from portal.requests.desk import Desk
from portal.requests.drafts import Draft, Drafts, Owner
from portal.requests.offered import OfferedCatalog
from portal.sessions import SessionRepository, Sessions


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
def sessions(memory_sessions: InMemorySessionRepository, issuer: FakeIssuer, clock: FixedClock) -> Sessions:
    return Sessions(memory_sessions, issuer, clock=clock)


@pytest.fixture
def profiles(clock: FixedClock) -> FakeProfiles:
    return FakeProfiles(clock)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


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
def api(
    api: FastAPI,
    catalog: Catalog,
    sessions: Sessions,
    profiles: FakeProfiles,
    intake: FakeIntake,
    request_routers: list[APIRouter],
) -> FastAPI:
    """The interface with the pages beside it."""
    routers = [
        static.build_router(),
        sign_in.build_router(profiles),
        profile.build_router(profiles),
        products.build_router(profiles, catalog),
        *request_routers,
        home.build_router(),
    ]
    api.state.streaming = Streaming(intake, largest=1024 * 1024)
    install_pages(api, Site(catalog, Doorkeeper(sessions, secure=False)), routers)
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
    profiles: FakeProfiles, known_drafts: InMemoryDraftRepository, intake: FakeIntake, clock: FixedClock
) -> None:
    """What the rows of the page matrix ask for: all of it belongs to account a1."""
    ours = Owner("a1", "c-a1")
    known_drafts.drafts[ours, "draft-of-account-a1"] = Draft("draft-of-account-a1", "Ours", clock.now())
    intake.uploads["upload-ours"] = ("a1", "ours.zip", bytearray(b"x"), 2)
    profiles.saved["a1"] = {"prof-ours": PRODUCT_PROFILE}


@pytest.fixture
async def tab(tabs: Make) -> Tab:
    """The tab of a customer of account a1."""
    opened: Tab = await tabs("customer@a1")
    return opened
