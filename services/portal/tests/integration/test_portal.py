"""The whole service on real Kafka and MongoDB; intake is away."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from portal_fakes import FakeTokens, Make, Stream

from caseway_contracts.base import Event
from caseway_contracts.routes import AnalysisCompleted
from caseway_contracts.sr_numbers import format_sr
from caseway_kit.app import ServiceApp
from caseway_kit.auth import check_tokens
from caseway_kit.messaging import build_broker
from caseway_kit.mongo import connect
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.plugin import Topics
from portal.main import build
from portal.settings import Settings

pytestmark = pytest.mark.integration

TOKEN = {"authorization": "Bearer customer@a1"}
DEADLINE = 60


@pytest.fixture
def sr_number() -> str:
    return format_sr("01", random.randrange(10**9))


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return open_objects(f"file://{tmp_path}")


@pytest.fixture
async def service(kafka_address: str, mongo_url: str, topics: Topics, tmp_path: Path) -> AsyncIterator[ServiceApp]:
    topics.exact()
    shared = {"CASEWAY_KAFKA": kafka_address, "CASEWAY_MONGO": mongo_url, "CASEWAY_OBJECTS": f"file://{tmp_path}"}
    nowhere = "http://127.0.0.1:9"
    own = {"CASEWAY_REGION": "01", "CASEWAY_JWKS": nowhere, "intake_url": nowhere, "port": "0"}
    app = build(Settings.model_validate({**shared, **own}))
    check_tokens(app.api, FakeTokens())
    async with running(app):
        yield app
    mongo = connect(mongo_url, app_name="test")
    await mongo.drop_database("portal")
    await mongo.close()


@contextlib.asynccontextmanager
async def running(app: ServiceApp) -> AsyncIterator[None]:
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answered: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.create_task(app({"type": "lifespan"}, asked.get, answered.put))
    asked.put_nowait({"type": "lifespan.startup"})
    assert (await answered.get())["type"] == "lifespan.startup.complete"
    yield
    asked.put_nowait({"type": "lifespan.shutdown"})
    assert (await answered.get())["type"] == "lifespan.shutdown.complete"
    await lifespan


@pytest.fixture
async def publish(kafka_address: str) -> AsyncIterator[Callable[..., Any]]:
    broker = build_broker(kafka_address, service="test")
    await broker.start()

    async def publish(*events: Event) -> None:
        for event in events:
            await broker.publish(event.model_dump_json().encode(), event.topic, key=event.key.encode())

    yield publish
    await broker.stop()


@pytest.mark.timeout(180)
async def test_a_case_is_read_and_followed_while_its_events_come(
    service: ServiceApp, sr_number: str, publish: Make, submit: Make, analyze: Make, make_event: Make
) -> None:
    analyzed = await analyze("f1", "a.zip", "b.exe")
    covers = [{"type": "EvidenceAnalyzed", "id": "f1", "revision": 1}]
    completed = make_event(AnalysisCompleted, sr_number=sr_number, round=1, covers=covers)
    await publish(analyzed.model_copy(update={"key": sr_number}), completed)
    await publish(await submit(sr_number=sr_number, files={"f1": "a.zip"}))
    transport = httpx.ASGITransport(service)
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers=TOKEN) as client:
        async with asyncio.timeout(DEADLINE):
            while True:
                answer = await client.get(f"/api/v1/cases/{sr_number}")
                if answer.status_code == 200 and answer.json()["analysis"]["complete"]:
                    break
                await asyncio.sleep(0.1)
        assert [one["name"] for one in answer.json()["analysis"]["files"]] == ["a.zip", "b.exe"]
        listed = (await client.get("/api/v1/cases", params={"q": sr_number})).json()
        assert [one["sr_number"] for one in listed["items"]] == [sr_number]
        ready = await client.get("/readyz")
    assert ready.json()["ready"], ready.text
    async with Stream(service, f"/api/v1/cases/{sr_number}/events", **TOKEN) as stream:
        await stream.until(lambda one: "complete" in [event["event"] for event in one.events()])
