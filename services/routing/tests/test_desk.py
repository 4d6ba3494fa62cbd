"""The cases that wait for an analyst's decision about URLs, as the desk lists them."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pymongo import MongoClient
from routing_fakes import Make

from caseway_catalog import load
from caseway_contracts.cases import CaseErased
from caseway_contracts.ratings import typed_urls
from caseway_kit.app import build_api
from caseway_kit.auth import Caller, check_tokens, undeclared_routes
from caseway_kit.problems import Problem
from caseway_kit.testing.clock import FixedClock
from routing.api import build_router
from routing.desk import Desk
from routing.mongo_desk import MongoDesk, asked_for
from routing.service import RouteRepository, Routing

DESK = "http://test/api/v1/desk/reclassifications"
# By when they are due: a spam case of high severity, then three about URLs, of which two came at the same time.
SPAM, FIRST, SECOND, LATER = (f"SR01-00000004{number}-4" for number in (5, 1, 2, 0))


@pytest.fixture
async def queue(routes: RouteRepository, clock: FixedClock, make_submitted: Make, make_rated: Make) -> Routing:
    """Four cases that wait, one that has come to no team yet, and one that waits for nobody."""
    routing = Routing(routes, catalog=load(), clock=clock)
    url_case = {"category": "url-reclassification", "product": "officescan"}
    for sr, facts in (
        (LATER, url_case | {"occurred_at": datetime(2026, 1, 7, 9, tzinfo=UTC)}),
        (FIRST, url_case),
        (SECOND, url_case),
        (SPAM, {"category": "spam", "severity": "critical"}),
        ("SR01-000000048-4", url_case),
    ):
        await routing.apply(make_submitted({"u1": "url", "u2": "url"}, key=sr, subject_id=sr, **facts))
    for sr in (LATER, FIRST, SECOND, SPAM, "SR01-000000049-4"):
        await routing.apply(make_rated(typed_urls(sr, 1), "dangerous", key=sr, waiting=("u1", "u2")))
    return routing


class TokensByRole:
    async def caller(self, token: str) -> Caller:
        if token not in ("operator", "analyst", "customer"):
            raise Problem.unauthorized()
        return Caller("con-1", "acc-1", "a@example.com", token, (), "session")  # type: ignore[arg-type]  # checked above


@pytest.fixture
def api(desk: Desk) -> FastAPI:
    api = build_api(title="Routing", version="1")
    api.include_router(build_router(desk=desk, catalog=load()))
    check_tokens(api, TokensByRole())
    return api


@pytest.fixture
async def http(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": "Bearer analyst"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), headers=headers) as client:
        yield client


async def test_what_waits_is_listed_by_when_it_is_due_page_by_page(http: httpx.AsyncClient, queue: Routing) -> None:
    listed: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = (await http.get(DESK, params={"limit": "1", **cursor})).json()
        listed += page["items"]
        cursor = {"cursor": page["next_cursor"]}
    assert page["next_cursor"] is None
    assert [one["sr_number"] for one in listed] == [SPAM, FIRST, SECOND, LATER]
    assert listed[1] == {
        "sr_number": FIRST,
        "account_id": "a1",
        "team": "web-reputation",
        "priority": listed[1]["priority"],
        "due_at": listed[1]["due_at"],
        "status": "open",
        "url_ids": ["u1", "u2"],
    }


async def test_a_team_sees_its_own_and_a_team_that_is_none_is_refused(http: httpx.AsyncClient, queue: Routing) -> None:
    listed = (await http.get(DESK, params={"team": "web-reputation"})).json()["items"]
    assert [one["sr_number"] for one in listed] == [FIRST, SECOND, LATER]
    refused = await http.get(DESK, params={"team": '{"$ne": ""}'})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "choice.invalid"


async def test_what_is_decided_or_erased_leaves_the_desk(
    http: httpx.AsyncClient, queue: Routing, make_updated: Make, make_reclassified: Make
) -> None:
    for url_id in ("u1", "u2"):
        await queue.apply(make_reclassified(url_id).model_copy(update={"key": FIRST}))
    await queue.apply(make_reclassified("u1").model_copy(update={"key": SECOND}))
    facts = make_updated(2).model_dump(include={"event_id", "occurred_at", "account_id", "revision", "region", "by"})
    await queue.apply(CaseErased.model_validate(facts | {"key": SPAM, "subject_id": SPAM, "update_id": "u2"}))
    listed = (await http.get(DESK)).json()["items"]
    assert [(one["sr_number"], one["url_ids"]) for one in listed] == [(SECOND, ["u2"]), (LATER, ["u1", "u2"])]


async def test_only_analysts_come_to_the_desk(api: FastAPI) -> None:
    assert undeclared_routes(api) == []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api)) as http:
        assert (await http.get(DESK)).status_code == 401
        for role in ("customer", "operator"):
            assert (await http.get(DESK, headers={"Authorization": f"Bearer {role}"})).status_code == 403


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "WzEsMl0"])
async def test_a_cursor_that_we_did_not_give_is_refused(http: httpx.AsyncClient, cursor: str) -> None:
    assert (await http.get(DESK, params={"cursor": cursor})).status_code == 400


@pytest.fixture
def mongo(mongo_url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_url) as client:
        yield client


@pytest.mark.integration
@pytest.mark.parametrize("team", [None, "web-reputation"])
@pytest.mark.parametrize("after", [None, ("2026-01-05T09:00:00Z", FIRST)])
def test_the_desk_is_read_by_an_index_in_its_order(
    mongo: MongoClient[dict[str, Any]],
    mongo_database: str,
    mongo_desk: MongoDesk,
    team: str | None,
    after: tuple[str, str] | None,
) -> None:
    found = mongo[mongo_database]["routes"].find(asked_for(team, after))
    plan = found.sort([("route.assignment.due_at", 1), ("_id", 1)]).limit(51).explain()
    used = str(plan["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in used
    assert "COLLSCAN" not in used
    assert "'SORT'" not in used
