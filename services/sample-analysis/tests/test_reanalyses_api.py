from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sample_analysis_fakes import InMemoryJobRepository, Kafka, MakeCase

from caseway_kit.app import build_api
from caseway_kit.auth import Caller, check_tokens, undeclared_routes
from caseway_kit.problems import Problem
from caseway_kit.testing.clock import FixedClock
from sample_analysis.engine_client import Engines
from sample_analysis.reanalyses_api import build_reanalyses_router
from sample_analysis.reanalyzing import Reanalysis

BASE = "http://test/api/v1/reanalyses"


class TokensByRole:
    async def caller(self, token: str) -> Caller:
        if token not in ("operator", "analyst", "customer"):
            raise Problem.unauthorized()
        return Caller("con-1", "acc-1", "a@example.com", token, (), "session")  # type: ignore[arg-type]  # checked above


@pytest.fixture
def api(reanalysis: Reanalysis, memory_jobs: InMemoryJobRepository, engines: Engines, clock: FixedClock) -> FastAPI:
    api = build_api(title="Sample analysis", version="1")
    api.include_router(build_reanalyses_router(reanalysis=reanalysis, jobs=memory_jobs, engines=engines, clock=clock))
    check_tokens(api, TokensByRole())
    return api


@pytest.fixture
async def http(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer operator"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), headers=headers) as client:
        yield client


async def test_a_job_is_asked_for_watched_and_read(
    http: httpx.AsyncClient, kafka: Kafka, make_case: MakeCase, reanalysis: Reanalysis, sandbox: Any, engines: Engines
) -> None:
    await kafka.state(await make_case({"p1": "file", "p2": "file", "p3": "file"}))
    sandbox.version, sandbox.outcomes = "2", [{"files": [{"id": "{root}", "name": "", "verdict": "clean"}]}] * 3
    await engines.prepare()
    answer = await http.post(BASE, json={"kind": "file", "dry_run": True})
    job = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/api/v1/reanalyses/{job['id']}")
    assert (job["state"], job["looked_at"], job["engines"]) == ("running", 0, ["fake/2"])

    assert await reanalysis.work()
    seen = (await http.get(f"{BASE}/{job['id']}")).json()
    assert (seen["state"], seen["looked_at"], seen["changed"], seen["failed"]) == ("done", 3, 3, 0)
    assert [one["id"] for one in (await http.get(BASE)).json()["items"]] == [job["id"]]

    first = (await http.get(f"{BASE}/{job['id']}/changes", params={"limit": 2})).json()
    rest = (await http.get(f"{BASE}/{job['id']}/changes", params={"cursor": first["next_cursor"]})).json()
    assert [one["evidence_id"] for one in first["items"] + rest["items"]] == ["p1", "p2", "p3"]
    assert rest["next_cursor"] is None
    assert {(one["from"], one["to"], one["sr_number"]) for one in first["items"]} == {
        ("unknown", "clean", "SR01-000000042-4")
    }


async def test_the_same_key_asks_for_one_job(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await http.post(BASE, json={"kind": "file"}, headers=key)
    again = await http.post(BASE, json={"kind": "file"}, headers=key)
    other = await http.post(BASE, json={"kind": "email"}, headers=key)
    assert (first.status_code, again.status_code, again.json()["id"]) == (202, 202, first.json()["id"])
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "idempotency.other_body")
    assert len((await http.get(BASE)).json()["items"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "url"},
        {"sha256": "X"},
        {"since": "yesterday"},
        {"since": "2026-03-02T00:00:00"},
        {"unknown": 1},
        {"dry_run": "perhaps"},
        [],
    ],
)
async def test_what_cannot_be_meant_is_refused(http: httpx.AsyncClient, body: Any) -> None:
    assert (await http.post(BASE, json=body)).status_code in (400, 422)


async def test_jobs_are_listed_newest_first_page_by_page(http: httpx.AsyncClient, clock: FixedClock) -> None:
    asked = []
    for _ in range(3):
        asked.append((await http.post(BASE, json={})).json()["id"])
        clock.advance(1)
    first = (await http.get(BASE, params={"limit": 2})).json()
    rest = (await http.get(BASE, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == asked[::-1]
    assert (await http.get(BASE, params={"cursor": "WyJ4IiwieSJd"})).status_code == 400


@pytest.mark.parametrize(("token", "status"), [("customer", 403), ("analyst", 403), ("nobody", 401)])
async def test_only_operators_may(http: httpx.AsyncClient, token: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("POST", ""), ("GET", ""), ("GET", "/j"), ("GET", "/j/changes")):
        assert (await http.request(method, BASE + path, json={}, headers=headers)).status_code == status


async def test_a_job_that_is_not_there_is_a_404(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{BASE}/j")).status_code == 404
    assert (await http.get(f"{BASE}/j/changes")).status_code == 404


def test_every_route_has_a_rule(api: FastAPI) -> None:
    assert undeclared_routes(api) == []
