"""Fixtures for every member's tests; pytest loads them by the kit's entry point."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from caseway_kit.testing.parts import RUN_VARIABLE, TestRun

if TYPE_CHECKING:
    from pymongo import MongoClient

    from caseway_kit.mongo import Database, Driver

RUN = pytest.StashKey[TestRun]()


def pytest_configure(config: pytest.Config) -> None:
    # Structlog's own default draws every exception with the values of its variables, for seconds.
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"])])
    if RUN_VARIABLE not in os.environ:
        config.stash[RUN] = TestRun.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if run := config.stash.get(RUN, None):
        run.end()


@pytest.fixture(scope="session")
def kafka_address() -> str:
    """A real Kafka, the same for the whole run: ``CASEWAY_TEST_KAFKA``, a container, or the embedded one."""
    return os.environ.get("CASEWAY_TEST_KAFKA") or TestRun.current().address_of("kafka")


@pytest.fixture(scope="session")
def mongo_url() -> str:
    """A real replica set, the same for the whole run: ``CASEWAY_TEST_MONGO``, a container, or the embedded one."""
    return os.environ.get("CASEWAY_TEST_MONGO") or TestRun.current().address_of("mongo")


class Topics:
    """Makes topics on the test Kafka as the contracts declare them. Blocks, also inside an async test."""

    def __init__(self, address: str) -> None:
        self.prefix = f"t{uuid.uuid4().hex[:8]}-"
        self._address = address

    def exact(self, *names: str) -> None:
        """Under their own names, all of them when none is named, and without what earlier tests wrote: a service reads
        from the start, and what belongs to other tests' databases would be poison to it."""
        own = {name: name for name in names or self._declared()}
        self._make(own)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, self._empty(list(own))).result()

    async def _empty(self, names: list[str]) -> Any:
        from aiokafka import TopicPartition
        from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
        from aiokafka.errors import KafkaError

        from caseway_contracts.topics import topic

        everything = RecordsToDelete(before_offset=-1)
        admin = AIOKafkaAdminClient(bootstrap_servers=self._address)
        await admin.start()
        try:
            partitions = [TopicPartition(name, number) for name in names for number in range(topic(name).partitions)]
            async with asyncio.timeout(20):
                while True:
                    try:
                        return await admin.delete_records(dict.fromkeys(partitions, everything))
                    except KafkaError:  # the leaders of topics that were just made are not known everywhere yet
                        await asyncio.sleep(0.2)
        finally:
            await admin.close()

    def fresh(self, *names: str) -> dict[str, str]:
        """Under names that no other test uses; returns declared name → name on the broker."""
        renamed = {name: f"{self.prefix}{name}" for name in names or self._declared()}
        self._make(renamed)
        return renamed

    def _declared(self) -> list[str]:
        from caseway_contracts.topics import topics

        return [topic.name for topic in topics()]

    def _make(self, renamed: dict[str, str]) -> None:
        from caseway_contracts.topics import topic
        from caseway_embedded.topics import Topic, apply_topics

        declared = [(topic(name), on_broker) for name, on_broker in renamed.items()]
        made = [Topic(on_broker, found.partitions, found.config) for found, on_broker in declared]
        # A loop of its own: the caller may be running in one, or in none.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, apply_topics(self._address, made)).result()


@pytest.fixture
def topics(kafka_address: str) -> Topics:
    return Topics(kafka_address)


@pytest.fixture(scope="session")
def _mongo_admin(mongo_url: str) -> "Iterator[MongoClient[dict[str, Any]]]":
    from pymongo import MongoClient

    with MongoClient[dict[str, Any]](mongo_url) as client:
        yield client


@pytest.fixture
def mongo_database(_mongo_admin: "MongoClient[dict[str, Any]]") -> Iterator[str]:
    """The name of a database that is this test's alone and goes with it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    _mongo_admin.drop_database(name)


@pytest.fixture
async def database(mongo_url: str, mongo_database: str) -> "AsyncIterator[Database]":
    """The same database through the kit, with the driver of ``CASEWAY_MONGO_DRIVER``."""
    from caseway_kit.mongo import connect

    driver: Driver = "pymongo" if os.environ.get("CASEWAY_MONGO_DRIVER") == "pymongo" else "motor"
    mongo = connect(mongo_url, app_name="tests", driver=driver)
    yield mongo.database(mongo_database)
    await mongo.close()
