"""How far each service's groups are behind the log, and what is parked, as Kafka itself tells."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from caseway_contracts.topics import Topic, topics
from caseway_kit.errors import OutageError
from caseway_kit.messaging.dead_letter import RESOLVES, dlq, header

MOST_READ = 5_000
SECONDS = 5.0

Position = Mapping[TopicPartition, int]


@dataclass(frozen=True)
class LogState:
    """By service: messages that its groups have not done yet, and dead letters that wait for a decision."""

    behind: Mapping[str, int]
    parked: Mapping[str, int]


class KafkaLog:
    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers

    async def state(self) -> LogState:
        """Raises OutageError."""
        try:
            async with asyncio.timeout(SECONDS), self._consumer() as consumer:
                known = [topic for topic in topics() if topic.consumers]
                done = await self._committed()
                ends = await consumer.end_offsets(_partitions(known))
                begins = await consumer.beginning_offsets(_partitions(known))
                letters = [topic for topic in topics() if topic.name.endswith("-dlq")]
                parked = await _parked(consumer, [topic.name for topic in letters], letters)
        except (KafkaError, TimeoutError, OSError) as error:
            raise OutageError("Kafka", type(error).__name__) from error
        return LogState(behind=lag_of(known, done, begins, ends), parked=parked)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, group_id=None, enable_auto_commit=False)
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def _committed(self) -> dict[str, Position]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            found: dict[str, Position] = {}
            for group, _ in await admin.list_consumer_groups():
                offsets = await admin.list_consumer_group_offsets(group)
                found[group] = {partition: one.offset for partition, one in offsets.items() if one.offset >= 0}
            return found
        finally:
            await admin.close()


def lag_of(known: Sequence[Topic], done: Mapping[str, Position], begins: Position, ends: Position) -> dict[str, int]:
    """Of each consumer the sum over its topics; of several of its groups on one, that which is furthest behind."""
    behind: dict[str, int] = defaultdict(int)
    for topic in known:
        for consumer in topic.consumers:
            groups = [name for name in done if name == consumer or name.startswith(f"{consumer}-")]
            readers = [done[name] for name in groups if any(one.topic == topic.name for one in done[name])]
            for partition in _partitions([topic]):
                begin, end = begins.get(partition, 0), ends.get(partition, 0)
                reached = min((reader.get(partition, begin) for reader in readers), default=begin)
                behind[consumer] += max(0, end - max(begin, reached))
    return dict(behind)


async def _parked(consumer: Any, names: Sequence[str], letters: Sequence[Topic]) -> dict[str, int]:
    partitions = _partitions(letters)
    ends = await consumer.end_offsets(partitions)
    begins = await consumer.beginning_offsets(partitions)
    left = {partition: ends[partition] for partition in partitions if begins[partition] < ends[partition]}
    parked: dict[str, set[str]] = {name: set() for name in names}
    resolved: dict[str, set[str]] = {name: set() for name in names}
    if left:
        consumer.assign(list(left))
        for partition in left:
            consumer.seek(partition, max(begins[partition], ends[partition] - MOST_READ))
    while left:
        for partition, records in (await consumer.getmany(timeout_ms=500)).items():
            for record in records:
                resolves = header(record.headers, RESOLVES)
                if resolves is None:
                    parked[record.topic].add(f"{record.partition}/{record.offset}")
                else:
                    resolved[record.topic].add(resolves)
            if await consumer.position(partition) >= left.get(partition, 0):
                left.pop(partition, None)
    return {name.removesuffix(dlq("")): len(parked[name] - resolved[name]) for name in names}


def _partitions(known: Sequence[Topic]) -> list[TopicPartition]:
    return [TopicPartition(topic.name, number) for topic in known for number in range(topic.partitions)]
