import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from caseway_embedded.data_dir import DataDir
from caseway_embedded.keeper import Keeper
from caseway_embedded.parts.base import Part
from caseway_embedded.parts.mailbox import Mailbox
from caseway_embedded.parts.mongod import Mongod
from caseway_embedded.topics import Topic, apply_topics

pytestmark = pytest.mark.integration

Kept = Callable[[Part], Awaitable[Keeper]]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    data = DataDir(tmp_path)
    data.create()
    return data


@pytest.fixture
async def kept() -> AsyncIterator[Kept]:
    async with AsyncExitStack() as stack:

        async def start(part: Part) -> Keeper:
            keeper = Keeper(part, lambda *_: None)
            stack.push_async_callback(keeper.stop)
            await keeper.start(60)
            return keeper

        yield start


async def test_a_database_whose_port_was_taken_meanwhile_moves_with_its_data(data: DataDir, kept: Kept) -> None:
    before = Mongod(data, ["intake"])
    keeper = await kept(before)
    async with AsyncMongoClient[dict[str, Any]](before.url("intake")) as client:
        await client.intake.cases.insert_one({"_id": "kept"})
    await keeper.stop()

    # Taken but deaf: mongod would talk for half a minute to whoever listens where it was.
    with socket.socket() as other:
        other.bind(("127.0.0.1", before.port))
        after = Mongod(data, ["intake", "portal"])
        await kept(after)

    assert after.port != before.port
    async with AsyncMongoClient[dict[str, Any]](after.url("intake"), w="majority") as client:
        assert await client.intake.cases.find_one() == {"_id": "kept"}
        await client.intake.cases.insert_one({"_id": "second"})
    async with AsyncMongoClient[dict[str, Any]](after.url("portal")) as client:
        await client.portal.pages.insert_one({"_id": "a service that came with an upgrade has its user"})


async def test_the_part_stays_down_when_it_is_stopped_in_the_middle_of_its_start(data: DataDir) -> None:
    keeper = Keeper(Mailbox(data), lambda *_: None)
    starting = asyncio.create_task(keeper.start(30))
    await asyncio.sleep(0)
    await keeper.stop()
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)

    assert keeper.part.pid is None


async def test_a_topic_grows_to_its_declared_partitions_and_never_shrinks(kafka_address: str) -> None:
    for declared, expected in ((2, 2), (8, 8), (4, 8)):
        await apply_topics(kafka_address, [Topic("grows", declared, {"retention.ms": "-1"})])
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
        await admin.start()
        try:
            [described] = await admin.describe_topics(["grows"])
        finally:
            await admin.close()
        assert len(described["partitions"]) == expected
