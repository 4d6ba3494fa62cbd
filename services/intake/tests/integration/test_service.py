"""The service as a process of its own, on real Kafka and MongoDB, with its sandbox."""

import asyncio
import hashlib
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from joserfc.jwk import OKPKey

from caseway_contracts.base import ObjectRef
from caseway_contracts.sheets import CaseSheet
from caseway_kit.archives import protected_zip
from caseway_kit.auth import Caller, sign_token
from caseway_kit.objects import open_objects
from caseway_kit.testing.plugin import Topics

pytestmark = pytest.mark.integration

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig", "alg": "EdDSA"})
DEADLINE = 100.0
MIB = 1024 * 1024
PROFILE = {
    "id": "p1",
    "name": "Head office",
    "product": "apex-one",
    "version": "2019",
    "operating_systems": ["windows-10"],
    "language": "en",
    "settings": [],
    "revision": 1,
}
EXECUTABLE = b"MZ" + bytes(200)
MAIL = b"From: a@x.test\r\nTo: b@x.test\r\nSubject: Win\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n\r\nBuy\r\n"


async def eventually(look: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(0.05)


@pytest.fixture
def profiles() -> Iterator[str]:
    """What intake asks of profiles: keys, and one product profile."""

    class Profiles(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found: dict[str, Any] | None = {"keys": [KEY.as_dict(private=False)]} if "jwks" in self.path else None
            if self.path == "/api/v1/profiles/p1":
                found = PROFILE
            body = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Profiles) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass
class Service:
    environment: dict[str, str]
    log: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, *, probe: str = "readyz", **more: str) -> None:
        await self.launch(**more)
        await eventually(lambda: self._answers(probe))

    async def launch(self, **more: str) -> None:
        environment = {**os.environ, **self.environment, **more}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "intake.main", env=environment, stdout=log, stderr=log
            )

    async def _answers(self, probe: str) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()[-3_000:]
        async with httpx.AsyncClient() as client:
            try:
                return (await client.get(f"{self.url}/{probe}")).status_code == 200
            except httpx.TransportError:
                return False

    async def stop(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
            assert await self.process.wait() == 0

    def memory(self) -> int:
        assert self.process is not None
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def scratch() -> Iterator[Path]:
    # Not under tmp_path, whose parents are closed to the users that the sandbox's children run as.
    folder = Path(tempfile.mkdtemp(prefix="caseway-intake-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def service(
    kafka_address: str, mongo_url: str, topics: Topics, profiles: str, tmp_path: Path, scratch: Path
) -> AsyncIterator[Service]:
    topics.exact()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "CASEWAY_KAFKA": kafka_address,
        "CASEWAY_MONGO": mongo_url,
        "CASEWAY_OBJECTS": (tmp_path / "objects").as_uri(),
        "CASEWAY_REGION": "01",
        "CASEWAY_JWKS": f"{profiles}/jwks.json",
        "CASEWAY_PROFILES_URL": profiles,
        "CASEWAY_TESTING": "1",
        "INTAKE_PORT": str(port),
        "INTAKE_SCRATCH": str(scratch),
        "INTAKE_SUBMISSIONS_PER_MINUTE": "100000",
    }
    service = Service(environment, tmp_path / "service.log", port)
    yield service
    await service.stop()


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    caller = Caller("anna", f"acc-{uuid4().hex[:8]}", "anna@example.com", "customer", (), "s1")
    token = sign_token(
        KEY,
        caller,
        issuer="caseway",
        audience="caseway",
        now=datetime.now(UTC),
        lifetime=timedelta(minutes=15),
    )
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
async def log(kafka_address: str, topics: Topics) -> AsyncIterator["Log"]:
    topics.exact()
    consumer = AIOKafkaConsumer("cases", bootstrap_servers=kafka_address, auto_offset_reset="earliest")
    await consumer.start()
    yield Log(consumer)
    await consumer.stop()


class Log:
    """What stands on ``cases``."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._seen: list[dict[str, Any]] = []

    async def of(self, sr_numbers: set[str]) -> dict[str, list[dict[str, Any]]]:
        """The events of these cases, once each of them has one."""

        async def look() -> dict[str, list[dict[str, Any]]]:
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                self._seen += [json.loads(record.value) for record in records]
            found = {sr: [one for one in self._seen if one["key"] == sr] for sr in sr_numbers}
            return found if all(found.values()) else {}

        found: dict[str, list[dict[str, Any]]] = await eventually(look)
        return found


def submission(**changes: Any) -> dict[str, Any]:
    known = {
        "profile_id": "p1",
        "affected_operating_systems": ["windows-10"],
        "issue_type": "threat",
        "category": "collected-threat-sample-analysis",
        "subject": "Something odd",
        "description": "It came by mail.",
        "severity": "medium",
        "contact": {"method": "email"},
        "fields": {"virus_pattern_type": "virus-pattern-cpr"},
        "urls": [{"url": "http://odd.example/page"}],
    }
    return known | changes


async def upload(http: httpx.AsyncClient, name: str, data: bytes) -> str:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = await http.post("/api/v1/uploads", content=data, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
    return str(answer.json()["upload_id"])


async def test_a_protected_zip_travels_from_its_upload_to_its_event(
    service: Service, http: httpx.AsyncClient, log: Log, tmp_path: Path, scratch: Path
) -> None:
    await service.start()
    zipped = await upload(http, "mails.zip", protected_zip({"a.eml": MAIL}, "secret"))
    attachments = [{"upload_id": zipped, "password": "secret"}]

    answer = await http.post("/api/v1/cases", json=submission(attachments=attachments))

    assert answer.status_code == 201, answer.text
    sr = answer.json()["sr_number"]
    [event] = (await log.of({sr}))[sr]
    assert [piece["kind"] for piece in event["evidence"]] == ["email", "url"]
    objects = open_objects((tmp_path / "objects").as_uri())
    sheet = await objects.get_json(ObjectRef.model_validate(event["sheet"]), CaseSheet)
    assert (sheet.attachments[0].name, sheet.attachments[0].opened_with) == ("mails.zip", "secret")
    assert sheet.recipients[0].address == "anna@example.com"

    closed = await http.post(f"/api/v1/cases/{sr}/close", json={"comment": "Thank you."})
    assert closed.status_code == 202
    await eventually(lambda: _has(log, sr, 2))
    assert list((scratch / "fetched").iterdir()) == []


async def _has(log: Log, sr: str, count: int) -> bool:
    return len((await log.of({sr}))[sr]) >= count


async def test_the_customer_hears_at_once_what_cannot_be_used(service: Service, http: httpx.AsyncClient) -> None:
    await service.start()
    samples = {
        "tool.exe": EXECUTABLE,
        "open.zip": protected_zip({"tool.exe": EXECUTABLE}, None),
        "locked.zip": protected_zip({"a.txt": b"a"}, "secret"),
        "empty.zip": protected_zip({}, None),
        "broken.zip": protected_zip({"a.txt": b"a" * 9999}, None)[:60],
        "good.zip": protected_zip({"tool.exe": EXECUTABLE}, "infected"),
    }
    attachments = [{"upload_id": await upload(http, name, data)} for name, data in samples.items()]
    answer = await http.post("/api/v1/cases", json=submission(attachments=attachments))
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("/attachments/0", "attachment.bare"),
        ("/attachments/1", "attachment.bare"),
        ("/attachments/2/password", "archive.wrong_password"),
        ("/attachments/3", "archive.empty"),
        ("/attachments/4", "archive.unreadable"),
    ]


async def test_many_cases_in_one_request_are_all_stated(service: Service, http: httpx.AsyncClient, log: Log) -> None:
    await service.start()
    lines = [json.dumps({"idempotency_key": uuid4().hex, **submission(subject=str(number))}) for number in range(300)]
    for status in (201, 200):
        answer = await http.post("/api/v1/cases/bulk", content="\n".join(lines))
        found = [json.loads(line) for line in answer.text.splitlines()]
        assert [(line["line"], line["status"]) for line in found] == [(number, status) for number in range(1, 301)]
    numbers = {line["sr_number"] for line in found}
    assert len(numbers) == 300
    assert {len(events) for events in (await log.of(numbers)).values()} == {1}


async def test_cases_are_taken_while_kafka_is_away(service: Service, http: httpx.AsyncClient, log: Log) -> None:
    await service.start(probe="livez", CASEWAY_KAFKA="127.0.0.1:9")
    answer = await http.post("/api/v1/cases", json=submission())
    assert answer.status_code == 201
    sr = answer.json()["sr_number"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    waiting = await http.get("/internal/cases", params={"since": later})
    assert [item["sr_number"] for item in waiting.json()["items"]] == [sr]

    await service.stop()
    await service.start()
    assert [event["type"] for event in (await log.of({sr}))[sr]] == ["CaseSubmitted"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_kills_after_the_commit_lose_nothing_and_repeat_nothing(
    service: Service, http: httpx.AsyncClient, log: Log
) -> None:
    """K3: the process dies after the commit and before the answer, again and again."""
    await service.start(CASEWAY_FAULT="K3:every=20")
    keeper = asyncio.create_task(_keep(service))
    try:
        answers = await asyncio.gather(*(_submit(http, f"key-{uuid4()}") for _ in range(50)))
    finally:
        keeper.cancel()
    numbers = {answer["sr_number"] for answer in answers}
    assert len(numbers) == 50
    events = await log.of(numbers)
    assert {len({one["event_id"] for one in found}) for found in events.values()} == {1}


async def _keep(service: Service) -> None:
    while True:
        assert service.process is not None
        await service.process.wait()
        # Not waited for: thirty clients may end it before it is seen to be ready.
        await service.launch(CASEWAY_FAULT="K3:every=20")


async def _submit(http: httpx.AsyncClient, key: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        try:
            answer = await http.post("/api/v1/cases", json=submission(), headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.is_success else {}

    return dict(await eventually(look))


@pytest.mark.slow
async def test_an_upload_of_any_size_takes_little_memory(service: Service, http: httpx.AsyncClient) -> None:
    await service.start()
    await upload(http, "warm.bin", b"x" * MIB)
    idle, most = service.memory(), 0

    async def chunks(count: int) -> AsyncIterator[bytes]:
        nonlocal most
        for _ in range(count):
            yield bytes(MIB)
            most = max(most, service.memory())

    whole = await http.post("/api/v1/uploads", content=chunks(250))
    assert (whole.status_code, whole.json()["size"]) == (201, 250 * MIB)
    assert most - idle < 64 * MIB
