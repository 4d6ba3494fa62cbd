"""What the pages of a new request need, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter, FastAPI

from caseway_catalog import Catalog
from caseway_contracts.clients import ProfilesClient, RatingsClient, RequestsClient
from caseway_kit.clock import Clock
from caseway_kit.mongo import Collection
from portal.pages import new_request, uploads
from portal.pages.streamed import Streaming
from portal.requests.desk import Desk
from portal.requests.drafts import Drafts
from portal.requests.mongo_drafts import MongoDraftRepository
from portal.requests.offered import OfferedCatalog
from portal.settings import Settings

RATINGS_TIMEOUT = httpx.Timeout(15.0, connect=2.0)
# The last piece of a large upload is answered when all of it is joined and hashed.
INTAKE_TIMEOUT = httpx.Timeout(120.0, connect=2.0)


class RequestParts:
    def __init__(
        self, settings: Settings, *, state: Collection, clock: Clock, profiles: ProfilesClient, catalog: Catalog
    ) -> None:
        self._to_intake = httpx.AsyncClient(base_url=settings.intake_url, timeout=INTAKE_TIMEOUT, trust_env=False)
        self._to_ratings = httpx.AsyncClient(base_url=settings.url_rating_url, timeout=RATINGS_TIMEOUT, trust_env=False)
        self._kept = MongoDraftRepository(state)
        self._catalog = catalog
        self._intake = RequestsClient(self._to_intake)
        drafts = Drafts(self._kept, clock)
        desk = Desk(
            intake=self._intake,
            directory=profiles,
            ratings=RatingsClient(self._to_ratings),
            drafts=drafts,
            offered=OfferedCatalog(self._intake, catalog),
        )
        self.routers: list[APIRouter] = [
            *new_request.build_routers(desk, drafts, profiles, catalog),
            uploads.build_router(self._intake),
        ]

    def install(self, api: FastAPI) -> None:
        api.state.streaming = Streaming(self._intake, largest=self._catalog.limits.file_bytes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self._kept.prepare()
        async with self._to_intake, self._to_ratings:
            yield
