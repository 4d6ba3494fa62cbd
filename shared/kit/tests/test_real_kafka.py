"""What only a real broker can show: offsets, rebalances, dead letters, restarts."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from caseway_contracts.routes import CaseStatusChanged, RoutesEvent
from caseway_kit.errors import OutageError
from caseway_kit.messaging import Consumers, Delivery, Inlet, build_broker, encode
from caseway_kit.messaging.attempts import MemoryAttempts
from caseway_kit.messaging.delivery import MAX_PARKED_IN_A_ROW
from caseway_kit.messaging.inside import tasks_of_producer, tasks_of_subscriber
from caseway_kit.messaging.wire import Encoded, emit
from caseway_kit.testing.topics import Topics

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DECLARED = ("routes", "cases", "routing-retry", "routing-dlq")
POISON: list[tuple[bytes | None, list[tuple[str, bytes]], bytes | None]] = [
    (b"", [], None),
    (None, [], b"SR01-000000042-4"),
    (b"not json", [], None),
    (b"\xff\xfe\x00", [], None),
    (b'{"type": "CaseStatusChanged"}', [], None),
    (b'{"type": "CaseStatusChanged", "version": 99, "revision": NaN}', [], None),
    (b"[" * 10_000, [], None),
    (b'{"revision": ' + b"9" * 10_000 + b"}", [], None),
    (b'{"a": "\\u0000"}', [("ce_type", b"\xff\xfe"), ("twice", b"1"), ("twice", b"2")], None),
    (b"x" * 900_000, [], None),
]


def make_event(number: int = 1) -> CaseStatusChanged:
    return CaseStatusChanged.model_validate(
        {
            "event_id": uuid4(),
            "occurred_at": datetime(2026, 1, 5, tzinfo=UTC),
            "key": f"SR01-{number:09}-0",
            "account_id": "a1",
            "subject_id": f"SR01-{number:09}-0",
            "revision": 1,
            "status": "open",
        }
    )


class Member:
    """A member of a group with one handler; ``meanwhile`` is what the handler does."""

    def __init__(self, kafka: str, topics: dict[str, str], handled: list[str]) -> None:
        service = topics["routing-dlq"].removesuffix("-dlq")
        inlet = Inlet(service)
        self.meanwhile: Callable[[Any], Any] = lambda _: asyncio.sleep(0)

        @inlet.subscriber(topics["routes"], schema=RoutesEvent)
        async def on_event(event: RoutesEvent) -> None:
            await self.meanwhile(event)
            handled.append(str(event.event_id))

        @inlet.subscriber(topics["cases"], schema=RoutesEvent, workers=2)
        async def on_other(event: RoutesEvent) -> None:
            pass

        self.publisher = inlet.publisher(topics["routes"], schema=RoutesEvent)
        self.broker = build_broker(kafka, service=service)
        self.delivery = Delivery(service, self.broker, MemoryAttempts())
        self.consumers = Consumers(self.broker, inlet, self.delivery)


@pytest.fixture
def names(topics: Topics) -> dict[str, str]:
    return topics.fresh(*DECLARED)


@pytest.fixture
def handled() -> list[str]:
    return []


@pytest.fixture
def make_member(kafka_address: str, names: dict[str, str], handled: list[str]) -> Callable[[], Member]:
    return lambda: Member(kafka_address, names, handled)


@pytest.fixture
async def producer(kafka_address: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
    await producer.start()
    yield producer
    await producer.stop()


@asynccontextmanager
async def running(member: Member) -> AsyncIterator[Member]:
    await member.consumers.start()
    try:
        yield member
    finally:
        await member.consumers.stop()


async def send(producer: AIOKafkaProducer, topic: str, *events: CaseStatusChanged) -> list[str]:
    for event in events:
        await producer.send_and_wait(topic, encode(event, source="routing").body.encode(), key=event.key.encode())
    return [str(event.event_id) for event in events]


async def eventually(check: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.05)


async def read_all(kafka: str, topic: str, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            records = [await consumer.getone() for _ in range(count)]
        more = await consumer.getmany(timeout_ms=500)
        return records + [record for some in more.values() for record in some]
    finally:
        await consumer.stop()


async def test_ten_kinds_of_poison_are_parked_once_each_and_hold_up_nothing(
    kafka_address: str,
    names: dict[str, str],
    handled: list[str],
    producer: AIOKafkaProducer,
    make_member: Callable[[], Member],
) -> None:
    events = [make_event(number) for number in range(40)]
    async with running(make_member()):
        sent = []
        for position, event in enumerate(events):
            sent += await send(producer, names["routes"], event)
            if position % 4 == 3:
                value, headers, key = POISON[position // 4]
                await producer.send_and_wait(names["routes"], value, key=key, headers=headers)
        await eventually(lambda: set(handled) == set(sent))
        parked = await read_all(kafka_address, names["routing-dlq"], len(POISON))
    assert sorted(record.value or b"" for record in parked) == sorted(value or b"" for value, _, _ in POISON)
    for record in parked:
        stated = dict(record.headers)
        assert stated["dlq-topic"] == names["routes"].encode()
        assert stated.keys() >= {"dlq-partition", "dlq-offset", "dlq-reason", "dlq-attempts", "dlq-at"}


async def test_every_tenth_of_a_thousand_messages_fails_once_and_none_is_skipped(
    names: dict[str, str], handled: list[str], producer: AIOKafkaProducer, make_member: Callable[[], Member]
) -> None:
    member, tries = make_member(), Counter[str]()

    async def fail_every_tenth(event: Any) -> None:
        tries[str(event.event_id)] += 1
        if int(event.key.split("-")[1]) % 10 == 0 and tries[str(event.event_id)] == 1:
            raise ZeroDivisionError

    member.meanwhile = fail_every_tenth
    member.delivery.sleep = lambda _: asyncio.sleep(0.001)
    async with running(member):
        events = [make_event(number) for number in range(1_000)]
        sent = await asyncio.gather(*(send(producer, names["routes"], event) for event in events))
        wanted = {one for some in sent for one in some}
        await eventually(lambda: set(handled) >= wanted, seconds=120)
    assert set(handled) == wanted
    assert max(tries.values()) <= 5


async def test_an_outage_keeps_the_message_over_a_restart(
    names: dict[str, str], handled: list[str], producer: AIOKafkaProducer, make_member: Callable[[], Member]
) -> None:
    failures = []

    async def fail(_: Any) -> None:
        failures.append(1)
        raise OutageError("MongoDB")

    first = make_member()
    first.meanwhile = fail
    sent = await send(producer, names["routes"], *(make_event(number) for number in range(5)))
    async with running(first):
        await eventually(lambda: failures)
    assert handled == []
    async with running(make_member()):
        await eventually(lambda: set(handled) == set(sent))


async def test_a_member_that_joins_doubles_nothing_that_is_in_hand(
    names: dict[str, str], handled: list[str], producer: AIOKafkaProducer, make_member: Callable[[], Member]
) -> None:
    first, second = make_member(), make_member()
    first.meanwhile = second.meanwhile = lambda _: asyncio.sleep(0.2)
    sent = await send(producer, names["routes"], *(make_event(number) for number in range(60)))
    async with running(first):
        await eventually(lambda: len(handled) >= 3)
        async with running(second):
            await eventually(lambda: len(handled) >= len(sent))
    assert sorted(handled) == sorted(sent)


async def test_a_paused_group_goes_on_when_an_operator_resumes_it(
    kafka_address: str,
    names: dict[str, str],
    handled: list[str],
    producer: AIOKafkaProducer,
    make_member: Callable[[], Member],
) -> None:
    async with running(make_member()) as member:
        for _ in range(MAX_PARKED_IN_A_ROW):
            await producer.send_and_wait(names["routes"], b"not json")
        await eventually(lambda: member.consumers.states()[names["routes"]] == "paused")
        assert member.consumers.states()[names["routing-retry"]] == "running"
        sent = await send(producer, names["routes"], make_event())
        for partition in range(8):
            await producer.send_and_wait(
                names["routing-retry"], b"", partition=partition, headers=[("dlq-control", b"resume")]
            )
        await eventually(lambda: handled == sent)
        assert set(member.consumers.states().values()) == {"running"}


def reader_of(member: Member, topic: str) -> Any:
    subscribers: list[Any] = list(member.broker.subscribers)
    return next(one for one in subscribers if one.topic_names == [topic])


async def test_what_dies_inside_the_client_counts_as_stopped(
    names: dict[str, str], make_member: Callable[[], Member]
) -> None:
    async with running(make_member()) as member:
        assert set(member.consumers.states().values()) == {"running"}
        routes, cases = (reader_of(member, names[topic]) for topic in ("routes", "cases"))
        tasks_of_subscriber(routes)[-1].cancel()
        await eventually(lambda: member.consumers.states()[names["routes"]] == "stopped")
        assert member.consumers.states()[names["cases"]] == "running"

        tasks_of_subscriber(cases)[-1].cancel()
        await eventually(lambda: member.consumers.states()[names["cases"]] == "stopped")
        assert member.consumers.states()["producer"] == "running"

        tasks_of_producer(member.broker.config.broker_config.producer)[-1].cancel()
        await eventually(lambda: member.consumers.states()["producer"] == "stopped")


async def test_a_requeued_message_is_handled_and_only_then_gone(
    kafka_address: str,
    names: dict[str, str],
    handled: list[str],
    producer: AIOKafkaProducer,
    make_member: Callable[[], Member],
) -> None:
    event = make_event()
    body = encode(event, source="routing").body.encode()
    async with running(make_member()):
        await producer.send_and_wait(
            names["routing-retry"], body, key=event.key.encode(), headers=[("dlq-topic", names["routes"].encode())]
        )
        await eventually(lambda: handled == [str(event.event_id)])


async def test_emitted_events_arrive_in_order_with_their_headers(
    kafka_address: str, names: dict[str, str], make_member: Callable[[], Member]
) -> None:
    events = [encode(make_event(7), source="routing") for _ in range(50)]
    async with running(make_member()) as member:
        await emit(member.publisher, *events)
    records = await read_all(kafka_address, names["routes"], 50)
    assert [json.loads(record.value)["event_id"] for record in records] == [event.event_id for event in events]
    headers = {name: value.decode() for name, value in records[0].headers}
    assert headers["content-type"] == "application/json"
    assert headers["ce_id"] == events[0].event_id
    assert headers["ce_subject"] == "SR01-000000007-0"


async def test_without_kafka_emitting_is_an_outage() -> None:
    inlet = Inlet("probe")
    publisher = inlet.publisher("routes", schema=RoutesEvent)
    Consumers(build_broker("127.0.0.1:9", service="probe"), inlet, Delivery("probe", build_broker("x:9", service="p")))
    with pytest.raises(OutageError):
        await emit(publisher, Encoded("e1", "routes", "k", "{}", {}))
