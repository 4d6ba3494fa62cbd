import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import AsyncMongoClient

from caseway_kit.testing.topics import Topics

pytestmark = pytest.mark.integration


async def test_a_message_travels_through_the_kafka_of_the_run(kafka_address: str, topics: Topics) -> None:
    cases = topics.fresh("cases")["cases"]
    async with AIOKafkaProducer(bootstrap_servers=kafka_address, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(cases, b"hello", key=b"SR")
    async with AIOKafkaConsumer(cases, bootstrap_servers=kafka_address, auto_offset_reset="earliest") as consumer:
        assert (await consumer.getone()).value == b"hello"


async def test_a_write_reaches_the_majority_of_the_replica_set(mongo_url: str, mongo_database: str) -> None:
    async with AsyncMongoClient[dict[str, object]](mongo_url, w="majority", journal=True) as client:
        await client[mongo_database].cases.insert_one({"_id": 1})
        assert await client[mongo_database].cases.count_documents({}) == 1


def test_exact_topics_may_be_asked_for_again(topics: Topics) -> None:
    topics.exact("cases", "analyses")
    topics.exact()
