"""The service as a process of its own, on real Kafka and MongoDB, with its sandbox."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from caseway_contracts.base import ObjectRef
from caseway_contracts.sheets import CaseSheet
from caseway_kit.archives import protected_zip
from caseway_kit.auth import Caller
from caseway_kit.objects import open_objects
from caseway_kit.testing.issuer import Issuer
from caseway_kit.testing.service_process import MakeService, ServiceProcess
from caseway_kit.testing.topic_log import OpenLog, TopicLog
from caseway_kit.testing.waiting import eventually_async

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

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
DYING = "K3:every=20"
EXECUTABLE = b"MZ" + bytes(200)
MAIL = b"From: a@x.test\r\nTo: b@x.test\r\nSubject: Win\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n\r\nBuy\r\n"


@pytest.fixture(scope="module")
def service(make_service: MakeService, issuer: Issuer) -> ServiceProcess:
    issuer.answers["/api/v1/profiles/p1"] = PROFILE
    more = {"CASEWAY_PROFILES_URL": issuer.url, "INTAKE_SUBMISSIONS_PER_MINUTE": "100000"}
    return make_service("intake", CASEWAY_JWKS=issuer.jwks, **more)


@pytest.fixture
def caller() -> Caller:
    return Caller("anna", f"acc-{uuid4().hex[:8]}", "anna@example.com", "customer", (), "s1")


@pytest.fixture
async def http(service: ServiceProcess, issuer: Issuer, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, headers=issuer.authorization(caller), timeout=60) as client:
        yield client


@pytest.fixture
async def log(open_log: OpenLog, service: ServiceProcess) -> TopicLog:
    return await open_log("cases")


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
    service: ServiceProcess, http: httpx.AsyncClient, log: TopicLog
) -> None:
    service.start()
    zipped = await upload(http, "mails.zip", protected_zip({"a.eml": MAIL}, "secret"))
    attachments = [{"upload_id": zipped, "password": "secret"}]

    answer = await http.post("/api/v1/cases", json=submission(attachments=attachments))

    assert answer.status_code == 201, answer.text
    sr = answer.json()["sr_number"]
    [event] = await log.stated(key=sr)
    assert [piece["kind"] for piece in event["evidence"]] == ["email", "url"]
    sheet = await open_objects(service.objects).get_json(ObjectRef.model_validate(event["sheet"]), CaseSheet)
    assert (sheet.attachments[0].name, sheet.attachments[0].opened_with) == ("mails.zip", "secret")
    assert sheet.recipients[0].address == "anna@example.com"

    closed = await http.post(f"/api/v1/cases/{sr}/close", json={"comment": "Thank you."})
    assert closed.status_code == 202
    await log.stated(key=sr, type="CaseClosed")
    assert list((service.scratch / "fetched").iterdir()) == []


async def test_the_customer_hears_at_once_what_cannot_be_used(service: ServiceProcess, http: httpx.AsyncClient) -> None:
    service.start()
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


async def test_many_cases_in_one_request_are_all_stated(
    service: ServiceProcess, http: httpx.AsyncClient, caller: Caller, log: TopicLog
) -> None:
    service.start()
    lines = [json.dumps({"idempotency_key": uuid4().hex, **submission(subject=str(number))}) for number in range(300)]
    for status in (201, 200):
        answer = await http.post("/api/v1/cases/bulk", content="\n".join(lines))
        found = [json.loads(line) for line in answer.text.splitlines()]
        assert [(line["line"], line["status"]) for line in found] == [(number, status) for number in range(1, 301)]
    events = await log.stated(300, account_id=caller.account_id)
    assert sorted(event["key"] for event in events) == sorted(line["sr_number"] for line in found)


@pytest.mark.slow
async def test_an_upload_of_any_size_takes_little_memory(service: ServiceProcess, http: httpx.AsyncClient) -> None:
    service.start()
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


async def test_cases_are_taken_while_kafka_is_away(
    service: ServiceProcess, http: httpx.AsyncClient, log: TopicLog
) -> None:
    service.start(probe="livez", CASEWAY_KAFKA="127.0.0.1:9")
    answer = await http.post("/api/v1/cases", json=submission())
    assert answer.status_code == 201
    sr = answer.json()["sr_number"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    waiting = await http.get("/internal/cases", params={"since": later})
    assert [item["sr_number"] for item in waiting.json()["items"]] == [sr]

    service.start()
    assert [event["type"] for event in await log.stated(key=sr)] == ["CaseSubmitted"]


@pytest.mark.slow
async def test_kills_after_the_commit_lose_nothing_and_repeat_nothing(
    service: ServiceProcess, http: httpx.AsyncClient, caller: Caller, log: TopicLog
) -> None:
    """K3: the process dies after the commit and before the answer, again and again."""
    service.start(CASEWAY_FAULT=DYING)
    keeper = asyncio.create_task(_keep(service))
    try:
        answers = await asyncio.gather(*(_submit(http, f"key-{uuid4()}") for _ in range(50)))
    finally:
        keeper.cancel()
    service.start()
    events = await log.stated(50, account_id=caller.account_id)
    assert sorted(event["key"] for event in events) == sorted(answer["sr_number"] for answer in answers)


async def _keep(service: ServiceProcess) -> None:
    while True:
        await asyncio.sleep(0.05)
        if not service.runs():  # nor is it waited for: the clients may end it before it is seen to be ready
            service.launch(CASEWAY_FAULT=DYING)


async def _submit(http: httpx.AsyncClient, key: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        try:
            answer = await http.post("/api/v1/cases", json=submission(), headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.is_success else {}

    return dict(await eventually_async(look, seconds=240))
