from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from caseway_contracts import topics as contracts
from caseway_embedded.data_dir import StackError


class TopicLike(Protocol):
    """What a topic of the contracts says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def config(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int = 8
    config: Mapping[str, str] = field(default_factory=dict)


def declared_topics() -> list[TopicLike]:
    return list(contracts.topics())


async def apply_topics(address: str, topics: Iterable[TopicLike]) -> None:
    """Create what is missing and extend what is too small; nothing is ever removed or shrunk."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address, client_id="caseway-topics", request_timeout_ms=20_000)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        wanted = list(topics)
        await _create(admin, [topic for topic in wanted if topic.name not in existing])
        await _extend(admin, [topic for topic in wanted if topic.name in existing])
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: list[TopicLike]) -> None:
    if not missing:
        return
    made = [NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.config)) for topic in missing]
    answer = await admin.create_topics(made)
    _check((row[0], row[1]) for row in answer.topic_errors)


async def _extend(admin: AIOKafkaAdminClient, present: list[TopicLike]) -> None:
    if not present:
        return
    described = await admin.describe_topics([topic.name for topic in present])
    sizes = {row["topic"]: len(row["partitions"]) for row in described}
    small = {topic.name: NewPartitions(topic.partitions) for topic in present if sizes[topic.name] < topic.partitions}
    if small:
        answer = await admin.create_partitions(small)
        _check((row[0], row[1]) for row in answer.topic_errors)
    configured = [ConfigResource(ConfigResourceType.TOPIC, topic.name, dict(topic.config)) for topic in present]
    for answer in await admin.alter_configs(configured):
        _check((row[3], row[0]) for row in answer.resources)


def _check(rows: Iterable[tuple[str, int]]) -> None:
    for name, code in rows:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise StackError(f"Kafka refuses topic {name}: {for_code(code).__name__}")
