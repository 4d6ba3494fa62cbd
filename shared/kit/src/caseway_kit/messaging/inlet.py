"""A service's subscribers, with every delivery policy explicit, and its publishers."""

import json
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from faststream import AckPolicy, BaseMiddleware
from faststream.kafka import KafkaRouter
from pydantic import TypeAdapter

from caseway_contracts.base import Event
from caseway_kit.errors import InvalidEvent
from caseway_kit.faults import fault_point
from caseway_kit.messaging import wire
from caseway_kit.messaging.dead_letter import (
    CONTROL,
    DROP,
    RAW_HEADERS,
    RESUME,
    TOPIC,
    as_text,
    header,
    retry,
    source_topic,
)
from caseway_kit.messaging.delivery import Delivery, Record
from caseway_kit.messaging.drain import REBALANCE_TIMEOUT_MS, InFlight

P = ParamSpec("P")
T = TypeVar("T")

POLL_INTERVAL_MS = 300_000
LONG_POLL_INTERVAL_MS = 900_000
# How long the broker holds a fetch that finds nothing; what comes meanwhile is sent at once. But while a message is in
# hand, aiokafka (0.14) fetches its reader's other partitions without that one, which then waits for so long.
FETCH_WAIT_MS = 1_000
LONG_FETCH_WAIT_MS = 100
# A pattern finds a new topic at the next look at the metadata.
PATTERN_METADATA_MS = 30_000

_decoded: ContextVar[Any] = ContextVar("decoded")


async def _decode(_: object) -> Any:
    return _decoded.get()


async def _parse(record: Any, original: Callable[[Any], Any]) -> Any:
    """FastStream decodes headers strictly and outside of any middleware; one bad byte would block the partition."""
    return await original(_readable(record) if isinstance(record, ConsumerRecord) else tuple(map(_readable, record)))


def _readable(record: Record) -> Record:
    text = as_text(record.headers)
    if RAW_HEADERS not in text:
        return record
    copy = replace(record, headers=tuple((name, value.encode()) for name, value in text.items()))
    if hasattr(record, "consumer"):
        copy.consumer = record.consumer  # where FastStream keeps it
    return copy


class Inlet:
    """Where a service's messages come in. ``router`` is what the broker includes."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.in_flight = InFlight()
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._batched: set[str] = set()
        self.router = KafkaRouter(
            # On the router: a broker's policy does not reach a router's subscribers (FastStream 0.7.8).
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=_parse,
            decoder=_decode,
            middlewares=[self._middleware],
        )
        self._retry = self.router.subscriber(
            retry(service), title=retry(service), **self._policy(retry(service), LONG_POLL_INTERVAL_MS)
        )

    def publisher(self, topic: str, *, schema: Any) -> Any:
        return self.router.publisher(topic, title=topic, schema=schema)

    def subscriber(
        self,
        topic: str,
        *,
        schema: Any,
        group: str | None = None,
        workers: int | None = None,
        batch: int | None = None,
        long: bool = False,
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Subscribe a handler, in a group of its own: members of one group that read other topics than each other
        would rebalance each other at every start. A ``*`` at the end of the topic makes it a pattern; ``workers``
        handle partitions side by side; ``batch`` hands over lists of up to so many; ``long`` is for minutes."""
        self._adapters[topic] = TypeAdapter(schema)
        options: dict[str, Any] = self._policy(
            group or f"{self.service}-{topic.rstrip('*')}",
            LONG_POLL_INTERVAL_MS if long else POLL_INTERVAL_MS,
            LONG_FETCH_WAIT_MS if long else FETCH_WAIT_MS,
        )
        if workers:
            options["max_workers"] = workers
        if batch:
            self._batched.add(topic)
            options |= {"batch": True, "max_records": batch, "batch_timeout_ms": 50}
        topics = [topic]
        if topic.endswith("*"):
            topics, options["pattern"] = [], f"^{topic[:-1]}(-[a-z0-9-]+)?$"
        subscriber = self.router.subscriber(*topics, title=topic, **options)

        def register(handler: Callable[P, T]) -> Callable[P, T]:
            wrapped = self._retry(filter=lambda message: self._is_for(topic, message.headers.get(TOPIC)))(handler)
            registered: Callable[P, T] = subscriber(wrapped)
            return registered

        return register

    def close(self) -> None:
        """Call after the last handler: what is requeued for no handler is parked again."""

        async def on_stray() -> None:
            raise InvalidEvent("requeued for a topic that this service does not read")

        self._retry(on_stray)

    def decode(self, record: Record) -> Event:
        """The event of a record, by the union of its topic; raises InvalidEvent for anything else."""
        topic = self._declared(source_topic(record))
        if topic is None:
            raise InvalidEvent("no such topic")
        try:
            event: Event = self._adapters[topic].validate_python(
                json.loads(record.value or b"", parse_constant=_refuse)
            )
        except (ValueError, RecursionError) as error:
            raise InvalidEvent(type(error).__name__) from error
        # Work topics are keyed by the piece, all others by what the event says is its key.
        if record.key and record.key not in (event.key.encode(), event.subject_id.encode()):
            raise InvalidEvent("the key is not that of the event")
        return event

    def batched(self, topic: str) -> bool:
        return self._declared(topic) in self._batched

    def _declared(self, topic: str) -> str | None:
        return next((one for one in self._adapters if self._is_for(one, topic)), None)

    @staticmethod
    def _is_for(declared: str, topic: str | None) -> bool:
        if topic is None:
            return False
        return topic == declared or (
            declared.endswith("*") and (topic == declared[:-1] or topic.startswith(f"{declared[:-1]}-"))
        )

    def _policy(self, group: str, poll_interval_ms: int, fetch_wait_ms: int = FETCH_WAIT_MS) -> dict[str, Any]:
        return {
            "group_id": group,
            "ack_policy": AckPolicy.NACK_ON_ERROR,
            "auto_offset_reset": "earliest",
            "listener": self.in_flight,
            "max_poll_interval_ms": poll_interval_ms,
            "fetch_max_wait_ms": fetch_wait_ms,
            # After a kill the group waits this long for its lost member. Nothing blocks the loop for seconds here.
            "session_timeout_ms": 6_000,
            "heartbeat_interval_ms": 2_000,
            "rebalance_timeout_ms": REBALANCE_TIMEOUT_MS,
        }

    def _middleware(self, message: Any, /, *, context: Any) -> "DeliveryMiddleware":
        return DeliveryMiddleware(message, context=context, inlet=self)


class DeliveryMiddleware(BaseMiddleware):
    """Decodes, delivers and commits; see :mod:`caseway_kit.messaging.delivery` for what happens on failure."""

    def __init__(self, message: Any, /, *, context: Any, inlet: Inlet) -> None:
        super().__init__(message, context=context)
        self._inlet = inlet

    async def consume_scope(self, call_next: Any, msg: Any) -> Any:
        delivery: Delivery = self.context.get("delivery")
        group = self.context.get("handler_").group_id or self._inlet.service
        whole = not isinstance(msg.raw_message, ConsumerRecord)
        records = msg.raw_message if whole else (msg.raw_message,)
        partitions = {TopicPartition(record.topic, record.partition) for record in records}
        if not whole and header(records[0].headers, CONTROL) == RESUME:
            delivery.resume()
            return await msg.ack()
        self._inlet.in_flight.begin(partitions)
        try:
            batch = [(record, self._decode(record)) for record in records]
            fresh = {one for one in partitions if self._inlet.in_flight.first_since_assignment(one)}
            if fresh or not whole or not await self._together(call_next, msg, batch, delivery, group):
                for record, event in batch:
                    await self._alone(call_next, msg, record, event, delivery, group, fresh)
            fault_point("K9")
            await msg.ack()
            fault_point("K12")
        finally:
            await self._inlet.in_flight.end(partitions)

    def _decode(self, record: ConsumerRecord[Any, Any]) -> Event | None:
        try:
            return self._inlet.decode(record)
        except InvalidEvent:
            return None

    async def _together(
        self,
        call_next: Any,
        msg: Any,
        batch: Sequence[tuple[Record, Event | None]],
        delivery: Delivery,
        group: str,
    ) -> bool:
        """Hand a batch over as a whole. False: something is wrong with it, take its messages one by one."""
        if delivery.paused(group) or any(event is None for _, event in batch) or _contradictory(batch):
            return False
        try:
            await self._call(call_next, msg, [(record, event) for record, event in batch if event], as_list=True)
        except Exception as error:
            structlog.get_logger().warning("a batch failed", group=group, error=type(error).__name__)
            return False
        delivery.handled(group, len(batch))
        return True

    async def _alone(
        self,
        call_next: Any,
        msg: Any,
        record: Record,
        event: Event | None,
        delivery: Delivery,
        group: str,
        fresh: set[TopicPartition],
    ) -> None:
        """One message by itself. After an assignment its offset is committed at once: should one of a batch kill the
        process, it is the first of the next start, and counted."""
        partition = TopicPartition(record.topic, record.partition)
        if event is None and header(record.headers, CONTROL) == DROP:
            return  # given up, and there is nothing in it that could be stated

        async def call() -> None:
            assert event is not None
            if header(record.headers, CONTROL) == DROP:
                if delivery.on_dropped is not None:
                    await delivery.on_dropped(event)
                return
            await self._call(call_next, msg, [(record, event)], as_list=self._inlet.batched(source_topic(record)))

        words = {} if event is None else {"case": event.key, "event_id": str(event.event_id)}
        with structlog.contextvars.bound_contextvars(group=group, **words):
            await delivery.deliver(call, record, event, group=group, fresh=partition in fresh)
        if fresh and not isinstance(msg.raw_message, ConsumerRecord):
            await msg.consumer.commit({partition: record.offset + 1})

    async def _call(self, call_next: Any, msg: Any, batch: Sequence[tuple[Record, Event]], *, as_list: bool) -> None:
        events = [event for _, event in batch]
        digests = wire.digests.set({event.event_id: wire.body_digest(record.value) for record, event in batch})
        traces = {event.event_id: wire.trace_from(header(record.headers, "traceparent")) for record, event in batch}
        trace = wire.trace.set(traces[events[0].event_id])
        all_traces = wire.traces.set(traces)
        decoded = _decoded.set(events if as_list else events[0])
        try:
            msg.clear_cache()
            await call_next(msg)
        finally:
            wire.digests.reset(digests)
            wire.trace.reset(trace)
            wire.traces.reset(all_traces)
            _decoded.reset(decoded)


def _contradictory(batch: Sequence[tuple[Record, Event | None]]) -> bool:
    """Whether one event id stands for two bodies; digests are kept by id, so that only apart each has its own."""
    said = {(event.event_id, record.value) for record, event in batch if event is not None}
    return len({event_id for event_id, _ in said}) < len(said)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
