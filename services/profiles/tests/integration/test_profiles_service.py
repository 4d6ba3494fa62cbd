"""The service as a process of its own, on real Kafka and MongoDB."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from profiles_system import MakeRecord

from caseway_kit.messaging import build_broker
from caseway_kit.mongo import Collection, Database
from caseway_kit.outbox import LEASE, Relay
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.service_process import MakeService, ServiceProcess
from caseway_kit.testing.topic_log import OpenLog, TopicLog
from caseway_kit.testing.waiting import eventually_async
from profiles.facts import profile_saved
from profiles.handlers import inlet
from profiles.main import publish
from profiles.mongo_records import MongoProfileRepository

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

OPERATOR = {"email": "root@example.com", "password": "an operator's password"}


@pytest.fixture(scope="module")
def service(make_service: MakeService) -> ServiceProcess:
    operator = {f"PROFILES_BOOTSTRAP_OPERATOR_{name.upper()}": value for name, value in OPERATOR.items()}
    return make_service("profiles", **operator)


@pytest.fixture
async def log(open_log: OpenLog, service: ServiceProcess) -> TopicLog:
    return await open_log("profiles")


@pytest.fixture
async def http(service: ServiceProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", timeout=60) as client:
        yield client


async def sign_in(http: httpx.AsyncClient, person: dict[str, str]) -> None:
    session = await http.post("/session", json=person)
    http.headers["Authorization"] = f"Bearer {session.raise_for_status().json()['token']}"


async def add(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def saved_profile(http: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    """A profile of a new account, saved by its first customer."""
    await sign_in(http, OPERATOR)
    account = await add(http, "/accounts", {"name": f"Example {uuid4().hex}"})
    customer = {"email": f"{uuid4().hex}@example.com", "password": "a customer's password"}
    await add(http, "/users", {"account_id": account["id"], "role": "customer", "name": "Ann", **customer})
    await sign_in(http, customer)
    return {"account_id": account["id"], **await add(http, "/profiles", body)}


async def test_what_is_saved_reaches_the_topic(
    service: ServiceProcess, http: httpx.AsyncClient, log: TopicLog, profile_body: dict[str, Any]
) -> None:
    service.start()
    saved = await saved_profile(http, profile_body)

    stated = {one["type"]: one for one in await log.stated(3, account_id=saved["account_id"])}

    assert stated.keys() == {"AccountSaved", "ContactSaved", "ProductProfileSaved"}
    profile = stated["ProductProfileSaved"]
    assert (profile["subject_id"], profile["revision"]) == (saved["id"], 1)
    assert stated["AccountSaved"]["revision"] == 1
    assert stated["ContactSaved"]["role"] == "customer"


async def test_everything_is_saved_while_kafka_is_away_and_stated_when_it_is_back(
    service: ServiceProcess, http: httpx.AsyncClient, log: TopicLog, profile_body: dict[str, Any]
) -> None:
    service.start(CASEWAY_KAFKA="127.0.0.1:9")
    saved = await saved_profile(http, profile_body)

    service.start()
    [stated] = await log.stated(account_id=saved["account_id"], type="ProductProfileSaved")
    assert stated["subject_id"] == saved["id"]


async def test_what_a_crash_left_unpublished_is_published_by_the_poller(
    kafka_address: str,
    database: Database,
    log: TopicLog,
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
    [stated] = await log.stated(account_id=profile.account_id)

    async def nothing_waits() -> bool:
        return await collection.count({"outbox.0": {"$exists": True}}) == 0

    await eventually_async(nothing_waits)
    poller.cancel()
    await broker.stop()
    assert (stated["subject_id"], stated["revision"]) == (profile.id, 1)
