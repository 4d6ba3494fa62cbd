"""Who sees which page (S01, S02), and that no page is taken by somebody else's form (S24)."""

import httpx
import pytest
from fastapi import FastAPI
from page_fakes import Tab
from page_matrix import PEOPLE, ROWS
from portal_fakes import Make

from caseway_kit.auth import declared_rules
from portal.pages.base import SECURITY

CHANGING = [route for route in ROWS if not route.startswith(("GET ", "HEAD "))]
FORGED: list[tuple[dict[str, str], dict[str, str]]] = [
    ({}, {"csrf_token": ""}),
    ({}, {"csrf_token": "a" * 43}),
    ({"Sec-Fetch-Site": "cross-site"}, {}),
    ({"Sec-Fetch-Site": "same-site"}, {}),
    ({"Origin": "http://evil.example"}, {}),
    ({"Origin": "null"}, {}),
    ({"X-CSRF-Token": "guess"}, {}),
]


async def asked(tab: Tab, route: str) -> httpx.Response:
    row, method = ROWS[route], route.partition(" ")[0]
    if row.headers or method not in ("GET", "POST"):
        return await tab.ask(method, row.path, headers=row.headers)
    return await (tab.get(row.path) if method == "GET" else tab.post(row.path, row.form))


def test_every_page_route_has_a_rule_and_a_row(api: FastAPI) -> None:
    pages = {
        name: rule
        for name, rule in declared_rules(api).items()
        if not name.partition(" ")[2].startswith(("/api/", "/docs", "/openapi.json"))
    }
    assert [name for name, rule in pages.items() if rule is None] == []
    assert pages.keys() == ROWS.keys()


@pytest.mark.parametrize("route", ROWS)
async def test_a_page_is_for_whom_its_row_says(tabs: Make, seeded: None, route: str) -> None:
    # The customer comes last: only this one changes what the others ask for.
    for person in sorted(PEOPLE, key=lambda one: one == "customer"):
        answer = await asked(await tabs(PEOPLE[person]), route)
        assert (person, answer.status_code) == (person, getattr(ROWS[route], person))
        if answer.status_code == 303 and person == "anonymous" and route not in ("POST /sign-out", "POST /theme"):
            assert answer.headers["location"].startswith("/sign-in?next=%2F")


@pytest.mark.parametrize("route", CHANGING)
async def test_a_forged_form_changes_nothing(tabs: Make, seeded: None, route: str) -> None:
    row = ROWS[route]
    tab: Tab = await tabs("customer@a1")
    for headers, form in FORGED:
        body = {"csrf_token": tab.csrf, **row.form, **form}
        sent = {**row.headers, **headers}
        answer = await tab.http.request(route.partition(" ")[0], row.path, data=body, headers=sent)
        assert (headers, form, answer.status_code) == (headers, form, 403)


async def test_a_token_of_one_session_is_void_in_another(tabs: Make) -> None:
    mine, theirs = await tabs("customer@a1"), await tabs("customer@a2")
    theirs.csrf = mine.csrf
    assert (await theirs.post("/theme", {"theme": "dark"})).status_code == 403


@pytest.mark.parametrize("route", [route for route in ROWS if route.startswith("GET ")])
async def test_no_other_site_reads_or_frames_a_page(tab: Tab, seeded: None, route: str) -> None:
    answer = await tab.get(ROWS[route].path, headers={"Origin": "http://evil.example", "Host": "evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "evil.example" not in answer.text
    assert "evil.example" not in answer.headers.get("location", "")
    # A sample has a policy of its own, which allows nothing at all.
    if "/static/" not in route and not route.endswith(".zip"):
        for name, value in SECURITY.items():
            assert answer.headers[name] == value
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
