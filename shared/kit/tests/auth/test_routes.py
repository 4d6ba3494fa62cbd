from collections.abc import AsyncIterator, Callable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from caseway_kit.auth import (
    Caller,
    TokenVerifier,
    check_tokens,
    declared_rules,
    public,
    require,
    undeclared_routes,
)
from caseway_kit.problems import install_problems


@pytest.fixture
def api(tokens: TokenVerifier) -> FastAPI:
    api = FastAPI(docs_url=None, redoc_url=None)
    install_problems(api)
    check_tokens(api, tokens)
    router = APIRouter()

    @router.get("/mine/{id}")
    async def mine(caller: Annotated[Caller, Depends(require("customer", "account_admin"))]) -> str:
        return caller.contact_id

    @router.post("/desk", dependencies=[Depends(require("analyst"))])
    async def desk() -> None: ...

    @router.get("/anybody", dependencies=[Depends(public())])
    async def anybody() -> str:
        return "hello"

    api.include_router(router, prefix="/api")
    return api


@pytest.fixture
async def client(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t/api") as client:
        yield client


async def test_a_route_lets_in_whom_it_declares(client: httpx.AsyncClient, make_token: Callable[..., str]) -> None:
    bearer = {"authorization": f"Bearer {make_token()}"}

    assert (await client.get("/mine/1", headers=bearer)).json() == "contact-1"
    assert (await client.post("/desk", headers=bearer)).status_code == 403
    assert (await client.get("/anybody")).status_code == 200


@pytest.mark.parametrize("given", [[], ["Basic eDp5"], ["Bearer"], ["Bearer "], ["Bearer x", "Bearer y"], ["x"]])
async def test_without_one_bearer_token_the_way_is_shown(client: httpx.AsyncClient, given: list[str]) -> None:
    answer = await client.get("/mine/1", headers=[("authorization", value) for value in given])

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_the_rules_of_all_routes_can_be_listed(api: FastAPI) -> None:
    rules = {route: rule and sorted(rule.roles) for route, rule in declared_rules(api).items()}

    assert rules == {
        "GET /api/mine/{id}": ["account_admin", "customer"],
        "POST /api/desk": ["analyst"],
        "GET /api/anybody": [],
    }
    assert undeclared_routes(api) == []


def test_a_route_without_a_rule_is_found(api: FastAPI) -> None:
    router = APIRouter()

    @router.put("/forgotten")
    async def forgotten() -> None: ...

    api.include_router(router)
    api.router.routes.append(Mount("/static", PlainTextResponse("x")))
    api.add_route("/plain", lambda _: PlainTextResponse("x"))

    assert undeclared_routes(api, ignoring=["/static"]) == ["PUT /forgotten", "GET /plain", "HEAD /plain"]
