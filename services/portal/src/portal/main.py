from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import httpx

from caseway_catalog import load as load_catalog
from caseway_contracts.clients import IntakeClient, ProfilesClient, RequestsClient
from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.auth import KeyCache, TokenVerifier, check_tokens, keys_at
from caseway_kit.messaging import Consumers
from caseway_kit.parts import Parts
from caseway_kit.serving import serve
from caseway_kit.settings import load
from portal import case_api, docs_pages, legacy_api
from portal.cases import Cases
from portal.contacts import DisabledContacts
from portal.feed import Feed
from portal.handlers import SERVICE, inlet
from portal.intake_cases import IntakeCases
from portal.legacy import LegacyProjection, LegacyRequests
from portal.library import Library
from portal.mongo_contacts import MongoContactRepository
from portal.mongo_legacy import MongoLegacyRepository
from portal.mongo_pages import MongoPageRepository
from portal.mongo_sessions import MongoSessionRepository
from portal.openapi import Document, MergedOpenApi
from portal.pages import (
    case,
    dashboard,
    live,
    operations,
    products,
    profile,
    promote,
    requests,
    samples,
    sign_in,
    static,
)
from portal.pages import legacy as legacy_pages
from portal.pages.base import Site, install_pages
from portal.pages.log_state import KafkaLog
from portal.pages.request_parts import RequestParts
from portal.pages.sign_in import ProfilesIssuer
from portal.pages.visitors import Doorkeeper
from portal.projection import Projection
from portal.sessions import Sessions
from portal.settings import Settings

TITLE = "Caseway portal"
VERSION = version("caseway-portal")
# A read waits no longer than this for what intake may know besides.
INTAKE_TIMEOUT = httpx.Timeout(2.0, connect=0.5)
# Of a case that is nowhere else yet; then the answer is that intake is away.
CASE_TIMEOUT = httpx.Timeout(4.0, connect=1.0)
OPENAPI_TIMEOUT = httpx.Timeout(2.0)
# What a person has asked for on a page may take this long.
PAGE_TIMEOUT = httpx.Timeout(15.0, connect=2.0)
# What is done to a case; each file of an update is looked at for it, one after the other.
ACT_TIMEOUT = httpx.Timeout(45.0, connect=2.0)
# As long as intake may take to take chosen files out of archives.
PROMOTION_TIMEOUT = httpx.Timeout(120.0, connect=2.0)


def build(settings: Settings) -> ServiceApp:
    parts = Parts(SERVICE, settings)
    # Made here, connected at their first use.
    to_intake = httpx.AsyncClient(base_url=settings.intake_url, timeout=INTAKE_TIMEOUT, trust_env=False)
    to_case = httpx.AsyncClient(base_url=settings.intake_url, timeout=CASE_TIMEOUT, trust_env=False)
    to_services = httpx.AsyncClient(timeout=OPENAPI_TIMEOUT, trust_env=False)
    to_profiles = httpx.AsyncClient(base_url=settings.profiles_url, timeout=PAGE_TIMEOUT, trust_env=False)
    to_acts = httpx.AsyncClient(base_url=settings.intake_url, timeout=ACT_TIMEOUT, trust_env=False)
    to_promotions = httpx.AsyncClient(base_url=settings.intake_url, timeout=PROMOTION_TIMEOUT, trust_env=False)
    catalog = load_catalog()
    profiles = ProfilesClient(to_profiles)
    pages = MongoPageRepository(parts.database.collection("case_pages"))
    legacy = MongoLegacyRepository(parts.database.collection("legacy_requests"))
    contacts = MongoContactRepository(parts.database.collection("disabled_contacts"))
    library = Library(parts.objects)
    disabled = DisabledContacts(contacts)
    sessions = MongoSessionRepository(parts.database.collection("portal_state"))
    new_requests = RequestParts(
        settings,
        state=parts.database.collection("portal_state"),
        clock=parts.clock,
        profiles=profiles,
        catalog=catalog,
    )
    door = Doorkeeper(Sessions(sessions, ProfilesIssuer(profiles), clock=parts.clock), secure=settings.secure)
    cases = Cases(
        pages,
        library,
        IntakeCases(IntakeClient(to_intake), IntakeClient(to_case)),
        categories={number: one.name for number, one in catalog.url_categories.items()},
        clock=parts.clock,
    )

    feed = Feed(cases)

    async def fetch(url: str) -> Document:
        answer = await to_services.get(url)
        document: Document = answer.raise_for_status().json()
        return document

    async def ask(url: str) -> Document | None:
        try:
            answer: Document = (await to_services.get(url)).json()
        except (httpx.HTTPError, ValueError):
            return None
        return answer

    api = build_api(title=TITLE, version=VERSION)
    openapi = MergedOpenApi(settings.services, fetch, api.openapi, title="Caseway", version=VERSION)
    api.include_router(case_api.build_router(cases, feed))
    api.include_router(legacy_api.build_router(LegacyRequests(legacy)))
    api.include_router(docs_pages.build_router(openapi))
    install_pages(
        api,
        Site(catalog, door),
        [
            static.build_router(),
            sign_in.build_router(profiles),
            profile.build_router(profiles),
            products.build_router(profiles, catalog),
            *new_requests.routers,
            dashboard.build_router(cases),
            requests.build_router(cases),
            legacy_pages.build_router(LegacyRequests(legacy)),
            operations.build_router(
                cases, settings.services | {SERVICE: f"http://127.0.0.1:{settings.port}"}, ask, KafkaLog(settings.kafka)
            ),
            live.build_router(cases, feed),
            samples.build_router(cases, parts.objects),
            case.build_router(cases, RequestsClient(to_acts)),
            promote.build_router(cases, RequestsClient(to_promotions), profiles, catalog),
        ],
    )
    new_requests.install(api)
    verifier = TokenVerifier(
        KeyCache(keys_at(settings.jwks)),
        issuer=settings.issuer,
        audience=settings.audience,
        disabled=disabled,
        clock=parts.clock,
    )
    check_tokens(api, verifier)

    @asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        api.state.stopping = app.stopping
        await parts.prepare()
        await pages.prepare()
        await legacy.prepare()
        await contacts.prepare()
        await sessions.prepare()
        await disabled.refresh()
        app.supervise("disabled contacts", disabled.run())
        async with to_intake, to_case, to_services, to_profiles, to_acts, to_promotions, new_requests.running():
            yield
        await parts.close()

    return build_app(
        SERVICE,
        title=TITLE,
        version=VERSION,
        start=start,
        api=api,
        needs=[parts.needs_mongo],
        messaging=Consumers(
            parts.broker,
            inlet,
            parts.delivery,
            in_background=True,
            projection=Projection(pages, library),
            legacy=LegacyProjection(legacy, library),
            disabled=disabled,
        ),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
