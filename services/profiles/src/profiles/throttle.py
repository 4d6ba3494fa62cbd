"""Guessing a password gets slower with each failure; nobody else is held up by it.

Failures are counted per e-mail address and network address together, so that a stranger's guesses do not lock the
owner out. An attempt is counted before its password is looked at: parallel guesses gain nothing.
"""

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

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

    async def attempt(self, who: str, address: str) -> str:
        """Count an attempt, and give its id for :meth:`succeeded`; raises a 429 Problem while it has to wait."""
        attempts_id = hashlib.sha256(f"{who}\n{network(address)}".encode()).hexdigest()
        while True:
            now = self._clock.now()
            before = await self._attempts.find(attempts_id)
            if before is not None and before.open_at > now:
                seconds = math.ceil((before.open_at - now).total_seconds())
                raise Problem.too_many(seconds, "Too many failed attempts to sign in; wait a little.")
            count = before.count + 1 if before else 1
            after = Attempts(attempts_id, count, now + wait_after(count), now + FORGOTTEN_AFTER)
            if await self._attempts.save(after):
                return attempts_id

    async def succeeded(self, attempts_id: str) -> None:
        await self._attempts.forget(attempts_id)


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
