from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from caseway_contracts.base import Event
from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.auth import KeyCache, TokenVerifier, check_tokens, keys_at
from caseway_kit.contacts import DisabledContacts, MongoContactRepository
from caseway_kit.messaging import Consumers
from caseway_kit.outbox import Relay
from caseway_kit.parts import Parts
from caseway_kit.sandbox import Sandbox
from caseway_kit.serving import serve
from caseway_kit.settings import load
from sample_analysis.clamd import Clamd
from sample_analysis.engine_client import BUDGET, PRELOAD, Engines
from sample_analysis.engines_api import build_router
from sample_analysis.examining import Examiner
from sample_analysis.handlers import build_inlet
from sample_analysis.mongo_jobs import MongoJobRepository
from sample_analysis.mongo_neighbours import MongoNeighbourRepository
from sample_analysis.mongo_pieces import MongoPieceRepository
from sample_analysis.mongo_results import MongoResultRepository
from sample_analysis.neighbours import Neighbours
from sample_analysis.reanalyses_api import build_reanalyses_router
from sample_analysis.reanalyzing import Reanalysis
from sample_analysis.scratch import Scratch
from sample_analysis.service import SERVICE, SampleAnalysis
from sample_analysis.settings import Settings
from sample_analysis.team_folder import TeamFolder

TITLE = "Caseway sample analysis"
VERSION = version("caseway-sample-analysis")
PARTITIONS = 8


def build(settings: Settings) -> ServiceApp:
    parts = Parts(SERVICE, settings)
    # Half of a piece's time is waiting for the store, MongoDB and Kafka: two pieces in hand keep a child at work.
    inlet, publish = build_inlet(settings.kinds, workers=min(PARTITIONS, 2 * settings.workers))
    scratch = Scratch(settings.scratch, parts.objects)
    sandbox = Sandbox(workers=settings.workers, scratch=scratch.folder, preload=[PRELOAD], ceiling=BUDGET)
    antivirus = Clamd(*settings.clamd_address) if settings.clamd else None
    engines = Engines(sandbox, antivirus=antivirus, spill_in=scratch.folder)
    team = _team_folder(settings.rules, sandbox, scratch, engines) if settings.rules else None
    reports = parts.database.collection("reports")
    relay = Relay(reports, publish, clock=parts.clock)
    pieces = MongoPieceRepository(reports)
    pieces.on_revised = relay.updated
    results = MongoResultRepository(parts.database.collection("results"), parts.clock)
    examiner = Examiner(objects=parts.objects, scratch=scratch, engines=engines, results=results)
    earlier = MongoNeighbourRepository(parts.database.collection("neighbours"))
    neighbours = Neighbours(repository=earlier, sandbox=sandbox)
    analysis = SampleAnalysis(
        pieces=pieces,
        results=results,
        objects=parts.objects,
        examiner=examiner,
        engines=engines,
        neighbours=neighbours,
        clock=parts.clock,
    )
    jobs = MongoJobRepository(parts.database.collection("reanalyses"), parts.database.collection("changes"))
    reanalysis = Reanalysis(
        jobs=jobs,
        pieces=pieces,
        examiner=examiner,
        engines=engines,
        objects=parts.objects,
        neighbours=neighbours,
        clock=parts.clock,
    )

    async def state_the_delay(event: Event, reason: str) -> None:
        await publish(await analysis.delayed(event, reason))

    async def state_the_end(event: Event) -> None:
        await publish(await analysis.dropped(event))

    parts.delivery.on_parked = state_the_delay
    parts.delivery.on_dropped = state_the_end

    api = build_api(title=TITLE, version=VERSION)
    api.include_router(build_router(engines, team))
    api.include_router(build_reanalyses_router(reanalysis=reanalysis, jobs=jobs, engines=engines, clock=parts.clock))
    keys = KeyCache(keys_at(settings.jwks))
    contacts = MongoContactRepository(parts.database.collection("disabled_contacts"))
    disabled = DisabledContacts(contacts)
    verifier = TokenVerifier(
        keys, issuer=settings.issuer, audience=settings.audience, disabled=disabled, clock=parts.clock
    )
    check_tokens(api, verifier)

    @asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        await parts.prepare()
        await pieces.prepare()
        await results.prepare()
        await earlier.prepare()
        await jobs.prepare()
        await contacts.prepare()
        await disabled.refresh()
        try:
            async with sandbox:
                await engines.prepare()
                if antivirus:
                    app.supervise("versions", engines.stay_up_to_date())
                if team:
                    await team.look()
                    app.supervise("rules of the teams", team.run())
                app.supervise("disabled contacts", disabled.run())
                app.relay("relay", relay)
                app.supervise("re-analysis", reanalysis.run())
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
        messaging=Consumers(parts.broker, inlet, parts.delivery, analysis=analysis, disabled=disabled),
        deadline=settings.start_deadline,
    )


def _team_folder(folder: Path, sandbox: Sandbox, scratch: Scratch, engines: Engines) -> TeamFolder:
    return TeamFolder(
        folder,
        sandbox=sandbox,
        scratch=scratch.folder,
        preload=[PRELOAD],
        budget=BUDGET,
        renewed=engines.prepare,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
