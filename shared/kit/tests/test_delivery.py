"""What becomes of messages, on the in-memory broker: handled, waited for, tried again, parked."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord
from faststream.kafka import KafkaBroker, TestKafkaBroker

from caseway_contracts.routes import CaseStatusChanged, RoutesEvent
from caseway_kit.errors import InvalidEvent, OutageError
from caseway_kit.messaging import Consumers, Delivery, Inlet, emit, encode, event_digest
from caseway_kit.messaging.attempts import MemoryAttempts
from caseway_kit.messaging.delivery import MAX_PARKED_IN_A_ROW, MAX_STARTS, Paused, Record


def make_event(**changes: Any) -> CaseStatusChanged:
    facts = {
        "event_id": uuid4(),
        "occurred_at": datetime(2026, 1, 5, tzinfo=UTC),
        "key": "SR01-000000042-4",
        "account_id": "a1",
        "subject_id": "SR01-000000042-4",
        "revision": 1,
        "status": "open",
    }
    return CaseStatusChanged.model_validate(facts | changes)


def make_record() -> Record:
    event = make_event()
    return ConsumerRecord("routes", 3, 7, 0, 0, event.key.encode(), body(event), None, 0, 0, ())


class Service:
    """A service of one handler, which raises what a test tells it to."""

    def __init__(self, batch: int | None = None) -> None:
        self.handled: list[Any] = []
        self.failures: list[Exception] = []
        self.waits: list[float] = []
        self.parked: list[tuple[bytes, dict[str, str]]] = []
        self.delayed: list[str] = []
        self.broker = KafkaBroker("localhost:9")
        inlet = Inlet("probe")

        async def on_event(event: RoutesEvent) -> None:
            self._handle(event)

        async def on_events(events: list[RoutesEvent]) -> None:
            for event in events:
                self._handle(event)

        inlet.subscriber("routes", schema=RoutesEvent, batch=batch)(on_events if batch else on_event)
        self.delivery = Delivery("probe", self, MemoryAttempts(), on_parked=self._on_parked, sleep=self._sleep)
        self.consumers = Consumers(self.broker, inlet, self.delivery)

    def _handle(self, event: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.handled.append(event)

    async def _on_parked(self, event: Any, reason: str) -> None:
        self.delayed.append(reason)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def publish(self, message: bytes, topic: str, *, key: bytes | None, headers: dict[str, str]) -> None:
        assert topic == "probe-dlq"
        self.parked.append((message, headers))


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Callable[..., Any]]:
    async with TestKafkaBroker(service.broker) as broker:

        async def send(body: bytes, topic: str = "routes", **headers: str) -> None:
            await broker.publish(body, topic, headers={"content-type": "application/json", **headers})

        yield send


def body(event: CaseStatusChanged) -> bytes:
    return encode(event, source="routing").body.encode()


async def test_an_event_is_handed_over_as_its_class() -> None:
    service, event = Service(), make_event()
    async with running(service) as send:
        await send(body(event))
    assert service.handled == [event]
    assert service.parked == []


async def test_an_event_of_a_later_type_reaches_the_handler_as_unknown() -> None:
    service = Service()
    async with running(service) as send:
        await send(json.dumps({**json.loads(body(make_event())), "type": "CaseAdmired"}).encode())
    [event] = service.handled
    assert event.type == "CaseAdmired"


async def test_a_message_that_is_redelivered_after_it_was_parked_is_not_parked_again() -> None:
    service = Service()
    async with running(service) as send:
        await send(b"not json")
        await send(b"not json")  # in memory every message stands at offset 0
    assert len(service.parked) == 1


@pytest.mark.parametrize(
    "poison",
    [
        b"",
        b"not json",
        b"[]",
        b'"x"',
        b'{"type": "CaseStatusChanged"}',
        b"\xff\xfe",
        b"NaN",
        b"[" * 20_000,
        b"1" * 9_999,
    ],
    ids=lambda poison: repr(poison[:24]),
)
async def test_an_undecodable_message_is_parked_as_it_came(poison: bytes) -> None:
    service = Service()
    async with running(service) as send:
        await send(poison)
    [(parked, headers)] = service.parked
    assert parked == poison
    assert headers["dlq-topic"] == "routes"
    assert headers["dlq-reason"] == "undecodable"
    assert service.waits == []


async def test_an_invalid_event_is_parked_at_once_and_what_it_delays_is_stated() -> None:
    service = Service()
    service.failures = [InvalidEvent("same id, other facts")]
    async with running(service) as send:
        await send(body(make_event()))
    assert [headers["dlq-reason"] for _, headers in service.parked] == ["invalid"]
    assert service.delayed == ["invalid"]


async def test_an_outage_is_waited_out_and_parks_nothing() -> None:
    service, event = Service(), make_event()
    service.failures = [OutageError("MongoDB") for _ in range(4)]
    async with running(service) as send:
        await send(body(event))
    assert service.handled == [event]
    assert service.waits == [0.1, 0.2, 0.5, 1.0]
    assert service.parked == []


async def test_an_outage_beyond_patience_leaves_the_message_where_it_is() -> None:
    service = Service()
    service.failures = [OutageError("MongoDB") for _ in range(99)]
    async with running(service) as send:
        with pytest.raises(OutageError):
            await send(body(make_event()))
    assert service.parked == []


async def test_an_outage_at_the_first_message_of_a_partition_parks_nothing() -> None:
    """Were each try of it a start without an end, the eleventh would park an innocent message."""
    service = Service()

    async def away() -> None:
        raise OutageError("objects")

    record = make_record()
    with pytest.raises(OutageError):
        await service.delivery.deliver(away, record, make_event(), group="probe-routes", fresh=True)
    assert len(service.waits) > MAX_STARTS
    assert service.parked == []


async def test_starts_without_an_end_are_counted_and_the_eleventh_parks() -> None:
    service, event = Service(), make_event()

    async def killed() -> None:
        raise KeyboardInterrupt

    for _ in range(MAX_STARTS):
        with pytest.raises(KeyboardInterrupt):
            await service.delivery.deliver(killed, make_record(), event, group="probe-routes", fresh=True)
    await service.delivery.deliver(killed, make_record(), event, group="probe-routes", fresh=True)
    assert [headers["dlq-reason"] for _, headers in service.parked] == ["killed"]


async def test_a_bug_is_tried_five_times_and_then_parked() -> None:
    service = Service()
    service.failures = [ZeroDivisionError() for _ in range(9)]
    async with running(service) as send:
        await send(body(make_event()))
    [(_, headers)] = service.parked
    assert (headers["dlq-reason"], headers["dlq-attempts"], headers["dlq-error"]) == ("bug", "5", "ZeroDivisionError")
    assert len(service.failures) == 4


async def test_a_requeued_message_reaches_the_handler_of_its_topic() -> None:
    service, event = Service(), make_event()
    async with running(service) as send:
        await send(body(event), "probe-retry", **{"dlq-topic": "routes"})
    assert service.handled == [event]


async def test_a_dropped_message_is_not_handled_but_what_it_makes_final_is_stated() -> None:
    service, event = Service(), make_event()
    dropped: list[Any] = []

    async def on_dropped(event: Any) -> None:
        dropped.append(event)

    service.delivery.on_dropped = on_dropped
    async with running(service) as send:
        await send(body(event), "probe-retry", **{"dlq-topic": "routes", "dlq-control": "drop"})
    assert (service.handled, dropped) == ([], [event])


async def test_an_undecodable_message_that_is_dropped_is_not_parked_again() -> None:
    service = Service()
    async with running(service) as send:
        await send(b"not json", "probe-retry", **{"dlq-topic": "routes", "dlq-control": "drop"})
    assert (service.handled, service.parked) == ([], [])


async def test_a_message_requeued_for_a_topic_that_is_not_read_is_parked_again() -> None:
    service = Service()
    async with running(service) as send:
        await send(body(make_event()), "probe-retry", **{"dlq-topic": "cases"})
    assert service.handled == []
    assert len(service.parked) == 1


async def test_twenty_dead_letters_in_a_row_pause_the_group_until_it_is_resumed() -> None:
    service = Service()
    async with running(service) as send:
        service.delivery.parked_in_a_row["probe-routes"] = MAX_PARKED_IN_A_ROW
        with pytest.raises(Paused):
            await send(body(make_event()))
        assert service.handled == []
        service.delivery.resume()
        await send(body(make_event()))
    assert len(service.handled) == 1


async def test_a_batch_that_was_handled_ends_a_row_of_dead_letters() -> None:
    service = Service(batch=10)
    async with running(service) as send:
        service.delivery.parked_in_a_row["probe-routes"] = MAX_PARKED_IN_A_ROW - 1
        await send(body(make_event()))
    assert service.delivery.parked_in_a_row["probe-routes"] == 0


async def test_what_is_requeued_in_vain_does_not_bar_the_way_of_the_word_to_go_on() -> None:
    service = Service()
    service.failures = [InvalidEvent("still wrong")]
    async with running(service) as send:
        service.delivery.parked_in_a_row["probe-retry"] = MAX_PARKED_IN_A_ROW
        service.delivery.parked_in_a_row["probe-routes"] = MAX_PARKED_IN_A_ROW
        await send(body(make_event()), "probe-retry", **{"dlq-topic": "routes"})
        await send(b"", "probe-retry", **{"dlq-control": "resume"})
    assert len(service.parked) == 1
    assert not service.delivery.paused("probe-routes")


async def test_a_batch_with_one_bad_message_loses_none_of_the_good_ones() -> None:
    service, event = Service(batch=10), make_event()
    async with running(service) as send:
        await send(body(event))
        await send(b"not json")
    assert service.handled == [event]
    assert len(service.parked) == 1


async def test_the_digest_is_that_of_the_body_as_it_came() -> None:
    service = Service()
    seen: list[str] = []
    service._handle = lambda event: seen.append(event_digest(event))  # type: ignore[method-assign]  # noqa: SLF001 - the handler under test
    event = make_event()
    newer = json.dumps({**json.loads(body(event)), "added_later": 1}).encode()
    async with running(service) as send:
        await send(body(event))
        await send(newer)
    assert seen[0] == event_digest(event)
    assert seen[1] != seen[0]


async def test_two_bodies_under_one_id_are_told_apart_within_a_batch_too() -> None:
    service, seen = Service(batch=10), set[str]()
    service._handle = lambda event: seen.add(event_digest(event))  # type: ignore[method-assign]  # noqa: SLF001 - the handler under test
    event = make_event()
    forged = event.model_copy(update={"status": "closed"})
    record = make_record()
    batch = tuple(replace(record, value=body(one)) for one in (event, forged))
    async with running(service):
        [subscriber] = [one for one in service.broker.subscribers if getattr(one, "group_id", "") == "probe-routes"]
        await subscriber.process_message(batch)
    assert len(seen) == 2


async def test_emit_sends_the_same_bytes_every_time() -> None:
    sent: list[tuple[bytes, bytes, str]] = []

    class Publisher:
        async def publish(self, message: Any, /, *, key: bytes, headers: dict[str, str]) -> None:
            sent.append((message, key, headers["ce_id"]))

    event = encode(make_event(), source="routing")
    await emit(Publisher(), event)
    await emit(Publisher(), type(event).from_document(event.document()))
    assert sent[0] == sent[1]
    assert sent[0][1] == b"SR01-000000042-4"
