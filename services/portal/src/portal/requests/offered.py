"""The catalogue that intake validates with now: a category that a team adds there is offered here without a restart."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from caseway_catalog import Catalog
from caseway_catalog.offered import offered
from caseway_contracts.clients import Refused, ServiceAway

FRESH_SECONDS = 30.0

_log = structlog.stdlib.get_logger("portal.requests")


class CatalogSource(Protocol):
    async def catalog(self, known: str | None = None) -> tuple[str, dict[str, Any]] | None:
        """None when it is the one that is known by its ETag."""


class OfferedCatalog:
    def __init__(
        self, source: CatalogSource, first: Catalog, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._catalog = first
        self._tag: str | None = None
        self._monotonic = monotonic
        self._asked_at = -FRESH_SECONDS

    async def current(self) -> Catalog:
        """The last one that is known while intake is away, or serves what can't be read here."""
        if self._monotonic() - self._asked_at >= FRESH_SECONDS:
            self._asked_at = self._monotonic()
            await self._ask()
        return self._catalog

    def is_old(self) -> None:
        """Intake has another one."""
        self._asked_at = -FRESH_SECONDS

    async def _ask(self) -> None:
        try:
            served = await self._source.catalog(self._tag)
            if served is not None:
                tag, content = served
                self._catalog, self._tag = offered(content), tag
        except (ServiceAway, Refused) as away:
            _log.warning("the catalogue is not asked for", why=str(away))
        except ValueError as error:
            _log.error("intake serves a catalogue that is not understood", why=str(error)[:300])
