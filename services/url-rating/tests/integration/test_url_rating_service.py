"""The service as a process of its own, on real Kafka and MongoDB."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.results import EvidenceReport, FoundUrl, UrlReport
from caseway_contracts.sheets import CaseSheet, SheetUrl
from caseway_kit.auth import Caller, Role
from caseway_kit.objects import Objects, new_salt, open_objects
from caseway_kit.testing.issuer import Issuer
from caseway_kit.testing.service_process import MakeService, ServiceProcess
from caseway_kit.testing.topic_log import OpenLog, TopicLog

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def shared_service(make_service: MakeService, issuer: Issuer) -> ServiceProcess:
    return make_service("url-rating", CASEWAY_JWKS=issuer.jwks)


@pytest.fixture
def service(shared_service: ServiceProcess) -> ServiceProcess:
    shared_service.start()
    return shared_service


@pytest.fixture
def objects(service: ServiceProcess) -> Objects:
    return open_objects(service.objects)


@pytest.fixture
async def log(open_log: OpenLog, service: ServiceProcess) -> TopicLog:
    return await open_log("ratings")


@pytest.fixture
async def http(service: ServiceProcess, issuer: Issuer) -> AsyncIterator[Callable[[Role], httpx.AsyncClient]]:
    async with AsyncExitStack() as opened:

        def client(role: Role) -> httpx.AsyncClient:
            headers = issuer.authorization(Caller("con-1", "acc-1", "a@example.com", role, (), "s1"))
            client = httpx.AsyncClient(base_url=f"{service.url}/api/v1/ratings", headers=headers, timeout=60)
            opened.push_async_callback(client.aclose)
            return client

        yield client


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
    log: TopicLog, objects: Objects, http: Callable[[Role], httpx.AsyncClient]
) -> None:
    sr_number = f"SR01-{uuid4().int % 10**9:09}-0"
    url = f"http://{uuid4().hex}.phishing.test/"
    evidence_id = uuid4().hex
    case = await submitted(objects, sr_number, SheetUrl(evidence_id=evidence_id, url=url, requested_rating="safe"))
    mail = await analyzed(objects, sr_number, "http://malware.test/a", url)
    await log.state(case, mail)

    rated = {one["subject_id"]: one for one in await log.stated(2, key=sr_number, type="UrlsRated")}
    assert rated[f"{sr_number}/urls/1"]["counts"] == {"dangerous": 1}
    assert rated[mail.subject_id]["counts"] == {"dangerous": 2}

    analyst = http("analyst")
    waiting = (await analyst.get("/reclassifications?status=waiting&limit=200")).json()["items"]
    assert evidence_id in {one["id"] for one in waiting}
    decision = {"outcome": "changed", "rating": "safe", "reason": "The site was cleaned."}
    answer = await analyst.post(f"/reclassifications/{evidence_id}/decision", json=decision)
    assert answer.status_code == 200, answer.text
    [decided] = await log.stated(key=sr_number, type="UrlReclassified")
    assert (decided["subject_id"], decided["outcome"], decided["rating"]) == (evidence_id, "changed", "safe")
    assert decided["caused_by"] == str(case.event_id)

    # Both lots of the case hold the URL; the decision has told of it.
    later = await log.stated(2, key=sr_number, type="UrlsRated", revision=2)
    assert {one["subject_id"]: (one["worst"], one["changed"]) for one in later} == {
        f"{sr_number}/urls/1": ("safe", 0),
        mail.subject_id: ("dangerous", 0),
    }

    [result] = (await http("customer").post("/lookup", json={"urls": [url]})).json()["results"]
    assert (result["rating"], result["reasons"][0]["engine"]) == ("safe", "analysts")


async def test_long_list_streams_in_while_its_progress_streams_out(http: Callable[[Role], httpx.AsyncClient]) -> None:
    name = f"l{uuid4().hex[:8]}"

    async def lines() -> AsyncIterator[bytes]:
        for start in range(0, 110_000, 1_000):
            yield "".join(f"phishing\thost{number}.{name}.example\n" for number in range(start, start + 1_000)).encode()

    operator = http("operator")
    answer = await operator.post(f"/imports?format=ut1&name={name}&version=1", content=lines(), timeout=120)
    *progress, done = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["lines"] for one in progress] == [50_000, 100_000]
    assert (done["done"], done["lines"], done["entries"]) == (True, 110_000, 110_000)
    url = f"http://www.host77777.{name}.example/page"
    [result] = (await operator.post("/lookup", json={"urls": [url]})).json()["results"]
    assert (result["rating"], result["reasons"][0]["engine"]) == ("dangerous", name)


async def test_killed_service_says_the_same_again(log: TopicLog, service: ServiceProcess, objects: Objects) -> None:
    sr_number = f"SR01-{uuid4().int % 10**9:09}-0"
    case = await submitted(objects, sr_number, SheetUrl(evidence_id=uuid4().hex, url="http://safe.test/"))
    await log.state(case)
    [first] = await log.stated(key=sr_number)
    service.kill()
    await log.state(case)
    service.start()
    await log.repeated(first, 2)
    report = await objects.get_json(ObjectRef.model_validate(first["report"]), UrlReport)
    assert [one.rating for one in report.urls] == ["safe"]
