from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from portal_fakes import OPENED, SR, FakeFreshCases, InMemoryPageRepository, Make

from caseway_kit.auth import undeclared_routes
from caseway_kit.errors import OutageError
from portal.projection import Projection


def test_every_route_declares_who_may_call_it(api: FastAPI) -> None:
    assert undeclared_routes(api) == []


async def test_a_case_is_read_as_promised(
    client: httpx.AsyncClient, projection: Projection, submit: Make, analyze: Make
) -> None:
    await projection.apply([await submit(files={"f1": "a.zip"}, urls={"u1": "http://x.example/"}), await analyze("f1")])
    answer = await client.get(f"/api/v1/cases/{SR}")
    assert answer.status_code == 200
    case = answer.json()
    assert case.keys() >= {"sr_number", "status", "description", "analysis", "notifications", "timeline", "due_at"}
    assert case["analysis"].keys() == {"complete", "round", "files", "urls", "emails", "attk_logs", "truncated"}
    assert case["timeline"][0].keys() == {"at", "service", "event", "says"}


@pytest.mark.parametrize("path", ["", "/timeline", "/evidence", "/events"])
@pytest.mark.parametrize(("token", "status"), [("customer@a2", 404), ("nobody", 401)])
async def test_somebody_elses_case_is_not_there(
    client: httpx.AsyncClient, projection: Projection, submit: Make, path: str, token: str, status: int
) -> None:
    await projection.apply([await submit()])
    answer = await client.get(f"/api/v1/cases/{SR}{path}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [f"/{SR}", f"/{SR}/timeline", f"/{SR}/evidence", f"/{SR}/events", ""])
@pytest.mark.parametrize("away", ["MongoDB", "intake"])
async def test_what_cannot_be_read_just_now_is_asked_for_again(
    client: httpx.AsyncClient,
    memory_pages: InMemoryPageRepository,
    fresh: FakeFreshCases,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    away: str,
) -> None:
    async def no_answer(*_: object) -> None:
        raise OutageError(away)

    for name in ("find", "listed") if away == "MongoDB" else ():
        monkeypatch.setattr(memory_pages, name, no_answer)
    if away == "intake":
        monkeypatch.setattr(fresh, "case", no_answer)
    answer = await client.get(f"/api/v1/cases{path}")
    if away == "intake" and not path:
        assert answer.status_code == 200  # a list says what is known here
        return
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_list_goes_on_where_its_cursor_stands(
    client: httpx.AsyncClient, projection: Projection, submit: Make
) -> None:
    numbers = [SR, "SR01-000000043-5", "SR01-000000044-6"]
    for minutes, number in enumerate(numbers):
        event = await submit(sr_number=number, occurred_at=OPENED + timedelta(minutes=minutes))
        await projection.apply([event])
    first = (await client.get("/api/v1/cases?limit=2")).json()
    second = (await client.get(f"/api/v1/cases?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["sr_number"] for one in first["items"] + second["items"]] == numbers[::-1]
    assert second["next_cursor"] is None
    assert "description" not in first["items"][0]


async def test_a_search_finds_words_of_the_subject(
    client: httpx.AsyncClient, projection: Projection, submit: Make
) -> None:
    await projection.apply([await submit(subject="Über the fence")])
    for q, count in {"üb": 1, "FENCE": 1, "sr01-000000042-4": 1, "gate": 0, "!!": 0, " ": 1}.items():
        answer = await client.get("/api/v1/cases", params={"q": q})
        assert (q, len(answer.json()["items"])) == (q, count)


@pytest.mark.parametrize(
    ("query", "status"),
    [("sort=name", 422), ("status=lost", 422), ("limit=0", 422), ("limit=201", 422), ("cursor=nonsense", 400)],
)
async def test_a_list_refuses_what_it_does_not_know(client: httpx.AsyncClient, query: str, status: int) -> None:
    assert (await client.get(f"/api/v1/cases?{query}")).status_code == status


async def test_a_cursor_of_another_order_is_refused(
    client: httpx.AsyncClient, projection: Projection, submit: Make
) -> None:
    await projection.apply([await submit(), await submit(sr_number="SR01-000000043-5")])
    cursor = (await client.get("/api/v1/cases?limit=1")).json()["next_cursor"]
    assert (await client.get(f"/api/v1/cases?limit=1&sort=severity&cursor={cursor}")).status_code == 400


async def test_evidence_is_one_list_of_all_results(
    client: httpx.AsyncClient, projection: Projection, submit: Make, analyze: Make
) -> None:
    opened = await submit(files={"f1": "a.zip"}, urls={"u1": "http://x.example/"})
    await projection.apply([opened, await analyze("f1", "a.zip", "b.exe")])
    items, cursor = [], ""
    while True:
        page = (await client.get(f"/api/v1/cases/{SR}/evidence?limit=1{cursor}")).json()
        items += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [(one["list"], one["kind"], one["id"]) for one in items] == [
        ("files", "file", "f1"),
        ("files", "file", "f1/1"),
        ("urls", "url", "u1"),
    ]


async def test_a_timeline_is_paged(
    client: httpx.AsyncClient, projection: Projection, submit: Make, analyze: Make
) -> None:
    await projection.apply([await submit(files={"f1": "a.zip"}), await analyze("f1")])
    first = (await client.get(f"/api/v1/cases/{SR}/timeline?limit=1")).json()
    second = (await client.get(f"/api/v1/cases/{SR}/timeline?limit=1&cursor={first['next_cursor']}")).json()
    assert [one["event"] for one in first["items"] + second["items"]] == ["CaseSubmitted", "EvidenceAnalyzed"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("path", ["/docs", "/docs/assets/swagger-ui-bundle.js", "/docs/assets/start.js"])
async def test_pages_come_from_here_alone(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Authorization": ""})
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    if path == "/docs":
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize("name", ["index.html", "..%2f__init__.py", "%2e%2e/__init__.py"])
async def test_other_files_of_the_bundle_are_not_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/docs/assets/{name}")).status_code == 404


async def test_the_merged_description_holds_the_reads(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    assert "/api/v1/cases/{sr_number}" in document["paths"]
    assert "intake" in document["info"]["description"]
