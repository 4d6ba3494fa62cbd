from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from caseway_catalog import load as load_catalog
from caseway_kit.app import ServiceApp, build_app
from caseway_kit.messaging import Consumers
from caseway_kit.parts import Parts
from caseway_kit.serving import serve
from caseway_kit.settings import load
from routing.handlers import inlet
from routing.mongo_routes import MongoRouteRepository
from routing.service import Routing
from routing.settings import Settings


def build(settings: Settings) -> ServiceApp:
    parts = Parts("routing", settings)
    routing = Routing(
        MongoRouteRepository(parts.database.collection("routes")), catalog=load_catalog(), clock=parts.clock
    )

    @asynccontextmanager
    async def start(_: ServiceApp) -> AsyncIterator[None]:
        await parts.prepare()
        yield
        await parts.close()

    return build_app(
        "routing",
        title="Caseway routing",
        version=version("caseway-routing"),
        start=start,
        needs=[parts.needs_mongo, parts.needs_kafka],
        messaging=Consumers(parts.broker, inlet, parts.delivery, routing=routing),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
