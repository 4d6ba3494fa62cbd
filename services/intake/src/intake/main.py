from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from caseway_catalog import load as load_catalog
from caseway_contracts.clients import ProfilesClient
from caseway_kit.app import ServiceApp, build_app
from caseway_kit.auth import KeyCache, TokenVerifier, check_tokens, keys_at
from caseway_kit.messaging import Consumers, Encoded, emit
from caseway_kit.parts import Parts
from caseway_kit.sandbox import Sandbox
from caseway_kit.serving import serve
from caseway_kit.settings import load
from intake import api
from intake.checks import Checks
from intake.handlers import cases, inlet
from intake.legacy import Legacy
from intake.members import SandboxMembers
from intake.mongo_cases import MongoCaseRepository
from intake.mongo_legacy import MongoLegacyRepository
from intake.mongo_profile_facts import MongoLearnedRepository
from intake.mongo_uploads import MongoUploadRepository
from intake.pace import Pace
from intake.peeking import RememberingPeek, SandboxPeek
from intake.profile_facts import ProfileFacts
from intake.profiles_cache import ProfilesCache, fetch_from
from intake.promoting import Promoting
from intake.rate_limit import RateLimit
from intake.scratch import Scratch
from intake.settings import Settings
from intake.sr_blocks import MongoBlocks, SrNumbers
from intake.submitting import Submitting
from intake.sweeper import Sweeper
from intake.turns import Turns
from intake.updating import Updating
from intake.uploads import Quota, Uploads


async def publish(events: Sequence[Encoded]) -> None:
    await emit(cases, *events)


def build(settings: Settings) -> ServiceApp:
    parts = Parts("intake", settings)
    database, clock, catalog = parts.database, parts.clock, load_catalog()
    stored = MongoCaseRepository(database.collection("cases"), publish, parts.objects, clock)
    imported = MongoLegacyRepository(database.collection("legacy_requests"), publish, parts.objects, clock)
    known_uploads = MongoUploadRepository(database.collection("uploads"))
    learned = MongoLearnedRepository(database.collection("profile_facts"))
    http = httpx.AsyncClient(base_url=settings.profiles_url, timeout=3, trust_env=False)
    profiles = ProfilesCache(fetch_from(ProfilesClient(http)))
    facts = ProfileFacts(learned, profiles, clock)
    scratch = Scratch(settings.scratch)
    sandbox = Sandbox(
        workers=settings.sandbox_workers, scratch=scratch.sandbox, preload=["caseway_kit.peek", "intake.taking"]
    )
    checks = Checks(catalog, RememberingPeek(SandboxPeek(sandbox, parts.objects, scratch.fetched)))
    uploads = Uploads(
        known_uploads,
        parts.objects,
        stored,
        clock,
        largest=catalog.limits.file_bytes,
        quota=Quota(settings.unclaimed_uploads, settings.unclaimed_bytes),
    )
    submitting = Submitting(
        settings.region,
        cases=stored,
        numbers=SrNumbers(settings.region, MongoBlocks(database.collection("sr_blocks"))),
        checks=checks,
        profiles=profiles,
        uploads=known_uploads,
        clock=clock,
    )
    routes = api.build()
    routes.state.parts = api.Parts(
        catalog=catalog,
        uploads=uploads,
        submitting=submitting,
        updating=Updating(cases=stored, checks=checks, uploads=known_uploads, clock=clock),
        promoting=Promoting(
            cases=stored,
            submitting=submitting,
            uploads=uploads,
            members=SandboxMembers(sandbox, parts.objects, scratch.fetched),
            turns=Turns(max(1, settings.sandbox_workers - 1)),
        ),
        legacy=Legacy(settings.region, requests=imported, clock=clock),
        rate=RateLimit(settings.submissions_per_minute),
        pace=Pace(max(1, settings.submissions_per_minute // 60)),
        check_rate=RateLimit(settings.submissions_per_minute),
    )
    keys = KeyCache(keys_at(settings.jwks))
    verifier = TokenVerifier(
        keys, issuer=settings.issuer, audience=settings.audience, disabled=facts.disabled, clock=clock
    )
    check_tokens(routes, verifier)

    @asynccontextmanager
    async def start(app: ServiceApp) -> AsyncIterator[None]:
        scratch.make()
        await parts.prepare()
        for kept in (stored, imported, known_uploads, learned):
            await kept.prepare()
        await facts.load()
        app.relay("relay", stored.relay)
        app.relay("relay of imports", imported.relay)
        app.supervise("sweeper", Sweeper(known_uploads, uploads, stored, clock).run())
        app.supervise("profile facts", facts.run())
        async with sandbox, http:
            yield
        await parts.close()

    return build_app(
        "intake",
        title=api.TITLE,
        version=api.VERSION,
        start=start,
        api=routes,
        needs=[parts.needs_mongo, parts.needs_objects],
        messaging=Consumers(parts.broker, inlet, parts.delivery, in_background=True, facts=facts),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
