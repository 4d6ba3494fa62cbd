"""Guessing a password gets slower with each failure; nobody else is held up by it.

Failures are counted per e-mail address and network address together, so that a stranger's guesses do not lock the
owner out. An attempt is counted before its password is looked at, so parallel guesses gain nothing; attempts of one
pair take turns in a process, so that one person's many good sign-ins at a time are not taken for guesses.
"""

import asyncio
import hashlib
import ipaddress
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from caseway_kit.clock import Clock
from caseway_kit.problems import Problem

FREE_ATTEMPTS = 10
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Attempts:
    """Attempts of one person from one place that were not followed by a good one."""

    id: str
    count: int
    open_at: datetime
    forgotten_at: datetime


class AttemptRepository(Protocol):
    async def find(self, attempts_id: str) -> Attempts | None: ...

    async def save(self, attempts: Attempts) -> bool:
        """Write over the count before it; False: somebody else counted meanwhile."""

    async def forget(self, attempts_id: str) -> None: ...


class Throttle:
    def __init__(self, attempts: AttemptRepository, clock: Clock) -> None:
        self._attempts = attempts
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, who: str, address: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Around one attempt; gives what to call when it was a good one. Raises a 429 Problem while it has to wait."""
        attempts_id = hashlib.sha256(f"{who}\n{network(address)}".encode()).hexdigest()

        async def good() -> None:
            await self._attempts.forget(attempts_id)

        turn = self._turns.setdefault(attempts_id, asyncio.Lock())
        async with turn:
            await self._count(attempts_id)
            yield good

    async def _count(self, attempts_id: str) -> None:
        while True:
            now = self._clock.now()
            before = await self._attempts.find(attempts_id)
            if before is not None and before.open_at > now:
                seconds = math.ceil((before.open_at - now).total_seconds())
                raise Problem.too_many(seconds, "Too many failed attempts to sign in; wait a little.")
            count = before.count + 1 if before else 1
            after = Attempts(attempts_id, count, now + wait_after(count), now + FORGOTTEN_AFTER)
            if await self._attempts.save(after):
                return


def wait_after(count: int) -> timedelta:
    if count < FREE_ATTEMPTS:
        return timedelta(0)
    doublings: int = 2 ** min(count - FREE_ATTEMPTS, 10)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


def network(address: str) -> str:
    """The address, or for IPv6 the /64 that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
