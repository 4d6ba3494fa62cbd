from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from page_fakes import PRODUCT_PROFILE, FakeIssuer, FakeProfiles, InMemorySessionRepository, Tab
from portal_fakes import Make

from caseway_catalog import Catalog
from caseway_catalog import load as load_catalog
from caseway_kit.mongo import Database
from caseway_kit.testing.clock import FixedClock
from portal.mongo_sessions import MongoSessionRepository
from portal.pages import home, products, profile, sign_in, static
from portal.pages.base import Site, install_pages
from portal.pages.visitors import Doorkeeper
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


@pytest.fixture
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def api(api: FastAPI, catalog: Catalog, sessions: Sessions, profiles: FakeProfiles) -> FastAPI:
    """The interface with the pages beside it."""
    routers = [
        static.build_router(),
        sign_in.build_router(profiles),
        profile.build_router(profiles),
        products.build_router(profiles, catalog),
        home.build_router(),
    ]
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
async def seeded(profiles: FakeProfiles) -> None:
    """What the rows of the page matrix ask for: all of it belongs to account a1."""
    profiles.saved["a1"] = {"prof-ours": PRODUCT_PROFILE}


@pytest.fixture
async def tab(tabs: Make) -> Tab:
    """The tab of a customer of account a1."""
    opened: Tab = await tabs("customer@a1")
    return opened
