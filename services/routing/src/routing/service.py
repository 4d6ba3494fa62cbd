"""Applies events to routes, each once, whatever their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from caseway_catalog import Catalog
from caseway_contracts.base import Event
from caseway_kit.clock import Clock
from caseway_kit.errors import InvalidEvent
from caseway_kit.messaging import Encoded, encode, event_digest
from routing.route import Route, Router


@dataclass(frozen=True)
class Applied:
    """An event that a route has taken: its digest, and what was stated because of it."""

    event_id: str
    digest: str
    stated: tuple[Encoded, ...]


@dataclass(frozen=True)
class Stored:
    """A route with its inbox; ``version`` counts its writes."""

    route: Route
    version: int = 0
    inbox: tuple[Applied, ...] = ()

    def applied(self, event: Event) -> Applied | None:
        return next((one for one in self.inbox if one.event_id == str(event.event_id)), None)


class RouteRepository(Protocol):
    async def find(self, sr_number: str) -> Stored | None:
        """The route of a case; raises OutageError."""

    async def save(self, stored: Stored) -> bool:
        """Write a route over the version before it (0: none). False: somebody else wrote meanwhile."""


class Routing:
    def __init__(self, routes: RouteRepository, *, catalog: Catalog, clock: Clock) -> None:
        self._routes = routes
        self._catalog = catalog
        self._clock = clock

    async def apply(self, event: Event) -> Sequence[Encoded]:
        """Take an event and give what is to be stated; a redelivered one gives the same bytes again."""
        while True:
            stored = await self._routes.find(event.key) or Stored(Route(sr_number=event.key))
            if known := stored.applied(event):
                if known.digest != event_digest(event):
                    raise InvalidEvent("the same event id with other facts")
                return known.stated
            changed, stated = self._applied(stored, event)
            if await self._routes.save(changed):
                return stated

    def _applied(self, stored: Stored, event: Event) -> tuple[Stored, tuple[Encoded, ...]]:
        router = Router(stored.route, event, catalog=self._catalog, now=self._clock.now())
        router.apply()
        stated = tuple(encode(fact, source="routing") for fact in router.facts)
        taken = Applied(str(event.event_id), event_digest(event), stated)
        return Stored(router.route, stored.version + 1, (*stored.inbox, taken)), stated
