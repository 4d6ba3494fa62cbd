from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from caseway_contracts.base import Event
from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.auth import KeyCache, TokenVerifier, check_tokens, keys_at
from caseway_kit.messaging import Consumers
from caseway_kit.parts import Parts
from caseway_kit.sandbox import Sandbox
from caseway_kit.serving import serve
from caseway_kit.settings import load
from sample_analysis.engine_client import BUDGET, PRELOAD, Engines
from sample_analysis.engines_api import build_router
from sample_analysis.handlers import build_inlet
from sample_analysis.mongo_pieces import MongoPieceRepository
from sample_analysis.mongo_results import MongoResultRepository
from sample_analysis.scratch import Scratch
from sample_analysis.service import SERVICE, SampleAnalysis
from sample_analysis.settings import Settings

TITLE = "Caseway sample analysis"
VERSION = version("caseway-sample-analysis")
PARTITIONS = 8


def build(settings: Settings) -> ServiceApp:
    parts = Parts(SERVICE, settings)
    # Half of a piece's time is waiting for the store, MongoDB and Kafka: two pieces in hand keep a child at work.
    inlet, publish = build_inlet(settings.kinds, workers=min(PARTITIONS, 2 * settings.workers))
    scratch = Scratch(settings.scratch, parts.objects)
    sandbox = Sandbox(workers=settings.workers, scratch=scratch.folder, preload=[PRELOAD], ceiling=BUDGET)
    engines = Engines(sandbox)
    pieces = MongoPieceRepository(parts.database.collection("reports"))
    results = MongoResultRepository(parts.database.collection("results"), parts.clock)
    analysis = SampleAnalysis(
        pieces=pieces, results=results, objects=parts.objects, scratch=scratch, engines=engines, clock=parts.clock
    )

    async def state_the_delay(event: Event, reason: str) -> None:
        await publish(await analysis.delayed(event, reason))

    async def state_the_end(event: Event) -> None:
        await publish(await analysis.dropped(event))

    parts.delivery.on_parked = state_the_delay
    parts.delivery.on_dropped = state_the_end

    api = build_api(title=TITLE, version=VERSION)
    api.include_router(build_router(engines))
    keys = KeyCache(keys_at(settings.jwks))
    check_tokens(api, TokenVerifier(keys, issuer=settings.issuer, audience=settings.audience, clock=parts.clock))

    @asynccontextmanager
    async def start(_: ServiceApp) -> AsyncIterator[None]:
        await parts.prepare()
        await pieces.prepare()
        await results.prepare()
        try:
            async with sandbox:
                await engines.prepare()
                yield
        finally:
            scratch.close()
            await parts.close()

    return build_app(
        SERVICE,
        title=TITLE,
        version=VERSION,
        start=start,
        api=api,
        needs=[parts.needs_mongo, parts.needs_kafka, parts.needs_objects],
        messaging=Consumers(parts.broker, inlet, parts.delivery, analysis=analysis),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
