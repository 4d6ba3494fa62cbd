"""Reading topics to their end, and what groups have committed."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

Position = dict[TopicPartition, int]


async def read(kafka: str, topics: Sequence[str], *, after: Position | None = None) -> AsyncIterator[Any]:
    """Every record that is there now, from the start or from the given offsets."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic) or await _partitions(kafka, topic))
        ]
        if not partitions:
            return
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        left = {}
        for partition in partitions:
            start = max(starts[partition], (after or {}).get(partition, 0))
            consumer.seek(partition, start)
            if start < ends[partition]:
                left[partition] = ends[partition]
        while left:
            for partition, records in (await consumer.getmany(timeout_ms=1_000, max_records=2_000)).items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield record
                if partition in left and await consumer.position(partition) >= left[partition]:
                    del left[partition]
    finally:
        await consumer.stop()


async def _partitions(kafka: str, topic: str) -> list[int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        [described] = await admin.describe_topics([topic])
        return [partition["partition"] for partition in described["partitions"]]
    finally:
        await admin.close()


async def committed(kafka: str) -> dict[str, Position]:
    """Offsets by group; a partition that a group has committed nothing of is left out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        groups = [name for name, _ in await admin.list_consumer_groups()]
        found = {}
        for group in groups:
            offsets = await admin.list_consumer_group_offsets(group)
            found[group] = {partition: meta.offset for partition, meta in offsets.items() if meta.offset >= 0}
        return found
    finally:
        await admin.close()
