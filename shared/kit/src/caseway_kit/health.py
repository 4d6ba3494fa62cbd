"""What runs, what is needed and what is away: the sources of ``/livez`` and ``/readyz``."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import structlog

State = Literal["running", "paused", "stopped"]

FIRST_WAIT = 0.2
LONGEST_WAIT = 5.0
CHECK_TIMEOUT = 5.0
READY_TIMEOUT = 2.0

_log = structlog.stdlib.get_logger("caseway.health")


class Messaging(Protocol):
    """The Kafka side of a service."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Takes no more messages, and returns when those in work are done."""

    def states(self) -> dict[str, State]:
        """Each subscriber by name; "paused" means on purpose."""


@dataclass(frozen=True)
class Need:
    """A part that the service can't work without; ``check`` raises while it is away."""

    name: str
    check: Callable[[], Awaitable[object]]

    async def away(self, within: float) -> Exception | None:
        try:
            async with asyncio.timeout(within):
                await self.check()
        except Exception as error:
            return error
        return None


class Health:
    def __init__(self, messaging: Messaging | None = None) -> None:
        self.messaging = messaging
        self.stopping = False
        self._needs: dict[str, Need] = {}
        self._waiting_for: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def waiting_for(self) -> list[str]:
        return sorted(self._waiting_for)

    async def wait_for(self, needs: Iterable[Need]) -> None:
        """Return when all ``needs`` are there; from then on readiness watches them."""
        await asyncio.gather(*(self._wait_for(need) for need in needs))

    async def _wait_for(self, need: Need) -> None:
        self._needs[need.name] = need
        self._waiting_for.add(need.name)
        wait = FIRST_WAIT
        while (error := await need.away(CHECK_TIMEOUT)) is not None:
            _log.warning("waiting for a part that is away", part=need.name, seconds=wait, says=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        self._waiting_for.discard(need.name)

    def supervise(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Run ``work``, which never ends by itself, in the background; when it does, liveness turns red."""

        async def run() -> None:
            try:
                await work
            except Exception:
                _log.exception("background task died", task=name)
            else:
                _log.error("background task ended", task=name)

        if name in self._tasks:
            work.close()
            raise ValueError(f"there is a background task {name} already")
        self._tasks[name] = asyncio.create_task(run(), name=name)

    async def stop_tasks(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def running(self) -> dict[str, State]:
        """Every background task and subscriber."""
        states: dict[str, State] = {name: "stopped" if task.done() else "running" for name, task in self._tasks.items()}
        return states | (self.messaging.states() if self.messaging else {})

    def live(self) -> bool:
        return "stopped" not in self.running().values()

    async def checks(self) -> dict[str, str]:
        """Each need ("ok" or "away") and each background task and subscriber with its state."""
        needs = list(self._needs.values())
        errors = await asyncio.gather(*(need.away(READY_TIMEOUT) for need in needs))
        for need, error in zip(needs, errors, strict=True):
            if error is not None:
                _log.warning("a part is away", part=need.name, says=str(error))
        found = {need.name: "ok" if error is None else "away" for need, error in zip(needs, errors, strict=True)}
        return found | dict(self.running()) | ({"service": "stopping"} if self.stopping else {})
