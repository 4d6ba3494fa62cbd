import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from url_rating_fakes import InMemoryListRepository, InMemoryReclassificationRepository

from caseway_kit.app import build_api
from caseway_kit.auth import Caller, Role, check_tokens, undeclared_routes
from caseway_kit.problems import Problem
from url_rating.api import build_router
from url_rating.decisions import Decisions
from url_rating.imports import ListImport
from url_rating.lists_api import build_lists_router
from url_rating.lookup import Lookup
from url_rating.overrides import Overriding
from url_rating.overrides_api import build_overrides_router
from url_rating.reclassifications import Reclassification
from url_rating.seed import plant

BASE = "/api/v1/ratings"


class RolesAsTokens:
    """Takes the name of a role for a token of somebody who has it."""

    async def caller(self, token: str) -> Caller:
        role, _, account = token.partition("/")
        roles: dict[str, Role] = {one: one for one in ("customer", "account_admin", "analyst", "operator")}
        if role not in roles:
            raise Problem.unauthorized()
        return Caller(f"con-{role}", account or "acc-1", f"{role}@example.com", roles[role], (), "session")


@pytest.fixture
async def api(
    lookup: Lookup,
    decisions: Decisions,
    overriding: Overriding,
    imports: ListImport,
    memory_lists: InMemoryListRepository,
) -> FastAPI:
    await plant(memory_lists, imports)
    api = build_api(title="URL rating", version="1")
    api.include_router(build_router(lookup=lookup, decisions=decisions))
    api.include_router(build_overrides_router(overriding))
    api.include_router(build_lists_router(imports=imports, lists=memory_lists))
    check_tokens(api, RolesAsTokens())
    return api


@pytest.fixture
async def http(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test") as client:
        yield client


def as_(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}"}


async def said(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_look_up_answers_in_order(http: httpx.AsyncClient) -> None:
    urls = ["hxxp://phishing[.]test/a", "javascript:alert(1)", "https://unheard-of.example/", "shop.example"]
    answer = await http.post(f"{BASE}/lookup", json={"urls": urls}, headers=as_("customer"))
    assert answer.status_code == 200
    bad, refused, unknown, shop = answer.json()["results"]
    assert bad == {
        "url": "hxxp://phishing[.]test/a",
        "canonical": "http://phishing.test/a",
        "rating": "dangerous",
        "score": 49,
        "categories": [{"id": 75, "name": "Phishing"}],
        "reasons": [
            {
                "engine": "seed",
                "version": "1",
                "rule": "listed",
                "where": "phishing.test/",
                "says": "The list seed has it under Phishing.",
            }
        ],
    }
    assert refused == {
        "url": "javascript:alert(1)",
        "error": "URLs of the scheme 'javascript' are not rated. Give a URL that starts with http or https.",
    }
    assert (unknown["rating"], unknown["score"]) == ("untested", 71)
    assert shop["rating"] == "safe"


@pytest.mark.parametrize("urls", [[], ["http://a.example/"] * 501, "http://a.example/", [1]])
async def test_look_up_takes_1_to_500_urls(http: httpx.AsyncClient, urls: object) -> None:
    answer = await http.post(f"{BASE}/lookup", json={"urls": urls}, headers=as_("customer"))
    assert answer.status_code == 422


async def test_look_up_of_500_long_urls_is_answered(http: httpx.AsyncClient) -> None:
    urls = [f"http://a.b.c.example/{number}/" + "a" * 1_900 for number in range(500)]
    answer = await http.post(f"{BASE}/lookup", json={"urls": urls}, headers=as_("customer"))
    assert [one["url"] for one in answer.json()["results"]] == urls


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("POST", "/lookup", {"customer", "account_admin", "analyst", "operator"}),
        ("GET", "/overrides", {"account_admin", "analyst"}),
        ("POST", "/overrides", {"account_admin", "analyst"}),
        ("POST", "/overrides/x/remove", {"account_admin", "analyst"}),
        ("POST", "/overrides/x/second", {"analyst"}),
        ("GET", "/reclassifications", {"analyst"}),
        ("POST", "/reclassifications/x/decision", {"analyst"}),
        ("GET", "/lists", {"operator"}),
        ("POST", "/lists/x/rollback", {"operator"}),
        ("POST", "/imports", {"operator"}),
    ],
)
async def test_only_those_roles_come_in(http: httpx.AsyncClient, method: str, path: str, roles: set[str]) -> None:
    assert (await http.request(method, f"{BASE}{path}")).status_code == 401
    for role in ("customer", "account_admin", "analyst", "operator"):
        status = (await http.request(method, f"{BASE}{path}", headers=as_(role))).status_code
        assert (status == 403) == (role not in roles), (role, status)


def test_every_route_has_a_rule(api: FastAPI) -> None:
    assert undeclared_routes(api) == []


async def test_analyst_sees_what_waits_and_decides_it(
    http: httpx.AsyncClient,
    memory_reclassifications: InMemoryReclassificationRepository,
    make_request: Callable[..., Reclassification],
) -> None:
    made = sorted((make_request(name) for name in "abc"), key=lambda one: one.id)
    await memory_reclassifications.add(made)
    listing = f"{BASE}/reclassifications?status=waiting&limit=2"
    first = (await http.get(listing, headers=as_("analyst"))).json()
    second = (await http.get(f"{listing}&cursor={first['next_cursor']}", headers=as_("analyst"))).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [one.id for one in made]
    assert second["next_cursor"] is None
    named = await http.get(f"{listing}&id={made[1].id}&id=none", headers=as_("analyst"))
    assert [item["id"] for item in named.json()["items"]] == [made[1].id]

    decision = {"outcome": "changed", "rating": "safe", "categories": [58], "reason": "The site was cleaned."}
    path = f"{BASE}/reclassifications/{made[0].id}/decision"
    answer = await http.post(path, json=decision, headers=as_("analyst"))
    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["decided_by"], answer.json()["rating"]) == (
        "changed",
        "con-analyst",
        "safe",
    )
    assert (await http.post(path, json=decision, headers=as_("analyst"))).json() == answer.json()
    other = {"outcome": "kept", "reason": "On second thought."}
    assert (await http.post(path, json=other, headers=as_("analyst"))).status_code == 409
    [rated] = (
        await http.post(f"{BASE}/lookup", json={"urls": ["http://evil.example/"]}, headers=as_("customer"))
    ).json()["results"]
    assert rated["rating"] == "safe"


@pytest.mark.parametrize(
    ("decision", "status", "field"),
    [
        ({"outcome": "changed", "reason": "why"}, 422, "/rating"),
        ({"outcome": "changed", "reason": "why", "categories": [9999]}, 422, "/categories"),
        ({"outcome": "maybe", "reason": "why"}, 422, "/outcome"),
        ({"outcome": "kept"}, 422, "/reason"),
        ({"outcome": "kept", "reason": "why", "score": 1}, 422, "/score"),
    ],
)
async def test_decision_that_makes_no_sense_is_refused(
    http: httpx.AsyncClient,
    memory_reclassifications: InMemoryReclassificationRepository,
    make_request: Callable[..., Reclassification],
    decision: dict[str, Any],
    status: int,
    field: str,
) -> None:
    [request] = await memory_reclassifications.add([make_request("one")])
    path = f"{BASE}/reclassifications/{request.id}/decision"
    answer = await http.post(path, json=decision, headers=as_("analyst"))
    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_unknown_request_is_not_found(http: httpx.AsyncClient) -> None:
    decision = {"outcome": "kept", "reason": "why"}
    answer = await http.post(f"{BASE}/reclassifications/none/decision", json=decision, headers=as_("analyst"))
    assert answer.status_code == 404


async def test_list_comes_in_as_lines_and_is_in_force_at_the_end(http: httpx.AsyncClient) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"phishing\tunheard-of.exam"
        yield b"ple\nknitting\twool.example\n"

    path = f"{BASE}/imports?format=ut1&name=own&version=2026-08"
    [done] = await said(await http.post(path, content=lines(), headers=as_("operator")))
    assert done == {
        "lines": 2,
        "entries": 1,
        "refused": {},
        "unknown_categories": {"knitting": 1},
        "done": True,
        "name": "own",
        "version": "2026-08",
    }
    [rated] = (
        await http.post(f"{BASE}/lookup", json={"urls": ["http://www.unheard-of.example/"]}, headers=as_("customer"))
    ).json()["results"]
    assert (rated["rating"], rated["reasons"][0]["engine"]) == ("dangerous", "own")
    names = [one["name"] for one in (await http.get(f"{BASE}/lists", headers=as_("operator"))).json()]
    assert names == ["own", "seed"]


async def test_hosts_file_takes_the_category_that_is_asked_for(http: httpx.AsyncClient) -> None:
    path = f"{BASE}/imports?format=hosts&version=1&category=malware"
    [done] = await said(await http.post(path, content=b"0.0.0.0 unheard-of.example\n", headers=as_("operator")))
    assert (done["entries"], done["name"]) == (1, "hosts")


async def test_what_is_no_list_says_so_and_changes_nothing(http: httpx.AsyncClient) -> None:
    path = f"{BASE}/imports?format=hosts&version=1"
    [refused] = await said(await http.post(path, content=b"", headers=as_("operator")))
    assert refused == {"error": "no line was an entry"}
    assert len((await http.get(f"{BASE}/lists", headers=as_("operator"))).json()) == 1


@pytest.mark.parametrize(
    "query", ["format=xml&version=1", "format=ut1", "format=ut1&version=1&name=../x", "format=ut1&version=1&category=x"]
)
async def test_import_with_a_bad_parameter_is_refused(http: httpx.AsyncClient, query: str) -> None:
    assert (await http.post(f"{BASE}/imports?{query}", content=b"x", headers=as_("operator"))).status_code == 422


async def test_roll_back_needs_a_version_before(http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{BASE}/lists/seed/rollback", headers=as_("operator"))).status_code == 409
    for version in ("1", "2"):
        await http.post(
            f"{BASE}/imports?format=ut1&name=own&version={version}", content=b"75\ta.example\n", headers=as_("operator")
        )
    answer = await http.post(f"{BASE}/lists/own/rollback", headers=as_("operator"))
    assert answer.json() == {"name": "own", "version": "1", "entries": 1}


async def test_override_of_an_account_counts_for_that_account_alone(http: httpx.AsyncClient) -> None:
    wanted = {"url": "https://phishing.test/training", "rating": "safe", "reason": "Our own exercise."}
    made = await http.post(f"{BASE}/overrides", json=wanted, headers=as_("account_admin/acc-1"))
    assert made.status_code == 201, made.text
    override = made.json()
    assert (override["expression"], override["for_everybody"]) == ("phishing.test/training", False)
    assert (override["by"], override["score"], override["removed_at"]) == ("con-account_admin", 90, None)

    seen = {}
    for who in ("customer/acc-1", "customer/acc-2", "analyst/acc-3"):
        look = {"urls": ["http://phishing.test/training", "http://phishing.test/"]}
        answer = await http.post(f"{BASE}/lookup", json=look, headers=as_(who))
        seen[who] = [one["rating"] for one in answer.json()["results"]]
    assert seen == {
        "customer/acc-1": ["safe", "dangerous"],
        "customer/acc-2": ["dangerous", "dangerous"],
        "analyst/acc-3": ["dangerous", "dangerous"],
    }

    path, why = f"{BASE}/overrides/{override['id']}/remove", {"reason": "The exercise is over."}
    for stranger in ("account_admin/acc-2", "analyst/acc-1"):
        assert (await http.post(path, json=why, headers=as_(stranger))).status_code == 404
        assert (await http.get(f"{BASE}/overrides", headers=as_(stranger))).json()["items"] == []
    removed = (await http.post(path, json=why, headers=as_("account_admin/acc-1"))).json()
    assert (removed["removed_by"], removed["removed_reason"]) == ("con-account_admin", "The exercise is over.")
    [kept] = (await http.get(f"{BASE}/overrides", headers=as_("account_admin/acc-1"))).json()["items"]
    assert kept == removed


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "javascript:alert(1)"}, "/url"),
        ({"categories": [9999]}, "/categories"),
        ({"expires_at": "2026-03-02T09:15:00Z"}, "/expires_at"),
        ({"expires_at": "tomorrow"}, "/expires_at"),
        ({"reason": ""}, "/reason"),
        ({"rating": "fine"}, "/rating"),
    ],
)
async def test_override_that_makes_no_sense_is_refused(
    http: httpx.AsyncClient, change: dict[str, Any], field: str
) -> None:
    wanted = {"url": "https://a.example/", "rating": "safe", "reason": "why", **change}
    answer = await http.post(f"{BASE}/overrides", json=wanted, headers=as_("analyst"))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_override_of_a_widely_used_site_needs_two_people_unless_it_is_for_the_own_account(
    http: httpx.AsyncClient,
) -> None:
    wanted = {"url": "https://popular.example/", "rating": "dangerous", "reason": "It was taken over."}
    own = await http.post(f"{BASE}/overrides", json=wanted, headers=as_("account_admin/acc-1"))
    assert own.json()["awaits_second"] is False
    made = (await http.post(f"{BASE}/overrides", json=wanted, headers=as_("analyst"))).json()
    assert made["awaits_second"] is True
    path = f"{BASE}/overrides/{made['id']}/second"
    assert (await http.post(path, headers=as_("analyst"))).status_code == 409
    look = {"urls": ["https://popular.example/"]}
    [unrated] = (await http.post(f"{BASE}/lookup", json=look, headers=as_("customer/acc-2"))).json()["results"]
    assert unrated["rating"] == "untested"
