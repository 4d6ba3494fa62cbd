from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from caseway_catalog import load as load_catalog
from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.auth import KeyCache, TokenVerifier, check_tokens, keys_at
from caseway_kit.contacts import DisabledContacts, MongoContactRepository
from caseway_kit.messaging import Consumers
from caseway_kit.parts import Parts
from caseway_kit.serving import serve
from caseway_kit.settings import load
from routing.api import build_router
from routing.handlers import inlet
from routing.mongo_desk import MongoDesk
from routing.mongo_routes import MongoRouteRepository
from routing.service import Routing
from routing.settings import Settings

TITLE = "Caseway routing"
VERSION = version("caseway-routing")


def build(settings: Settings) -> ServiceApp:
    parts = Parts("routing", settings)
    catalog = load_catalog()
    collection = parts.database.collection("routes")
    routing = Routing(MongoRouteRepository(collection), catalog=catalog, clock=parts.clock)
    desk = MongoDesk(collection)

    api = build_api(title=TITLE, version=VERSION)
    api.include_router(build_router(desk=desk, catalog=catalog))
    contacts = MongoContactRepository(parts.database.collection("disabled_contacts"))
    disabled = DisabledContacts(contacts)
    keys = KeyCache(keys_at(settings.jwks))
    verifier = TokenVerifier(
        keys, issuer=settings.issuer, audience=settings.audience, disabled=disabled, clock=parts.clock
    )
    check_tokens(api, verifier)

    @asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        await parts.prepare()
        await desk.prepare()
        await contacts.prepare()
        await disabled.refresh()
        app.supervise("disabled contacts", disabled.run())
        yield
        await parts.close()

    return build_app(
        "routing",
        title=TITLE,
        version=VERSION,
        start=start,
        api=api,
        needs=[parts.needs_mongo, parts.needs_kafka],
        messaging=Consumers(parts.broker, inlet, parts.delivery, routing=routing, disabled=disabled),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
