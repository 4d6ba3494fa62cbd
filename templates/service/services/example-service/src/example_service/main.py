import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from caseway_contracts.base import Event
from caseway_kit.app import ServiceApp, build_app
from caseway_kit.messaging import Consumers, emit
from caseway_kit.parts import Parts
from caseway_kit.sandbox import Sandbox
from caseway_kit.serving import serve
from caseway_kit.settings import load
from example_service.engine import BUDGET, PARSER, SandboxEngine
from example_service.handlers import analyses, inlet
from example_service.mongo_pieces import MongoPieceRepository
from example_service.service import SERVICE, Analysis
from example_service.settings import Settings


def build(settings: Settings, scratch: Path) -> ServiceApp:
    parts = Parts(SERVICE, settings)
    sandbox = Sandbox(workers=settings.workers, scratch=scratch, preload=[PARSER], ceiling=BUDGET)
    analysis = Analysis(
        pieces=MongoPieceRepository(parts.database.collection("pieces")),
        engine=SandboxEngine(sandbox, parts.objects, scratch),
        objects=parts.objects,
        clock=parts.clock,
    )

    async def state_the_delay(event: Event, reason: str) -> None:
        await emit(analyses, *await analysis.delayed(event, reason))

    async def state_the_end(event: Event) -> None:
        await emit(analyses, *await analysis.dropped(event))

    parts.delivery.on_parked = state_the_delay
    parts.delivery.on_dropped = state_the_end

    @asynccontextmanager
    async def start(_: ServiceApp) -> AsyncIterator[None]:
        await parts.prepare()
        async with sandbox:
            yield
        await parts.close()

    return build_app(
        SERVICE,
        title="Caseway example service",
        version=version("caseway-example-service"),
        start=start,
        needs=[parts.needs_mongo, parts.needs_kafka, parts.needs_objects],
        messaging=Consumers(parts.broker, inlet, parts.delivery, analysis=analysis),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    with tempfile.TemporaryDirectory(prefix="caseway-example-service-") as scratch:
        serve(build(settings, Path(scratch)), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
