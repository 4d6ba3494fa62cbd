import asyncio
from collections.abc import MutableMapping

from caseway_kit.sandbox import scratch
from caseway_kit.sandbox.children import Worker
from caseway_kit.sandbox.watch import cpu_seconds

_EVERY_SECONDS = 1.0
_IDLE_CPU_SECONDS = 0.3


async def patrol(idle: MutableMapping[int, Worker]) -> None:
    """Ends idle children that still compute or write: code from an earlier job has stayed behind in them."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        for slot, worker in list(idle.items()):
            if not worker.alive:
                continue
            computes = cpu_seconds(worker.pid) - worker.cpu_when_idle > _IDLE_CPU_SECONDS
            if computes or not scratch.is_ready(worker.folder):
                del idle[slot]  # at once: no job may get a child that is about to die
                worker.kill()
                worker.connection.close()
