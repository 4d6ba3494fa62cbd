"""The service as a process of its own on real Kafka and MongoDB; intake is away."""

import random
from collections.abc import AsyncIterator

import httpx
import pytest
from portal_fakes import Make, make_caller

from caseway_contracts.routes import AnalysisCompleted
from caseway_contracts.sr_numbers import format_sr
from caseway_kit.objects import Objects, open_objects
from caseway_kit.testing.issuer import Issuer
from caseway_kit.testing.service_process import MakeService, ServiceProcess
from caseway_kit.testing.topic_log import OpenLog, TopicLog
from caseway_kit.testing.waiting import PATIENCE, eventually_async

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def sr_number() -> str:
    return format_sr("01", random.randrange(10**9))


@pytest.fixture(scope="module")
def service(make_service: MakeService, issuer: Issuer) -> ServiceProcess:
    away = dict.fromkeys(("PORTAL_INTAKE_URL", "CASEWAY_PROFILES_URL", "CASEWAY_URL_RATING_URL"), NOWHERE)
    return make_service("portal", CASEWAY_JWKS=issuer.jwks, **away)


@pytest.fixture
def objects(service: ServiceProcess) -> Objects:
    return open_objects(service.objects)


@pytest.fixture
async def log(open_log: OpenLog, service: ServiceProcess) -> TopicLog:
    return await open_log("cases")


@pytest.fixture
async def portal(service: ServiceProcess, issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service, signed in as a customer."""
    service.start()
    headers = issuer.authorization(make_caller())
    async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=60) as client:
        yield client


async def test_a_case_is_read_and_followed_while_its_events_come(
    portal: httpx.AsyncClient, sr_number: str, log: TopicLog, submit: Make, analyze: Make, make_event: Make
) -> None:
    covers = [{"type": "EvidenceAnalyzed", "id": "f1", "revision": 1}]
    completed = make_event(AnalysisCompleted, sr_number=sr_number, round=1, covers=covers)
    await log.state(completed, await submit(sr_number=sr_number, files={"f1": "a.zip"}))

    async def shown() -> bool:
        return (await portal.get(f"/api/v1/cases/{sr_number}")).status_code == 200

    await eventually_async(shown)
    analyzed = await analyze("f1", "a.zip", "b.exe", sr_number=sr_number)
    seen: list[str] = []
    async with portal.stream("GET", f"/api/v1/cases/{sr_number}/events", timeout=PATIENCE) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
            if seen[-1:] == ["timeline"] and analyzed is not None:
                await log.state(analyzed)
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
