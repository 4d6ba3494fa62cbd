import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from caseway_contracts.base import Event
from caseway_kit.messaging import encode
from caseway_kit.testing.waiting import eventually_async


class TopicLog:
    """What the test states, and what stands on one topic from its start."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self._producer = producer
        self._consumer = consumer
        self._seen: list[dict[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def opened(cls, kafka_address: str, topic: str) -> "AsyncIterator[TopicLog]":
        async with (
            AIOKafkaProducer(bootstrap_servers=kafka_address) as producer,
            AIOKafkaConsumer(topic, bootstrap_servers=kafka_address, auto_offset_reset="earliest") as consumer,
        ):
            yield cls(producer, consumer)

    async def state(self, *events: Event) -> None:
        for event in events:
            one = encode(event, source="tests")
            headers = [(name, value.encode()) for name, value in one.headers.items()]
            await self._producer.send_and_wait(one.topic, one.body.encode(), key=one.key.encode(), headers=headers)

    async def stated(self, count: int = 1, **facts: Any) -> list[dict[str, Any]]:
        """The events with these facts, each once, when there are ``count``; others may follow."""

        async def look() -> list[dict[str, Any]]:
            await self._read()
            found = [one for one in self._seen if facts.items() <= one.items()]
            return list({one["event_id"]: one for one in found}.values())

        found: list[dict[str, Any]] = await eventually_async(look, lambda found: len(found) >= count)
        return found

    async def repeated(self, event: dict[str, Any], times: int) -> None:
        """Wait until the event stands there so many times, each time with the same facts."""

        async def look() -> int:
            await self._read()
            return self.count(event)

        await eventually_async(look, lambda found: found >= times)
        assert all(one == event for one in self._seen if one["event_id"] == event["event_id"])

    def count(self, event: dict[str, Any]) -> int:
        """How often it was seen so far."""
        return [one["event_id"] for one in self._seen].count(event["event_id"])

    async def _read(self) -> None:
        for records in (await self._consumer.getmany(timeout_ms=100)).values():
            self._seen += [json.loads(record.value) for record in records]


OpenLog: TypeAlias = Callable[[str], Awaitable[TopicLog]]
