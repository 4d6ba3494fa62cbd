import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from typing import Self

from caseway_kit.sandbox import scratch
from caseway_kit.sandbox.budget import Budget
from caseway_kit.sandbox.children import Worker
from caseway_kit.sandbox.errors import SandboxLimit

_LOOK_EVERY = 0.1


class Watch:
    """Looks from outside at what a child can't be trusted to count: its CPU time, and all that it writes together."""

    def __init__(self, worker: Worker, budget: Budget, files: Sequence[int]) -> None:
        self._worker = worker
        self._files = files
        self._budget = budget
        self._limit: SandboxLimit | None = None

    async def __aenter__(self) -> Self:
        self._cpu_before = cpu_seconds(self._worker.pid)
        # Most jobs end before the first look, so a timer is all that they pay.
        self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY, self._begin)
        self._task: asyncio.Task[None] | None = None
        return self

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._task:
            self._task.cancel()

    def raise_if_tripped(self) -> None:
        if self._limit:
            raise self._limit

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while self._worker.alive:
            self._limit = self._cpu() or await self._written()
            if self._limit:
                self._worker.kill()
                return
            await asyncio.sleep(_LOOK_EVERY)

    def _cpu(self) -> SandboxLimit | None:
        if cpu_seconds(self._worker.pid) - self._cpu_before > self._budget.cpu_seconds:
            return SandboxLimit("cpu_seconds", f"stopped after {self._budget.cpu_seconds:g} seconds of CPU time")
        return None

    async def _written(self) -> SandboxLimit | None:
        # What was given to it is among the child's deleted files where it has no name. An output has its own limit,
        # that of any one file; it is not scratch space.
        given = sum(found.st_blocks for file in self._files if not (found := os.fstat(file)).st_nlink) * 512
        size, count = scratch.deleted_bytes(self._worker.pid) - given, 0
        with contextlib.suppress(OSError):  # in a folder that is gone nothing can be written
            if scratch.holds_something(self._worker.folder):
                most = self._budget.written_bytes
                named, count = await asyncio.to_thread(scratch.measure, self._worker.folder, enough=most)
                size += named
        if size > self._budget.written_bytes:
            return SandboxLimit("written_bytes", "more was written than allowed")
        if count > scratch.MOST_FILES:
            return SandboxLimit("written_bytes", f"more than {scratch.MOST_FILES} files were written")
        return None


def cpu_seconds(pid: int) -> float:
    # The kernel's own clock of another process: its number is made of the process id (clock_getcpuclockid(3)).
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:  # it has ended
        return 0.0
