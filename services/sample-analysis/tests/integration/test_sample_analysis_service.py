"""The service as a process of its own, with its real sandbox, on real Kafka and MongoDB."""

import asyncio
import hashlib
import io
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pyzipper
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.results import EvidenceReport
from caseway_contracts.sheets import CaseSheet, SheetAttachment
from caseway_kit.messaging import encode
from caseway_kit.mongo import connect
from caseway_kit.objects import Objects, new_salt, open_objects
from caseway_kit.testing.plugin import Topics
from sample_analysis.mongo_jobs import MongoJobRepository
from sample_analysis.reanalysis import Job, Query

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

DEADLINE = 120.0
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PASSWORD = "Grüße-1"


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

    async def start(self, **more: str) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sample_analysis.main"),
                env={**os.environ, **self.environment, **more},
                stdout=log,
                stderr=log,
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

    async def is_killed(self) -> None:
        assert self.process is not None
        async with asyncio.timeout(DEADLINE):
            assert await self.process.wait() == -signal.SIGKILL

    async def stop(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        assert await self.process.wait() == 0


@dataclass
class Log:
    """What the test states, and what the service states about it."""

    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def state(self, event: CaseSubmitted) -> None:
        one = encode(event, source="tests")
        headers = [(name, value.encode()) for name, value in one.headers.items()]
        await self.producer.send_and_wait(one.topic, one.body.encode(), key=one.key.encode(), headers=headers)

    async def stated(self, sr_number: str, count: int = 1) -> list[dict[str, Any]]:
        async def look() -> list[dict[str, Any]]:
            for records in (await self.consumer.getmany(timeout_ms=200)).values():
                self.seen += [json.loads(record.value) for record in records]
            found = [one for one in self.seen if one["key"] == sr_number]
            return found if len(found) >= count else []

        found: list[dict[str, Any]] = await eventually(look)
        return found


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return open_objects(f"file://{tmp_path}/objects")


@pytest.fixture
async def service(kafka_address: str, mongo_url: str, topics: Topics, tmp_path: Path) -> AsyncIterator[Service]:
    topics.exact()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "CASEWAY_KAFKA": kafka_address,
        "CASEWAY_MONGO": mongo_url,
        "CASEWAY_OBJECTS": f"file://{tmp_path}/objects",
        "CASEWAY_REGION": "01",
        "CASEWAY_JWKS": "http://127.0.0.1:9/jwks.json",
        "CASEWAY_TESTING": "1",
        "SAMPLE_ANALYSIS_PORT": str(port),
        "SAMPLE_ANALYSIS_WORKERS": "2",
    }
    service = Service(environment, tmp_path / "service.log", port)
    yield service
    await service.stop()


@pytest.fixture
async def log(kafka_address: str, topics: Topics) -> AsyncIterator[Log]:
    topics.exact()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_address)
    consumer = AIOKafkaConsumer("analyses", bootstrap_servers=kafka_address, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    yield Log(producer, consumer)
    await consumer.stop()
    await producer.stop()


@pytest.fixture
def make_case(objects: Objects) -> Callable[..., Awaitable[CaseSubmitted]]:
    async def make(*samples: tuple[str, str, bytes]) -> CaseSubmitted:
        """``samples``: kind, name and bytes of each."""
        sr_number = f"SR01-{uuid4().int % 10**9:09}-0"
        words, evidence = [], []
        for kind, name, data in samples:
            sha256 = hashlib.sha256(data).hexdigest()
            ref = ObjectRef(key=f"accounts/acc-1/uploads/{uuid4()}", sha256=sha256, size=len(data))
            await objects.put(ref, data)
            evidence.append({"id": str(uuid4()), "kind": kind, "object": ref})
            words.append(SheetAttachment(evidence_id=evidence[-1]["id"], name=name, password=PASSWORD))
        sheet = CaseSheet(
            salt=new_salt(), sr_number=sr_number, subject="Help", description="?", attachments=tuple(words)
        )
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
                "category": "infected-or-possibly-infected",
                "severity": "medium",
                "product": "apex-one",
                "catalog_version": "1",
                "profile_id": "prof-1",
                "profile_revision": 1,
                "sheet": await objects.put_json(f"cases/{sr_number}/sheet/1", sheet),
                "evidence": evidence,
            }
        )

    return make


@pytest.fixture
async def jobs(mongo_url: str) -> AsyncIterator[MongoJobRepository]:
    mongo = connect(mongo_url, app_name="tests")
    database = mongo.database("sample_analysis")
    yield MongoJobRepository(database.collection("reanalyses"), database.collection("changes"))
    await mongo.close()


@pytest.fixture
def protected_zip() -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSWORD.encode())
        archive.writestr("folder/eicar.com", EICAR)
        archive.writestr("readme.txt", b"nothing to see")
    return out.getvalue()


async def test_a_protected_zip_travels_from_its_case_to_its_result(
    service: Service,
    log: Log,
    objects: Objects,
    make_case: Callable[..., Awaitable[CaseSubmitted]],
    protected_zip: bytes,
    tmp_path: Path,
) -> None:
    await service.start(SAMPLE_ANALYSIS_SCRATCH=str(tmp_path.parent / f"{tmp_path.name}-scratch"))
    mail = b"From: a@example.com\nTo: b@example.com\nSubject: Hi\n\nSee http://phishing.test/login now.\n"
    case = await make_case(("file", "samples.zip", protected_zip), ("email", "mail.eml", mail))
    await log.state(case)
    stated = {one["subject_id"]: one for one in await log.stated(case.key, 2)}
    zipped, mailed = (stated[piece.id] for piece in case.evidence)

    assert (zipped["type"], zipped["verdict"], zipped["files"]) == ("EvidenceAnalyzed", "malicious", 3)
    assert (zipped["caused_by"], zipped["kind"]) == (str(case.event_id), "file")
    report = await objects.get_json(ObjectRef.model_validate(zipped["report"]), EvidenceReport)
    root, *members = report.files
    [eicar] = [member for member in members if member.name == "folder/eicar.com"]
    assert (eicar.verdict, eicar.parent_id) == ("malicious", root.id)
    assert eicar.sha256 == hashlib.sha256(EICAR).hexdigest()
    assert root.sha256 == hashlib.sha256(protected_zip).hexdigest()

    assert (mailed["kind"], mailed["urls"]) == ("email", 1)
    report = await objects.get_json(ObjectRef.model_validate(mailed["report"]), EvidenceReport)
    assert [(one.id, one.subject) for one in report.emails] == [(case.evidence[1].id, "Hi")]
    words = json.dumps(list(stated.values()))
    assert not any(word in words for word in (PASSWORD, "eicar", "samples.zip", "phishing", "example.com"))


@pytest.mark.parametrize("point", ["K7", "K8"])
async def test_a_service_that_is_killed_states_the_result_once_it_is_back(
    service: Service,
    log: Log,
    make_case: Callable[..., Awaitable[CaseSubmitted]],
    protected_zip: bytes,
    tmp_path: Path,
    point: str,
) -> None:
    scratch = tmp_path.parent / f"{tmp_path.name}-scratch"
    await service.start(CASEWAY_FAULT=f"{point}:every=1", SAMPLE_ANALYSIS_SCRATCH=str(scratch))
    case = await make_case(("file", "samples.zip", protected_zip))
    await log.state(case)
    await service.is_killed()
    await service.start(SAMPLE_ANALYSIS_SCRATCH=str(scratch))
    first, *more = await log.stated(case.key)
    assert first["verdict"] == "malicious"

    await log.state(case)
    # At least once: the case event may have been planned twice, too.
    again = await log.stated(case.key, 2 + len(more))
    assert all(one == first for one in again)
    assert [folder.name for folder in scratch.iterdir()] == [folder.name for folder in scratch.glob("run-*")]
    assert len(list(scratch.iterdir())) == 1


async def test_a_service_that_is_killed_while_it_looks_again_states_each_changed_verdict(
    service: Service,
    log: Log,
    make_case: Callable[..., Awaitable[CaseSubmitted]],
    jobs: MongoJobRepository,
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    environment = {
        "SAMPLE_ANALYSIS_SCRATCH": str(tmp_path.parent / f"{tmp_path.name}-scratch"),
        "SAMPLE_ANALYSIS_RULES": str(rules),
    }
    await service.start(**environment, CASEWAY_FAULT="K5:every=1")
    marker = uuid4().hex
    cases = [await make_case(("file", "notes.txt", f"a note with {marker}".encode())) for _ in range(2)]
    other = await make_case(("file", "notes.txt", b"a note without it"))
    for case in (*cases, other):
        await log.state(case)
        assert [one["verdict"] for one in await log.stated(case.key)] == ["unknown"]

    rule = (
        f'rule marked {{ meta: verdict = "malicious" says = "It is marked." strings: $a = "{marker}" condition: $a }}'
    )
    (rules / "team.yar").write_text(rule)

    async def in_force() -> bool:
        return "of the teams are in force" in service.log.read_text()

    await eventually(in_force)
    hashes = {piece.object.sha256 for case in (cases[0], other) for piece in case.evidence}
    asked = [
        Job(id=str(uuid4()), query=Query(sha256=one), dry_run=False, asked_by="op", asked_at=datetime.now(UTC))
        for one in sorted(hashes)
    ]
    for job in asked:
        await jobs.add(job)
    await service.is_killed()
    await service.start(**environment)

    async def done() -> list[Job]:
        found = [await jobs.find(job.id) for job in asked]
        return [job for job in found if job is not None] if all(job and job.ended_at for job in found) else []

    ended = await eventually(done)
    assert sum(job.failed for job in ended) == 0
    for case in cases:
        first, *revised = await log.stated(case.key, 2)
        assert all(one == revised[0] for one in revised)
        assert (revised[0]["revision"], revised[0]["verdict"], revised[0]["previous_verdict"]) == (
            *(2, "malicious"),
            first["verdict"],
        )
        assert any(engine.startswith("team-rules/") for engine in revised[0]["engines"])
    assert len(await log.stated(other.key)) == 1
