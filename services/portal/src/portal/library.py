"""Sheets and reports as they stand in the object store, kept for a while: they never change."""

import asyncio
from collections import OrderedDict
from typing import Protocol, TypeVar

import structlog

from caseway_contracts.base import Contract, ObjectRef
from caseway_kit.objects import ObjectDamaged, ObjectMissing

MOST_BYTES = 16 * 1024 * 1024
MOST_READS = 16

Model = TypeVar("Model", bound=Contract)

_log = structlog.stdlib.get_logger("portal.library")


class ObjectSource(Protocol):
    async def get_json(self, ref: ObjectRef, model: type[Model]) -> Model:
        """Raises ObjectMissing, ObjectDamaged, OutageError."""


class Library:
    """A cache that is bounded by the size of what it read."""

    def __init__(self, objects: ObjectSource, *, most_bytes: int = MOST_BYTES) -> None:
        self._objects = objects
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, tuple[int, Contract]] = OrderedDict()
        self._bytes = 0
        self._reads = asyncio.Semaphore(MOST_READS)

    async def read(self, ref: ObjectRef, model: type[Model]) -> Model | None:
        """None: the object was erased, or can't be trusted; raises OutageError while the store is away."""
        if (kept := self._kept.get(ref.key)) is not None and isinstance(kept[1], model):
            self._kept.move_to_end(ref.key)
            return kept[1]
        try:
            async with self._reads:
                found = await self._objects.get_json(ref, model)
        except ObjectMissing:
            return None
        except ObjectDamaged:
            _log.exception("an object is damaged", key=ref.key)
            return None
        self._keep(ref, found)
        return found

    def forget(self, prefix: str) -> None:
        """Drop what was read from below a prefix."""
        for key in [key for key in self._kept if key.startswith(prefix)]:
            self._bytes -= self._kept.pop(key)[0]

    def _keep(self, ref: ObjectRef, found: Contract) -> None:
        if ref.key in self._kept:
            self._bytes -= self._kept.pop(ref.key)[0]
        self._kept[ref.key] = ref.size, found
        self._bytes += ref.size
        while self._bytes > self._most_bytes:
            self._bytes -= self._kept.popitem(last=False)[1][0]
