"""The service as a process of its own on real Kafka and MongoDB; intake is away."""

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey
from portal_fakes import Make, make_caller

from caseway_contracts.base import Event
from caseway_contracts.routes import AnalysisCompleted
from caseway_contracts.sr_numbers import format_sr
from caseway_kit.auth import sign_token
from caseway_kit.messaging import build_broker
from caseway_kit.mongo import connect
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.plugin import Topics

pytestmark = pytest.mark.integration

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig", "alg": "EdDSA"})
DEADLINE = 100
NOWHERE = "http://127.0.0.1:9"


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE):
        while not (seen := await look()):
            await asyncio.sleep(0.1)
    return seen


@pytest.fixture
def sr_number() -> str:
    return format_sr("01", random.randrange(10**9))


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return open_objects(f"file://{tmp_path}/objects")


@pytest.fixture
def jwks() -> Iterator[str]:
    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": [KEY.as_dict(private=False)]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
async def portal(
    kafka_address: str, mongo_url: str, topics: Topics, jwks: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service, signed in as a customer."""
    topics.exact()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "CASEWAY_KAFKA": kafka_address,
        "CASEWAY_MONGO": mongo_url,
        "CASEWAY_REGION": "01",
        "CASEWAY_JWKS": jwks,
        "CASEWAY_OBJECTS": f"file://{tmp_path}/objects",
        "PORTAL_PORT": str(port),
        "PORTAL_INTAKE_URL": NOWHERE,
        "CASEWAY_PROFILES_URL": NOWHERE,
        "CASEWAY_URL_RATING_URL": NOWHERE,
    }
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "portal.main", env={**os.environ, **settings}, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    signed: dict[str, Any] = {
        "issuer": "caseway",
        "audience": "caseway",
        "now": datetime.now(UTC),
        "lifetime": timedelta(minutes=15),
    }
    headers = {"Authorization": f"Bearer {sign_token(KEY, make_caller(), **signed)}"}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:

            async def ready() -> bool:
                assert process.returncode is None, (tmp_path / "log").read_text()[-3_000:]
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready)
            yield client
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0, (tmp_path / "log").read_text()[-3_000:]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        mongo = connect(mongo_url, app_name="test")
        await mongo.drop_database("portal")
        await mongo.close()


@pytest.fixture
async def publish(kafka_address: str) -> AsyncIterator[Make]:
    broker = build_broker(kafka_address, service="test")
    await broker.start()

    async def publish(*events: Event) -> None:
        for event in events:
            await broker.publish(event.model_dump_json().encode(), event.topic, key=event.key.encode())

    yield publish
    await broker.stop()


@pytest.mark.timeout(240)
async def test_a_case_is_read_and_followed_while_its_events_come(
    portal: httpx.AsyncClient, sr_number: str, publish: Make, submit: Make, analyze: Make, make_event: Make
) -> None:
    covers = [{"type": "EvidenceAnalyzed", "id": "f1", "revision": 1}]
    completed = make_event(AnalysisCompleted, sr_number=sr_number, round=1, covers=covers)
    await publish(completed, await submit(sr_number=sr_number, files={"f1": "a.zip"}))

    async def shown() -> bool:
        return (await portal.get(f"/api/v1/cases/{sr_number}")).status_code == 200

    await eventually(shown)
    analyzed = await analyze("f1", "a.zip", "b.exe", sr_number=sr_number)
    seen: list[str] = []
    async with portal.stream("GET", f"/api/v1/cases/{sr_number}/events", timeout=DEADLINE) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
            if seen[-1:] == ["timeline"] and analyzed is not None:
                await publish(analyzed)
                analyzed = None
            if "complete" in seen:
                break
    assert seen[0] == "case"
    assert "evidence" in seen
    assert seen[-1] == "complete"
    case = (await portal.get(f"/api/v1/cases/{sr_number}")).json()
    assert case["analysis"]["complete"]
    assert [one["name"] for one in case["analysis"]["files"]] == ["a.zip", "b.exe"]
    listed = (await portal.get("/api/v1/cases", params={"q": sr_number})).json()
    assert [one["sr_number"] for one in listed["items"]] == [sr_number]
