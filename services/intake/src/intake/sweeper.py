"""Deletes what was uploaded and never became part of a case."""

import asyncio
from datetime import timedelta

import structlog

from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from intake.uploads import Claims, UploadRepository, Uploads

GRACE = timedelta(hours=1)
EVERY_SECONDS = 300.0
AT_ONCE = 100

log = structlog.get_logger()


class Sweeper:
    def __init__(self, repository: UploadRepository, uploads: Uploads, claims: Claims, clock: Clock) -> None:
        self._repository = repository
        self._uploads = uploads
        self._claims = claims
        self._clock = clock

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                while await self.sweep() == AT_ONCE:
                    pass
            except OutageError as outage:
                log.warning("the sweeper waits", part=outage.part)
            await asyncio.sleep(EVERY_SECONDS)

    async def sweep(self) -> int:
        """Sweep once; how many expired uploads were looked at."""
        # An hour after the last moment at which a case could have claimed it, no submission is under way any more.
        expired = await self._repository.expired(self._clock.now() - GRACE, AT_ONCE)
        claimed = await self._claims.claimed([upload.upload_id for upload in expired]) if expired else set()
        if claimed:
            await self._repository.keep(sorted(claimed))
        swept = [upload for upload in expired if upload.upload_id not in claimed]
        for upload in swept:
            await self._uploads.discard(upload)
        if swept:
            log.info("swept uploads", count=len(swept))
        return len(expired)
