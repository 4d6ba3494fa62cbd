import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Literal

from caseway_embedded.data_dir import StackError
from caseway_embedded.parts.base import Part
from caseway_embedded.processes import Process, last_lines

FIRST_WAIT = 0.2
LONGEST_WAIT = 10.0
# Living this long after it was ready clears what a part did before.
HEALTHY_AFTER = 10.0
DEATHS_BEFORE_READY = 3

What = Literal["starting", "ready", "died"]
Report = Callable[[str, What, str], None]


class PartFailed(StackError):
    def __init__(self, part: Part, why: str) -> None:
        log = part.data.log(part.name)
        super().__init__(f"{part.name} {why}. Its last lines, from {log}:\n{last_lines(log)}")


class Keeper:
    """Keeps one part alive: starts it, watches its readiness, starts it again on the same port when it dies."""

    def __init__(self, part: Part, report: Report) -> None:
        self.part = part
        self.ready = False
        self._report = report
        self._deaths = 0
        self._was_ready = asyncio.Event()
        self._gave_up = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, deadline: float) -> None:
        """Returns when the part is ready for the first time; raises PartFailed when that can't be reached."""
        self._report(self.part.name, "starting", "")
        await self.part.prepare()
        self._task = asyncio.create_task(self._keep())
        waiting = {asyncio.create_task(event.wait()) for event in (self._was_ready, self._gave_up)}
        try:
            await asyncio.wait({*waiting, self._task}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiting:
                waiter.cancel()
        if self._task.done():
            self._task.result()
        if self._gave_up.is_set():
            raise PartFailed(self.part, f"died {self._deaths} times before it was ready")
        if not self._was_ready.is_set():
            raise PartFailed(self.part, f"is not ready after {deadline:.0f} s")

    async def stop(self) -> None:
        self._stopping.set()
        await self.part.stop()
        while self._task and not self._task.done():
            # A start that was under way when the stop came has its process only now.
            await asyncio.wait({self._task}, timeout=0.1)
            await self.part.stop()
        self.ready = False

    async def _keep(self) -> None:
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            process = await self.part.start()
            lived = await self._watch_until_death(process)
            if self._stopping.is_set():
                return
            if lived >= HEALTHY_AFTER:
                wait = FIRST_WAIT
            self._deaths += 1
            self._report(self.part.name, "died", f"exit code {process.exit_code}, starting again in {wait:g} s")
            if not self._was_ready.is_set() and self._deaths >= DEATHS_BEFORE_READY:
                self._gave_up.set()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _watch_until_death(self, process: Process) -> float:
        """How long it was alive after it was ready; 0 when it never was."""
        started = time.monotonic()
        ready_at: float | None = None
        death = asyncio.create_task(process.wait())
        while not death.done():
            self.ready = await self._probe(death)
            if self.ready and ready_at is None:
                ready_at = time.monotonic()
                self._was_ready.set()
                self._report(self.part.name, "ready", f"{ready_at - started:.1f} s")
            await asyncio.wait({death}, timeout=1.0 if self.ready else 0.1)
        self.ready = False
        await process.stop(0)  # what it left running, for instance a sandbox
        return time.monotonic() - ready_at if ready_at else 0.0

    async def _probe(self, death: asyncio.Task[int]) -> bool:
        # Not merely awaited: the question to a process that dies meanwhile may take its time-out to fail.
        probe = asyncio.create_task(self.part.ready())
        try:
            await asyncio.wait({probe, death}, return_when=asyncio.FIRST_COMPLETED)
            return probe.done() and probe.result()
        finally:
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
