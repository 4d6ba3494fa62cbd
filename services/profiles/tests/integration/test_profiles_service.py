"""The service as a process of its own, on real Kafka and MongoDB."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from profiles_system import MakeRecord

from caseway_kit.messaging import build_broker
from caseway_kit.mongo import Collection, Database, connect
from caseway_kit.outbox import LEASE, Relay
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.plugin import Topics
from profiles.facts import profile_saved
from profiles.handlers import inlet
from profiles.main import publish
from profiles.mongo_records import MongoProfileRepository

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEADLINE = 120.0
OPERATOR = {"email": "root@example.com", "password": "an operator's password"}
CUSTOMER = {"email": "ann@example.com", "password": "a customer's password"}


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(0.05)


@dataclass
class Service:
    environment: dict[str, str]
    log: Path
    port: int
    process: asyncio.subprocess.Process | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    async def start(self, **environment: str) -> None:
        environment = {**os.environ, **self.environment, **environment}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "profiles.main", env=environment, stdout=log, stderr=log
            )
        await eventually(self._ready)

    async def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()[-3_000:]
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

    async def post(self, path: str, body: dict[str, Any], *, by: dict[str, str], key: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/api/v1", timeout=60) as client:
            if by["email"] not in self.tokens:
                signed_in = await client.post("/session", json=by)
                self.tokens[by["email"]] = signed_in.raise_for_status().json()["token"]
            headers = {"Authorization": f"Bearer {self.tokens[by['email']]}", "Idempotency-Key": key}
            return await client.post(path, json=body, headers=headers)

    async def stop(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(DEADLINE):
            await self.process.wait()
        assert self.process.returncode == 0, self.log.read_text()[-3_000:]


@dataclass
class Log:
    """What was stated on the topic."""

    consumer: AIOKafkaConsumer
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def about(self, account_id: str, type_: str) -> dict[str, Any]:
        async def look() -> list[dict[str, Any]]:
            for records in (await self.consumer.getmany(timeout_ms=200)).values():
                self.seen += [json.loads(record.value) for record in records]
            return [one for one in self.seen if (one["account_id"], one["type"]) == (account_id, type_)]

        return dict((await eventually(look))[0])


@pytest.fixture
async def service(kafka_address: str, mongo_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    mongo = connect(mongo_url, app_name="tests")
    await mongo.drop_database("profiles")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "CASEWAY_KAFKA": kafka_address,
        "CASEWAY_MONGO": mongo_url,
        "CASEWAY_OBJECTS": tmp_path.as_uri(),
        "CASEWAY_REGION": "01",
        "PROFILES_PORT": str(port),
        "PROFILES_BOOTSTRAP_OPERATOR_EMAIL": OPERATOR["email"],
        "PROFILES_BOOTSTRAP_OPERATOR_PASSWORD": OPERATOR["password"],
    }
    service = Service(environment, tmp_path / "profiles.log", port)
    yield service
    if service.process is not None and service.process.returncode is None:
        service.process.kill()
        await service.process.wait()
    await mongo.drop_database("profiles")
    await mongo.close()


@pytest.fixture
async def log(kafka_address: str, topics: Topics) -> AsyncIterator[Log]:
    topics.exact("profiles")
    consumer = AIOKafkaConsumer("profiles", bootstrap_servers=kafka_address, auto_offset_reset="earliest")
    await consumer.start()
    yield Log(consumer)
    await consumer.stop()


async def account_with_customer(service: Service) -> str:
    account = await service.post("/accounts", {"name": "Example Ltd"}, by=OPERATOR, key="account")
    account_id = str(account.raise_for_status().json()["id"])
    user = {"account_id": account_id, "role": "customer", "name": "Ann", **CUSTOMER}
    (await service.post("/users", user, by=OPERATOR, key="user")).raise_for_status()
    return account_id


async def test_what_is_saved_reaches_the_topic(service: Service, log: Log, profile_body: dict[str, Any]) -> None:
    await service.start()
    account_id = await account_with_customer(service)
    saved = await service.post("/profiles", profile_body, by=CUSTOMER, key="profile")

    stated = await log.about(account_id, "ProductProfileSaved")

    assert (stated["subject_id"], stated["revision"]) == (saved.json()["id"], 1)
    assert (await log.about(account_id, "AccountSaved"))["revision"] == 1
    assert (await log.about(account_id, "ContactSaved"))["role"] == "customer"
    await service.stop()


async def test_what_a_crash_left_unpublished_is_published_by_the_poller(
    kafka_address: str,
    topics: Topics,
    database: Database,
    log: Log,
    make_profile: MakeRecord,
    make_relay: Callable[[Collection], Relay],
    clock: FixedClock,
) -> None:
    collection, profile = database.collection("product_profiles"), make_profile(account_id=f"acc-{uuid4().hex}")
    crashed = MongoProfileRepository(collection, make_relay(collection))
    await crashed.add(profile, profile_saved(profile, clock.now()))

    clock.advance(LEASE.total_seconds() + 1)
    broker = build_broker(kafka_address, service="profiles")
    broker.include_router(inlet.router)
    await broker.start()
    poller = asyncio.create_task(Relay(collection, publish, clock=clock).run())
    stated = await log.about(profile.account_id, "ProductProfileSaved")

    async def nothing_waits() -> bool:
        return await collection.count({"outbox.0": {"$exists": True}}) == 0

    await eventually(nothing_waits)
    poller.cancel()
    await broker.stop()
    assert (stated["subject_id"], stated["revision"]) == (profile.id, 1)


async def test_everything_is_saved_while_kafka_is_away_and_stated_when_it_is_back(
    service: Service, log: Log, profile_body: dict[str, Any]
) -> None:
    await service.start(CASEWAY_KAFKA="127.0.0.1:9")
    account_id = await account_with_customer(service)
    saved = await service.post("/profiles", profile_body, by=CUSTOMER, key="profile")
    assert saved.status_code == 201
    await service.stop()

    await service.start()
    stated = await log.about(account_id, "ProductProfileSaved")
    assert stated["subject_id"] == saved.json()["id"]
    await service.stop()
