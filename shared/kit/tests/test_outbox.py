"""Group commit and relay, on a real MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import httpx
import pytest

from caseway_kit.app import build_app
from caseway_kit.errors import OutageError
from caseway_kit.group_commit import GroupCommit
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection, Database, DuplicateKey
from caseway_kit.outbox import LEASE, OUTBOX_INDEX, Backlog, Relay
from caseway_kit.testing.clock import FixedClock

pytestmark = pytest.mark.integration


class Topic:
    """Where the relay publishes to; away as often as a test says."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.away = 0

    async def publish(self, events: Sequence[Encoded]) -> None:
        if self.away:
            self.away -= 1
            raise OutageError("Kafka")
        self.messages += [event.event_id for event in events]


def make_event(name: str) -> Encoded:
    return Encoded(name, "cases", "SR01-000000042-4", "{}", {})


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def cases(database: Database) -> Collection:
    collection = database.collection("cases")
    await collection.ensure_indexes([OUTBOX_INDEX])
    return collection


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def eventually(check: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.01)


async def test_an_inserted_document_is_relayed_at_once_and_its_outbox_emptied(
    cases: Collection, topic: Topic, clock: FixedClock
) -> None:
    relay = Relay(cases, topic.publish, clock=clock)
    document = {"_id": "c1", **relay.pending(make_event("e1"), make_event("e2"))}
    async with running(relay):
        await cases.insert_one(document)
        relay.inserted(document)
        await eventually(lambda: topic.messages == ["e1", "e2"])
        while (await relay.backlog()).count:
            await asyncio.sleep(0.01)


async def test_what_waits_is_counted_over_all_relays_and_dated_by_its_oldest_fact(
    database: Database, cases: Collection, topic: Topic, clock: FixedClock
) -> None:
    app = build_app("sample", title="Sample", version="1", start=lambda _: nullcontext())
    others = database.collection("others")
    relays = [Relay(collection, topic.publish, clock=clock) for collection in (cases, others)]
    for number, relay in enumerate(relays):
        app.relay(str(number), relay)
    await app.health.stop_tasks()
    assert await app.backlog() == Backlog(0, None)
    for number in range(3):
        headers = {"ce_time": clock.now().isoformat()}
        event = Encoded(f"e{number}", "cases", "SR01-000000042-4", "{}", headers)
        await cases.insert_one({"_id": number, **relays[0].pending(event)})
        clock.advance(10)
    await others.insert_one({"_id": "by an update", "outbox": [make_event("e3").document()]})
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        assert (await client.get("/internal/backlog")).json() == {"count": 4, "oldest_seconds": 30.0}


async def test_what_a_killed_process_left_is_relayed_when_its_lease_ends(
    cases: Collection, topic: Topic, clock: FixedClock
) -> None:
    killed = Relay(cases, topic.publish, clock=clock)
    await cases.insert_one({"_id": "c1", **killed.pending(make_event("e1"))})
    survivor = Relay(cases, topic.publish, clock=clock)
    async with running(survivor):
        await asyncio.sleep(0)
        assert topic.messages == []
        clock.advance(LEASE.total_seconds() + 1)
        await eventually(lambda: topic.messages == ["e1"])


async def test_an_update_is_relayed_after_what_waited_before_it(
    cases: Collection, topic: Topic, clock: FixedClock
) -> None:
    relay = Relay(cases, topic.publish, clock=clock)
    document = {"_id": "c1", **relay.pending(make_event("e1"))}
    await cases.insert_one(document)
    await cases.update_one({"_id": "c1"}, {"$push": Relay.push(make_event("e2"))})
    relay.updated("c1")
    async with running(relay):
        await eventually(lambda: len(topic.messages) == 2)
    assert topic.messages == ["e1", "e2"]


async def test_updates_and_what_others_left_go_out_while_more_and_more_is_inserted(
    cases: Collection, topic: Topic, clock: FixedClock
) -> None:
    async def publish(events: Sequence[Encoded]) -> None:
        await topic.publish(events)
        document = {"_id": f"n{len(topic.messages)}", **relay.pending(make_event("new"))}
        await cases.insert_one(document)
        relay.inserted(document)

    relay = Relay(cases, publish, clock=clock)
    left = {"_id": "left", **Relay(cases, publish, clock=clock).pending(make_event("left"))}
    clock.advance(LEASE.total_seconds() + 1)
    busy = {"_id": "busy", **relay.pending(make_event("new"))}
    await cases.insert_many([left, {"_id": "c1", "outbox": []}, busy])
    await cases.update_one({"_id": "c1"}, {"$push": Relay.push(make_event("update"))})
    relay.inserted(busy)
    relay.updated("c1")
    async with running(relay):
        await eventually(lambda: {"update", "left"} <= set(topic.messages))


async def test_an_outage_loses_nothing(cases: Collection, topic: Topic, clock: FixedClock) -> None:
    relay = Relay(cases, topic.publish, clock=clock)
    topic.away = 1
    document = {"_id": "c1", **relay.pending(make_event("e1"))}
    await cases.insert_one(document)
    relay.inserted(document)
    async with running(relay):
        await eventually(lambda: topic.away == 0)
        await eventually(lambda: topic.messages == ["e1"])


async def test_two_relays_share_a_backlog_without_a_double(cases: Collection, topic: Topic, clock: FixedClock) -> None:
    killed = Relay(cases, topic.publish, clock=clock)
    await cases.insert_many([{"_id": f"c{n}", **killed.pending(make_event(f"e{n}"))} for n in range(500)])
    clock.advance(LEASE.total_seconds() + 1)
    async with running(Relay(cases, topic.publish, clock=clock), Relay(cases, topic.publish, clock=clock)):
        await eventually(lambda: len(topic.messages) >= 500)
    assert sorted(topic.messages) == sorted(f"e{n}" for n in range(500))


async def test_one_document_that_cannot_be_prepared_does_not_hold_up_the_others(
    cases: Collection, topic: Topic, clock: FixedClock
) -> None:
    async def prepare(document: dict[str, Any]) -> None:
        if document["_id"] == "bad":
            raise ZeroDivisionError

    relay = Relay(cases, topic.publish, clock=clock, prepare=prepare)
    async with running(relay):
        for name in ("bad", "good"):
            document = {"_id": name, **relay.pending(make_event(name))}
            await cases.insert_one(document)
            relay.inserted(document)
        await eventually(lambda: topic.messages == ["good"])


async def test_group_commit_tells_each_caller_of_its_own_document(cases: Collection) -> None:
    commit = GroupCommit(cases)
    results = await asyncio.gather(*(commit.insert({"_id": f"c{n % 40}"}) for n in range(50)), return_exceptions=True)
    assert sum(isinstance(result, DuplicateKey) for result in results) == 10
    assert await cases.count({}) == 40


async def test_group_commit_goes_on_after_an_outage(cases: Collection) -> None:
    class Flaky(Collection):
        failures = 1

        async def insert_many(self, documents: Sequence[dict[str, Any]]) -> dict[int, DuplicateKey]:
            if self.failures:
                self.failures -= 1
                raise OutageError("MongoDB")
            return await cases.insert_many(documents)

    commit = GroupCommit(Flaky(None))
    with pytest.raises(OutageError):
        await commit.insert({"_id": "c1"})
    await commit.insert({"_id": "c2"})
    assert await cases.count({}) == 1
