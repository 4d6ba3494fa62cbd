"""Whose turn it is to have files taken out of archives, which may keep a child of the sandbox for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from caseway_kit.seats import Full, Seats
from intake.refusals import Fault, Refused, TooMany

WAIT_SECONDS = 30
# With the wait before it, less than the portal waits.
SEARCH_SECONDS = 60
RETRY_SECONDS = 10


class Turns:
    """One search at a time of an account, ``at_once`` of all accounts, in the order in which they asked."""

    def __init__(self, at_once: int) -> None:
        self._seats = Seats(each=1)
        self._room = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        """Raises TooMany, and Refused when what happens within takes too long."""
        try:
            seat = self._seats.take(account_id)
        except Full:
            raise _busy("Files are being taken out for your account already.") from None
        with seat:
            await self._wait()
            try:
                async with asyncio.timeout(SEARCH_SECONDS):
                    yield
            except TimeoutError:
                says = "The chosen files were not found in the time that there is for it."
                raise Refused(Fault("/evidence_ids", "evidence.too_large", says, "Choose whole archives.")) from None
            finally:
                self._room.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            raise _busy("Files are being taken out for others.") from None


def _busy(says: str) -> TooMany:
    return TooMany(Fault("/evidence_ids", "evidence.busy", says, "Try again in a little while."), RETRY_SECONDS)
