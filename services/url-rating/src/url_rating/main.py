from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from caseway_catalog import load as load_catalog
from caseway_contracts.base import Event
from caseway_kit.app import ServiceApp, build_api, build_app
from caseway_kit.auth import KeyCache, TokenVerifier, check_tokens, keys_at
from caseway_kit.contacts import DisabledContacts, MongoContactRepository
from caseway_kit.messaging import Consumers, Encoded, emit, event_digest
from caseway_kit.outbox import Relay
from caseway_kit.parts import Parts
from caseway_kit.serving import serve
from caseway_kit.settings import load
from url_rating import heuristics
from url_rating.api import build_router
from url_rating.decisions import Decisions
from url_rating.entries_before_tables import converting
from url_rating.handlers import inlet, ratings
from url_rating.heuristics import Heuristics
from url_rating.imports import ListImport
from url_rating.list_store import StoredLists
from url_rating.lists_api import build_lists_router
from url_rating.lookup import Lookup
from url_rating.mongo_lots import MongoChangeLog, MongoLotRepository
from url_rating.mongo_overrides import MongoOverrideRepository
from url_rating.mongo_ratings import MongoRatingRepository
from url_rating.mongo_reclassifications import MongoReclassificationRepository
from url_rating.mongo_told import MongoTold
from url_rating.overrides import AllOverrides, Overriding
from url_rating.overrides_api import build_overrides_router
from url_rating.popularity import Popularity
from url_rating.revising import Revising
from url_rating.seed import plant
from url_rating.service import SERVICE, UrlRating
from url_rating.settings import Settings
from url_rating.sources import Sources, bundled
from url_rating.verdicts import Verdicts

TITLE = "Caseway URL rating"
VERSION = version("caseway-url-rating")


def build(settings: Settings) -> ServiceApp:
    parts = Parts(SERVICE, settings)
    catalog = load_catalog()
    verdicts = Verdicts(catalog, Heuristics(heuristics.bundled()))

    async def publish(events: Sequence[Encoded]) -> None:
        await emit(ratings, *events)

    requests_collection = parts.database.collection("reclassifications")
    relay = Relay(requests_collection, publish, clock=parts.clock)
    requests = MongoReclassificationRepository(requests_collection, relay)
    lists = StoredLists(parts.database, parts.objects, parts.clock, scratch=settings.scratch)
    rated = MongoRatingRepository(parts.database)
    overrides = MongoOverrideRepository(parts.database)
    lookup = Lookup(
        lists=lists,
        overrides=AllOverrides(overrides=overrides, decided=requests, clock=parts.clock),
        verdicts=verdicts,
    )
    popularity = Popularity(rated)
    overriding = Overriding(overrides=overrides, popularity=popularity, verdicts=verdicts, clock=parts.clock)
    imports = ListImport(lists=lists, sources=Sources(bundled(), catalog))
    decisions = Decisions(requests=requests, popularity=popularity, verdicts=verdicts, clock=parts.clock)
    lots_collection = parts.database.collection("lots")
    lots_relay = Relay(lots_collection, publish, clock=parts.clock)
    lots = MongoLotRepository(lots_collection, parts.database.collection("sightings"), lots_relay)
    changes = MongoChangeLog(parts.database, parts.clock)
    told = MongoTold(parts.database.collection("told"))
    rating = UrlRating(
        lookup=lookup,
        ratings=rated,
        lots=lots,
        told=told,
        reclassifications=requests,
        popularity=popularity,
        objects=parts.objects,
        clock=parts.clock,
    )
    revising = Revising(
        lots=lots,
        changes=changes,
        told=told,
        lookup=lookup,
        requests=requests,
        objects=parts.objects,
        clock=parts.clock,
    )

    async def state_the_delay(event: Event, reason: str) -> None:
        if delayed := await rating.delayed(event, reason):
            await emit(ratings, delayed)

    async def state_as_dropped(event: Event) -> None:
        await emit(ratings, *await rating.dropped(event, event_digest(event)))

    parts.delivery.on_parked = state_the_delay
    parts.delivery.on_dropped = state_as_dropped

    api = build_api(title=TITLE, version=VERSION)
    api.include_router(build_router(lookup=lookup, decisions=decisions))
    api.include_router(build_overrides_router(overriding))
    api.include_router(build_lists_router(imports=imports, lists=lists))
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
        await requests.prepare()
        await rated.prepare()
        await overrides.prepare()
        await lots.prepare()
        await contacts.prepare()
        await disabled.refresh()
        await changes.prepare()
        await told.prepare()
        await plant(lists, imports)
        app.relay("relay", relay)
        app.relay("lots relay", lots_relay)
        # Millions of entries take longer than a start may.
        app.supervise("entries before tables", converting(parts.database, lists))
        app.supervise("revising", revising.run())
        app.supervise("disabled contacts", disabled.run())
        yield
        lists.close()
        await parts.close()

    return build_app(
        SERVICE,
        title=TITLE,
        version=VERSION,
        start=start,
        api=api,
        needs=[parts.needs_mongo, parts.needs_kafka, parts.needs_objects],
        messaging=Consumers(parts.broker, inlet, parts.delivery, rating=rating, disabled=disabled),
        deadline=settings.start_deadline,
    )


def main() -> None:
    settings = load(Settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
