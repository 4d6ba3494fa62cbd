"""SR numbers are taken from blocks that a majority has leased to this process; a crash leaves a gap."""

import asyncio
from typing import Protocol

from caseway_contracts.sr_numbers import format_sr
from caseway_kit.mongo import Collection, DuplicateKey

BLOCK = 500


class Blocks(Protocol):
    async def lease(self, region: str, count: int) -> int:
        """The first of ``count`` numbers that nobody else will ever get."""


class SrNumbers:
    def __init__(self, region: str, blocks: Blocks) -> None:
        self._region = region
        self._blocks = blocks
        self._next = 0
        self._end = 0
        self._leasing = asyncio.Lock()

    async def take(self) -> str:
        while self._next >= self._end:
            async with self._leasing:
                if self._next >= self._end:
                    first = await self._blocks.lease(self._region, BLOCK)
                    self._next, self._end = first, first + BLOCK
        number, self._next = self._next, self._next + 1
        return format_sr(self._region, number)

    def drop_block(self) -> None:
        """Its numbers were given out before (a database restored from a backup): go on with the next one."""
        self._next = self._end


class MongoBlocks:
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def lease(self, region: str, count: int) -> int:
        try:
            return await self._lease(region, count)
        except DuplicateKey:  # two processes made the region's first lease
            return await self._lease(region, count)

    async def _lease(self, region: str, count: int) -> int:
        leased = await self._collection.find_one_and_update({"_id": region}, {"$inc": {"leased": count}}, upsert=True)
        return int((leased or {})["leased"]) - count + 1
