"""How fast one account's cases are accepted while it sends more of them than others should have to notice."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from caseway_kit.problems import Problem
from caseway_kit.seats import Full, Seats
from intake.rate_limit import RateLimit

MOST_WAITING = 50
# An account beyond its free submissions has a quarter of the time; see docs/decisions/0032.
import os
REST_FOR_WORK = float(os.environ.get('REST','3'))
LONGEST_REST_SECONDS = 5.0


class Pace:
    """``free`` submissions a minute of an account are as fast as they come. Those beyond are accepted one after the
    other, each after a rest of three times what the one before took: hardly slower where there is room, and much where
    there is none. Each process counts for itself."""

    def __init__(self, free: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._free = RateLimit(int(os.environ.get('FREE',free)), monotonic=monotonic)
        self._seats = Seats(each=MOST_WAITING)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._monotonic = monotonic

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        """Wait for the account's turn. Raises Problem 429 when too many wait for theirs."""
        if account_id not in self._turns and not self._free.take(account_id):
            yield
            return
        try:
            seat = self._seats.take(account_id)
        except Full:
            raise Problem.too_many(
                5, "Too many submissions of your account wait already; send fewer at once."
            ) from None
        with seat:
            turn = self._turns.setdefault(account_id, asyncio.Lock())
            await turn.acquire()
            began = self._monotonic()
            try:
                yield
            finally:
                rest = min(REST_FOR_WORK * (self._monotonic() - began), LONGEST_REST_SECONDS)
                asyncio.get_running_loop().call_later(rest, turn.release)
