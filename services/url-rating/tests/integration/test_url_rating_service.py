"""The service as a process of its own, on real Kafka and MongoDB."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from joserfc.jwk import OKPKey

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.results import EvidenceReport, FoundUrl, UrlReport
from caseway_contracts.sheets import CaseSheet, SheetUrl
from caseway_kit.auth import Caller, Role, sign_token
from caseway_kit.messaging import encode
from caseway_kit.objects import Objects, new_salt, open_objects
from caseway_kit.testing.plugin import Topics

pytestmark = pytest.mark.integration

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig", "alg": "EdDSA"})
DEADLINE = 60.0


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(0.05)


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

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        server.shutdown()
        thread.join()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@dataclass
class Service:
    environment: dict[str, str]
    log: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        while not await self._started():
            self.port = free_port()  # somebody else took the one before

    async def _started(self) -> bool:
        self.environment["URL_RATING_PORT"] = str(self.port)
        begins = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "url_rating.main", env={**os.environ, **self.environment}, stdout=log, stderr=log
            )
        await eventually(self._ready_or_ended)
        if self.process.returncode is None:
            return True
        said = self.log.read_bytes()[begins:].decode()
        assert "address already in use" in said.lower(), said[-3_000:]
        return False

    async def _ready_or_ended(self) -> bool:
        assert self.process is not None
        if self.process.returncode is not None:
            return True
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """In order, so that the next one need not wait until Kafka misses this one's consumers."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        assert await self.process.wait() == 0


@dataclass
class Log:
    """The topics of the run: what the test states, and what the service stated about its cases."""

    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def state(self, event: CaseSubmitted | EvidenceAnalyzed) -> None:
        one = encode(event, source="tests")
        headers = [(name, value.encode()) for name, value in one.headers.items()]
        await self.producer.send_and_wait(one.topic, one.body.encode(), key=one.key.encode(), headers=headers)

    async def stated(self, sr_number: str, type_: str, count: int = 1) -> list[dict[str, Any]]:
        async def look() -> list[dict[str, Any]]:
            for records in (await self.consumer.getmany(timeout_ms=200)).values():
                self.seen += [json.loads(record.value) for record in records]
            found = [one for one in self.seen if (one["key"], one["type"]) == (sr_number, type_)]
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = await eventually(look)
        return found


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return open_objects(f"file://{tmp_path}/objects")


@pytest.fixture
async def service(
    kafka_address: str, mongo_url: str, topics: Topics, jwks: str, tmp_path: Path, objects: Objects
) -> AsyncIterator[Service]:
    topics.exact()
    environment = {
        "CASEWAY_KAFKA": kafka_address,
        "CASEWAY_MONGO": mongo_url,
        "CASEWAY_OBJECTS": f"file://{tmp_path}/objects",
        "CASEWAY_REGION": "01",
        "CASEWAY_JWKS": jwks,
    }
    service = Service(environment, tmp_path / "service.log", free_port())
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def log(kafka_address: str, service: Service) -> AsyncIterator[Log]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
    consumer = AIOKafkaConsumer("ratings", bootstrap_servers=kafka_address, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    yield Log(producer, consumer)
    await consumer.stop()
    await producer.stop()


@pytest.fixture
def http(service: Service) -> Callable[[Role], httpx.AsyncClient]:
    def client(role: Role) -> httpx.AsyncClient:
        caller = Caller("con-1", "acc-1", "a@example.com", role, (), "s1")
        token = sign_token(
            KEY, caller, issuer="caseway", audience="caseway", now=datetime.now(UTC), lifetime=timedelta(minutes=5)
        )
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{service.port}/api/v1/ratings",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    return client


async def submitted(objects: Objects, sr_number: str, *urls: SheetUrl) -> CaseSubmitted:
    sheet = CaseSheet(salt=new_salt(), sr_number=sr_number, subject="Links", description="Why?", urls=urls)
    ref = await objects.put_json(f"cases/{sr_number}/sheet/1", sheet)
    return CaseSubmitted.model_validate(
        {
            "event_id": uuid4(),
            "occurred_at": datetime.now(UTC),
            "key": sr_number,
            "account_id": "acc-1",
            "subject_id": sr_number,
            "revision": 1,
            "region": "01",
            "by": "con-1",
            "issue_type": "threat",
            "category": "url-reclassification",
            "severity": "medium",
            "product": "apex-one",
            "catalog_version": "1",
            "profile_id": "prof-1",
            "profile_revision": 1,
            "sheet": ref,
            "evidence": [{"id": url.evidence_id, "kind": "url", "object": ref} for url in urls],
        }
    )


async def analyzed(objects: Objects, sr_number: str, *urls: str) -> EvidenceAnalyzed:
    found = tuple(FoundUrl(id=f"url-{number}", url=url) for number, url in enumerate(urls))
    piece = uuid4().hex
    report = EvidenceReport(
        salt=new_salt(), sr_number=sr_number, evidence_id=piece, revision=1, kind="email", urls=found
    )
    return EvidenceAnalyzed(
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        key=sr_number,
        account_id="acc-1",
        subject_id=piece,
        revision=1,
        kind="email",
        verdict="unknown",
        case_revision=1,
        urls=len(urls),
        report=await objects.put_json(f"cases/{sr_number}/reports/{piece}/1", report),
    )


async def test_case_is_rated_decided_and_rated_otherwise(
    log: Log, objects: Objects, http: Callable[[Role], httpx.AsyncClient]
) -> None:
    sr_number = f"SR01-{uuid4().int % 10**9:09}-0"
    url = f"http://{uuid4().hex}.phishing.test/"
    evidence_id = uuid4().hex
    case = await submitted(objects, sr_number, SheetUrl(evidence_id=evidence_id, url=url, requested_rating="safe"))
    await log.state(case)
    mail = await analyzed(objects, sr_number, "http://malware.test/a", url)
    await log.state(mail)

    rated = {one["subject_id"]: one for one in await log.stated(sr_number, "UrlsRated", 2)}
    assert rated[f"{sr_number}/urls/1"]["counts"] == {"dangerous": 1}
    assert rated[mail.subject_id]["counts"] == {"dangerous": 2}

    async with http("analyst") as analyst:
        waiting = (await analyst.get("/reclassifications?status=waiting&limit=200")).json()["items"]
        assert evidence_id in {one["id"] for one in waiting}
        decision = {"outcome": "changed", "rating": "safe", "reason": "The site was cleaned."}
        answer = await analyst.post(f"/reclassifications/{evidence_id}/decision", json=decision)
        assert answer.status_code == 200, answer.text
    [decided] = await log.stated(sr_number, "UrlReclassified")
    assert (decided["subject_id"], decided["outcome"], decided["rating"]) == (evidence_id, "changed", "safe")
    assert decided["caused_by"] == str(case.event_id)

    # Both lots of the case hold the URL; the typed one was told by the decision.
    later = [one for one in await log.stated(sr_number, "UrlsRated", 4) if one["revision"] == 2]
    assert {one["subject_id"]: (one["worst"], one["changed"]) for one in later} == {
        f"{sr_number}/urls/1": ("safe", 0),
        mail.subject_id: ("dangerous", 1),
    }

    async with http("customer") as customer:
        [result] = (await customer.post("/lookup", json={"urls": [url]})).json()["results"]
        assert (result["rating"], result["reasons"][0]["engine"]) == ("safe", "analysts")


async def test_killed_service_says_the_same_again(log: Log, service: Service, objects: Objects) -> None:
    sr_number = f"SR01-{uuid4().int % 10**9:09}-0"
    case = await submitted(objects, sr_number, SheetUrl(evidence_id=uuid4().hex, url="http://safe.test/"))
    await log.state(case)
    [first] = await log.stated(sr_number, "UrlsRated")
    await service.kill()
    await log.state(case)
    await service.start()
    stated = await log.stated(sr_number, "UrlsRated", 2)
    assert len(stated) >= 2
    assert all(one == first for one in stated)
    report = await objects.get_json(ObjectRef.model_validate(first["report"]), UrlReport)
    assert [one.rating for one in report.urls] == ["safe"]


async def test_long_list_streams_in_while_its_progress_streams_out(
    http: Callable[[Role], httpx.AsyncClient], service: Service
) -> None:
    name = f"l{uuid4().hex[:8]}"

    async def lines() -> AsyncIterator[bytes]:
        for start in range(0, 110_000, 1_000):
            yield "".join(f"phishing\thost{number}.{name}.example\n" for number in range(start, start + 1_000)).encode()

    async with http("operator") as operator:
        answer = await operator.post(f"/imports?format=ut1&name={name}&version=1", content=lines(), timeout=120)
        *progress, done = [json.loads(line) for line in answer.text.splitlines()]
        assert [one["lines"] for one in progress] == [50_000, 100_000]
        assert (done["done"], done["lines"], done["entries"]) == (True, 110_000, 110_000)
        url = f"http://www.host77777.{name}.example/page"
        [result] = (await operator.post("/lookup", json={"urls": [url]})).json()["results"]
        assert (result["rating"], result["reasons"][0]["engine"]) == ("dangerous", name)
