from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sample_analysis_fakes import FakeSandbox

from caseway_kit.app import build_api
from caseway_kit.auth import Caller, check_tokens, undeclared_routes
from caseway_kit.problems import Problem
from sample_analysis.engine_client import Engines
from sample_analysis.engines_api import build_router


class AnyToken:
    async def caller(self, token: str) -> Caller:
        if token != "good":
            raise Problem.unauthorized()
        return Caller("con-1", "acc-1", "a@example.com", "customer", (), "session")


@pytest.fixture
async def api(sandbox: FakeSandbox) -> FastAPI:
    engines = Engines(sandbox)
    await engines.prepare()
    api = build_api(title="Sample analysis", version="1")
    api.include_router(build_router(engines))
    check_tokens(api, AnyToken())
    return api


@pytest.fixture
async def http(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test/api/v1") as client:
        yield client


async def test_who_has_signed_in_sees_the_versions(http: httpx.AsyncClient) -> None:
    answer = await http.get("/engines", headers={"Authorization": "Bearer good"})
    assert answer.json() == {"items": [{"name": "fake", "version": "1"}], "team": {"files": [], "problems": []}}
    assert (await http.get("/engines")).status_code == 401


def test_every_route_has_a_rule(api: FastAPI) -> None:
    assert undeclared_routes(api) == []
