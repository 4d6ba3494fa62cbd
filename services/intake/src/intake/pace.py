"""How fast one account's cases are accepted while it sends more of them than others should have to notice."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from caseway_kit.problems import Problem
from caseway_kit.seats import Full, Seats

WINDOW_SECONDS = 60.0
MOST_WAITING = 50
PATIENCE_SECONDS = 10.0
# An account beyond its free submissions has a quarter of the time; one that sends far more than each of the others, if
# there are any, a sixteenth. See docs/decisions/0032.
FAR_MORE = 4
REST_FOR_WORK = 3
REST_BESIDE_OTHERS = 15
LONGEST_REST_SECONDS = 5.0


class Pace:
    """The first ``free`` submissions of an account in any minute are as fast as they come. Those beyond are accepted
    one after the other, each after a rest that grows with what the one before took: hardly slower where there is room,
    and much where there is none. Each process counts for itself."""

    def __init__(self, free: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._recent: deque[tuple[float, str]] = deque()
        self._counts: Counter[str] = Counter()
        self._seats = Seats(each=MOST_WAITING)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._monotonic = monotonic

    @asynccontextmanager
    async def turn(self, account_id: str, *, patience: float | None = PATIENCE_SECONDS) -> AsyncIterator[None]:
        """Wait for the account's turn: ``patience`` seconds, None: as long as it takes. Raises Problem 429 when it
        takes longer or too many wait for theirs; nothing was done then."""
        self._count(account_id)
        if self._counts[account_id] <= self._free:
            yield
            return
        try:
            seat = self._seats.take(account_id)
        except Full:
            raise _too_many() from None
        with seat:
            turn = self._turns.setdefault(account_id, asyncio.Lock())
            try:
                async with asyncio.timeout(patience):
                    await turn.acquire()
            except TimeoutError:
                raise _too_many() from None
            began = self._monotonic()
            try:
                yield
            finally:
                rest = min(self._rest_for(account_id) * (self._monotonic() - began), LONGEST_REST_SECONDS)
                asyncio.get_running_loop().call_later(rest, turn.release)

    def _count(self, account_id: str) -> None:
        now = self._monotonic()
        while self._recent and self._recent[0][0] <= now - WINDOW_SECONDS:
            _, earlier = self._recent.popleft()
            self._counts[earlier] -= 1
            if not self._counts[earlier]:
                del self._counts[earlier]
        self._recent.append((now, account_id))
        self._counts[account_id] += 1

    def _rest_for(self, account_id: str) -> int:
        ours, others = self._counts[account_id], len(self._counts) - 1
        theirs = len(self._recent) - ours
        return REST_BESIDE_OTHERS if others and ours > FAR_MORE * theirs / others else REST_FOR_WORK


def _too_many() -> Problem:
    return Problem.too_many(5, "Too many submissions of your account wait already; send fewer at once.")
