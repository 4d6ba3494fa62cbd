"""What becomes of a message whose handling fails. The three kinds of failure are told apart here, and nowhere else.

An outage is waited out: the offset stays. An invalid event is parked at once. Anything else is a bug: five attempts,
then parked. A message whose handling kills the process is parked after ten starts without an end. Twenty dead letters
in a row pause the consumer group until an operator resumes it: then it is not the messages that are wrong.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from prometheus_client import Counter

from caseway_contracts.base import Event
from caseway_kit.clock import Clock, SystemClock
from caseway_kit.errors import InvalidEvent, OutageError
from caseway_kit.messaging.attempts import Attempts, MemoryAttempts
from caseway_kit.messaging.dead_letter import Parked, dlq, retry

MAX_ATTEMPTS = 5
MAX_STARTS = 10
MAX_PARKED_IN_A_ROW = 20
BUG_WAITS = (0.1, 0.5, 2.0, 5.0)
OUTAGE_WAITS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# Below every subscriber's poll interval: after it the message is read again, and waited for again.
OUTAGE_PATIENCE = 60.0

Call = Callable[[], Awaitable[Any]]
OnParked = Callable[[Event, str], Awaitable[None]]
Record: TypeAlias = ConsumerRecord[Any, Any]

log = structlog.get_logger()
outcomes = Counter("caseway_messages", "Messages by what became of them", ["group", "outcome"])


class Park(Protocol):
    """What we use of FastStream's broker to park a message."""

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> Any: ...


class Paused(Exception):
    """The group is paused: the message stays where it is."""


@dataclass
class Delivery:
    """How one service's messages are delivered; made in ``main``, found by the middleware in the broker's context."""

    service: str
    park_to: Park
    attempts: Attempts = field(default_factory=MemoryAttempts)
    clock: Clock = field(default_factory=SystemClock)
    on_parked: OnParked | None = None
    """States what the parked message delays (EvidenceDelayed); called before the message is parked."""
    on_dropped: Callable[[Event], Awaitable[None]] | None = None
    """States what is final now that an operator dropped the message (``not_analyzed``)."""
    sleep: Callable[[float], Awaitable[None]] | None = None
    """How to wait; left out, a wait ends when the service stops."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    parked_in_a_row: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def paused(self, group: str) -> bool:
        # The retry topic brings the operator's word to go on, which could never arrive behind what it pauses for.
        return group != retry(self.service) and self.parked_in_a_row[group] >= MAX_PARKED_IN_A_ROW

    def resume(self) -> None:
        self.parked_in_a_row.clear()

    def handled(self, group: str, messages: int = 1) -> None:
        self.parked_in_a_row[group] = 0
        outcomes.labels(group, "handled").inc(messages)

    async def deliver(self, call: Call, record: Record, event: Event | None, *, group: str, fresh: bool) -> None:
        """Handle a message to its end: handled or parked. Raises where it must stay: an outage, a pause."""
        waited = 0.0
        tries = 0
        starts = 0
        while True:
            try:
                await self._gate(group)
                if fresh and event is not None and not starts:  # once: what an outage repeats is the same start
                    starts = await self.attempts.started(_name(record, group))
                return await self._attempt(call, record, event, group=group, starts=starts)
            except OutageError as outage:
                wait = OUTAGE_WAITS[min(tries, len(OUTAGE_WAITS) - 1)]
                log.warning("waiting for a part that is away", part=outage.part, seconds=wait, group=group)
                if waited + wait > OUTAGE_PATIENCE or self.stopping.is_set():
                    outcomes.labels(group, "outage").inc()
                    raise
                await self._wait(wait)
                waited += wait
                tries += 1

    async def _wait(self, seconds: float) -> None:
        if self.sleep is not None:
            await self.sleep(seconds)
        else:
            # Not asyncio.timeout: before Python 3.11.3 (Debian 12 has 3.11.2) its end becomes a CancelledError where an
            # earlier, settled cancellation of the task still counts; and a cancelled subscriber never comes back.
            stopping = asyncio.create_task(self.stopping.wait())
            try:
                await asyncio.wait([stopping], timeout=seconds)
            finally:
                stopping.cancel()

    async def _gate(self, group: str) -> None:
        waited = 0.0
        while self.paused(group):
            if waited >= OUTAGE_PATIENCE or self.stopping.is_set():
                raise Paused(group)
            await self._wait(1.0)
            waited += 1.0

    async def _attempt(self, call: Call, record: Record, event: Event | None, *, group: str, starts: int) -> None:
        message = _name(record, group)
        if event is None:
            return await self.park(record, None, group=group, reason="undecodable", error="InvalidEvent", attempts=1)
        if starts > MAX_STARTS:
            return await self.park(record, event, group=group, reason="killed", error="", attempts=starts - 1)
        failures = 0
        while True:
            try:
                await call()
            except (OutageError, Paused):
                raise
            except InvalidEvent as error:
                log.warning("parked an invalid event", group=group, topic=record.topic)
                await self.park(record, event, group=group, reason="invalid", error=type(error).__name__, attempts=1)
                return None
            except Exception as error:
                failures = await self.attempts.failed(message)
                log.exception("handling a message failed", group=group, topic=record.topic, attempt=failures)
                if failures < MAX_ATTEMPTS:
                    await self._wait(BUG_WAITS[min(failures, len(BUG_WAITS)) - 1])
                    continue
                bug = type(error).__name__
                return await self.park(record, event, group=group, reason="bug", error=bug, attempts=failures)
            else:
                self.handled(group)
            if starts or failures:
                await self.attempts.ended(message)
            return None

    async def park(
        self, record: Record, event: Event | None, *, group: str, reason: str, error: str, attempts: int
    ) -> None:
        """Park a message; one that is redelivered after it was parked is not parked again."""
        message = _name(record, group)
        if await self.attempts.was_parked(message):
            return
        if event is not None and self.on_parked is not None:
            await self.on_parked(event, reason)
        await self._publish(record, Parked(reason, error, attempts, self.clock.now()).headers(record))
        await self.attempts.parked(message)
        self.parked_in_a_row[group] += 1
        outcomes.labels(group, "parked").inc()
        log.error("parked a message", group=group, topic=record.topic, offset=record.offset, reason=reason)
        if self.paused(group):
            log.critical("paused a group: too many dead letters in a row", group=group)

    async def _publish(self, record: Record, headers: dict[str, str]) -> None:
        body = record.value or b""
        try:
            await self.park_to.publish(body, dlq(self.service), key=record.key, headers=headers)
        except MessageSizeTooLargeError:
            # Our headers made it too large. The whole of it stays where the headers say, for ever.
            cut = headers | {"dlq-truncated-from": str(len(body))}
            await self.park_to.publish(body[: len(body) // 2], dlq(self.service), key=record.key, headers=cut)
        except KafkaError as error:
            raise OutageError("Kafka", type(error).__name__) from error


def _name(record: Record, group: str) -> str:
    return f"{group}:{record.topic}/{record.partition}/{record.offset}"
