"""How many submissions an account may make a minute; each process counts for itself."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

ACCOUNTS_KEPT = 10_000


class RateLimit:
    def __init__(self, per_minute: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, account_id: str) -> float:
        """Zero when the account may go on; else the seconds after which it may."""
        now = self._monotonic()
        left, at = self._left.pop(account_id, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / 60)
        allowed = left >= 1
        self._left[account_id] = (left - 1 if allowed else left, now)
        if len(self._left) > ACCOUNTS_KEPT:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / self._most

    async def turn(self, account_id: str) -> None:
        """Wait until the account may go on: what comes in bulk is slowed down, not refused."""
        seconds = self.take(account_id)
        while seconds:
            await asyncio.sleep(seconds)
            seconds = self.take(account_id)
