"""Sends letters that wait, with waits of its own, so that one slow recipient holds up nobody.

A letter is leased while it is sent. A crash between the mail server's answer and its record sends the letter once
more with the same Message-ID; no SMTP client can do better. MongoDB away is no crash: the answer is kept until it is
recorded, and no other letter is begun meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from caseway_contracts.base import Event, UnknownEvent
from caseway_contracts.notifications import NotificationFailed, NotificationSent
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from caseway_kit.messaging import Encoded, encode
from notifier.letters import Letter

WORKERS = 8
# Renewed while a letter is being sent, so that what a killed process had in hand is soon sent by another.
LEASE = timedelta(seconds=20)
POLL_SECONDS = 1.0
TURN_SECONDS = 0.5
RECORD_SECONDS = 0.5
STOP_SECONDS = 10.0
# A bug that one letter meets must not keep the others.
MAX_BUGS = 5
WAITS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 30, 60, 300, 900, 3600))
KEPT_TRYING = timedelta(hours=24)

log = structlog.get_logger()


class Refused(Exception):
    """The mail server refused a letter for good (5xx)."""


class Mailer(Protocol):
    async def send(self, letter: Letter) -> None:
        """Return once the server has taken the letter. Raises Refused, or OutageError for anything that may pass."""

    async def close(self) -> None:
        """Close the connection, if there is one."""


class Outgoing(Protocol):
    async def due(self) -> bool:
        """Whether a letter is due."""

    async def claim(self, until: datetime) -> tuple[Letter, int] | None:
        """Lease one letter that is due, with the number of tries that it has had."""

    async def settle(self, letter: Letter, status: str, stated: Encoded) -> None:
        """Record what became of a letter, with the event that says so."""

    async def postpone(self, letter: Letter, due: datetime) -> None:
        """Nobody is to try a letter before ``due``."""


class Delivery:
    def __init__(self, outgoing: Outgoing, mailers: Sequence[Mailer], *, clock: Clock) -> None:
        self._outgoing = outgoing
        self._mailers = mailers
        self._clock = clock
        self._turn = asyncio.Lock()
        self._answered: set[str] = set()
        self._recorded = asyncio.Condition()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There are letters to send."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._poll())
                for mailer in self._mailers:
                    group.create_task(self._work(mailer))
        finally:
            for mailer in self._mailers:
                await mailer.close()

    async def _poll(self) -> None:
        """What a crash left, and what is due again, is found by looking; one looks for all."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(OutageError):
                if await self._outgoing.due():
                    self.wake()

    async def _work(self, mailer: Mailer) -> None:
        while True:
            await self._wake.wait()
            try:
                async with self._one_at_a_time():
                    if self._wake.is_set():
                        await self._send_to_the_end(mailer)
            except OutageError as outage:
                log.warning("waiting for a part that is away", part=outage.part)

    async def _send_to_the_end(self, mailer: Mailer) -> None:
        """A stop waits for the letter in hand: what the server has taken must be recorded, or it is sent again."""
        sending = asyncio.create_task(self.send_one(mailer))
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait([sending], timeout=STOP_SECONDS)
            sending.cancel()
            raise

    async def send_one(self, mailer: Mailer) -> bool:
        """Send one letter that is due. False: there is none."""
        await self._all_recorded()
        # Who waits behind this one has nothing to do unless there is a letter: then there may be more.
        self._wake.clear()
        claimed = await self._outgoing.claim(self._clock.now() + LEASE)
        if claimed is None:
            return False
        self._wake.set()
        letter, tries = claimed
        try:
            await self._send(mailer, letter)
        except Refused:
            await self._fail(letter, "refused")
        except OutageError:
            await self._later(letter, tries)
        except Exception:
            log.exception("sending a letter failed", case=letter.sr_number, kind=letter.kind)
            await (self._fail(letter, "undeliverable") if tries >= MAX_BUGS else self._later(letter, tries))
        else:
            fault_point("K11")
            await self._settle(letter, "sent", self._stated(letter, NotificationSent, {}))
        return True

    @contextlib.asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        """Between the server's 250 and our record of it a kill doubles a mail: so one letter at a time is there,
        unless the one before takes so long that it would hold up the others."""
        held = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS):
                held = await self._turn.acquire()
        try:
            yield
        finally:
            if held:
                self._turn.release()

    async def _send(self, mailer: Mailer, letter: Letter) -> None:
        keeping = asyncio.create_task(self._keep_lease(letter))
        try:
            await mailer.send(letter)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])

    async def _keep_lease(self, letter: Letter) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            with contextlib.suppress(OutageError):
                await self._outgoing.postpone(letter, self._clock.now() + LEASE)

    async def _later(self, letter: Letter, tries: int) -> None:
        now = self._clock.now()
        if now - letter.created_at > KEPT_TRYING:
            await self._fail(letter, "expired")
        else:
            await self._outgoing.postpone(letter, now + WAITS[min(tries, len(WAITS) - 1)])

    async def _fail(self, letter: Letter, reason: str) -> None:
        log.error("a mail failed for good", case=letter.sr_number, kind=letter.kind, reason=reason)
        await self._settle(letter, "failed", self._stated(letter, NotificationFailed, {"reason": reason}))

    async def _all_recorded(self) -> None:
        try:
            async with asyncio.timeout(LEASE.total_seconds() / 4), self._recorded:
                await self._recorded.wait_for(lambda: not self._answered)
        except TimeoutError as error:
            raise OutageError("MongoDB", "it does not record what the mail server answered") from error

    async def _settle(self, letter: Letter, status: str, stated: Encoded) -> None:
        """Forgotten, the answer of the mail server would be asked for again: by a second mail."""
        self._answered.add(letter.id)
        try:
            while True:
                try:
                    return await self._outgoing.settle(letter, status, stated)
                except OutageError:
                    await asyncio.sleep(RECORD_SECONDS)
        finally:
            self._answered.discard(letter.id)
            async with self._recorded:
                self._recorded.notify_all()

    def _stated(self, letter: Letter, fact: type[Event], facts: dict[str, Any]) -> Encoded:
        stated = fact.following(
            UnknownEvent.model_validate_json(letter.cause),
            subject_id=letter.id,
            occurred_at=self._clock.now(),
            kind=letter.kind,
            recipient_id=letter.recipient_id,
            **facts,
        )
        return encode(stated, source="notifier")
