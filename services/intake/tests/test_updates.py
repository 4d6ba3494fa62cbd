import asyncio

import httpx
import pytest
from fastapi import FastAPI
from intake_fakes import FakePeek, InMemoryCaseRepository, InMemoryUploadRepository, Make

from caseway_contracts.cases import CaseClosed, CaseReopened, CaseSubmitted, CaseUpdated, EscalationRequested
from caseway_kit.auth import undeclared_routes
from caseway_kit.objects import Objects
from caseway_kit.testing.clock import FixedClock

CASES = "/api/v1/cases"


@pytest.fixture
async def sr(http: httpx.AsyncClient, make_submission: Make) -> str:
    return str((await http.post(CASES, json=make_submission(cc=["bob@example.com"]))).json()["sr_number"])


async def test_an_update_adds_words_evidence_and_recipients(
    http: httpx.AsyncClient, sr: str, make_upload: Make, cases: InMemoryCaseRepository
) -> None:
    update = {
        "comment": "It is back.",
        "attachments": [{"upload_id": await make_upload("more.txt")}],
        "urls": [{"url": "http://more.example/"}],
        "add_cc": ["bob@EXAMPLE.com", "carol@example.com"],
        "severity": "low",
    }
    answer = await http.post(f"{CASES}/{sr}/updates", json=update)

    assert answer.status_code == 202, answer.text
    event = cases.events[-1]
    assert isinstance(event, CaseUpdated)
    assert (event.revision, event.severity, event.update_id) == (2, "low", answer.json()["update_id"])
    assert [piece.kind for piece in event.evidence] == ["file", "url"]
    case = cases.cases[sr]
    assert [one.address for one in case.recipients][-1] == "carol@example.com"
    assert len(case.recipients) == 3
    assert event.sheet.key.startswith(f"cases/{sr}/sheet/2-")
    assert "It is back" not in event.model_dump_json()


async def test_updates_at_once_are_counted_one_after_the_other(
    http: httpx.AsyncClient, sr: str, cases: InMemoryCaseRepository
) -> None:
    said = [{"comment": str(number)} for number in range(10)]
    answers = await asyncio.gather(*(http.post(f"{CASES}/{sr}/updates", json=one) for one in said))
    assert {answer.status_code for answer in answers} == {202}
    assert [event.revision for event in cases.events] == list(range(1, 12))
    assert len({answer.json()["update_id"] for answer in answers}) == 10


async def test_an_empty_update_is_refused(http: httpx.AsyncClient, sr: str) -> None:
    assert (await http.post(f"{CASES}/{sr}/updates", json={})).status_code == 422


async def test_a_higher_severity_needs_its_impact(http: httpx.AsyncClient, sr: str) -> None:
    answer = await http.post(f"{CASES}/{sr}/updates", json={"severity": "critical"})
    assert [error["field"] for error in answer.json()["errors"]] == ["/business_impact"]
    update = {"severity": "critical", "business_impact": "Nobody can work."}
    assert (await http.post(f"{CASES}/{sr}/updates", json=update)).status_code == 202
    assert (await http.post(f"{CASES}/{sr}/updates", json={"severity": "high"})).status_code == 202


async def test_a_case_takes_twenty_attachments_with_its_updates(
    http: httpx.AsyncClient, sr: str, make_upload: Make
) -> None:
    async def add(count: int) -> httpx.Response:
        attachments = [{"upload_id": await make_upload()} for _ in range(count)]
        return await http.post(f"{CASES}/{sr}/updates", json={"attachments": attachments})

    assert (await add(19)).status_code == 202
    refused = await add(2)
    assert [error["code"] for error in refused.json()["errors"]] == ["evidence.not_accepted"]
    assert (await add(1)).status_code == 202


async def test_updates_at_once_fill_a_case_no_further_than_one_by_one(
    http: httpx.AsyncClient, sr: str, make_upload: Make, cases: InMemoryCaseRepository
) -> None:
    updates = [{"attachments": [{"upload_id": await make_upload()} for _ in range(5)]} for _ in range(6)]
    answers = await asyncio.gather(*(http.post(f"{CASES}/{sr}/updates", json=one) for one in updates))
    assert sorted(answer.status_code for answer in answers) == [202] * 4 + [422] * 2
    assert cases.cases[sr].attachments() == 20


@pytest.mark.parametrize(
    ("field", "items", "code"),
    [
        ("urls", [{"url": f"http://{number}.example/"} for number in range(9)], "urls.too_many"),
        ("add_cc", [f"{number}@x.example" for number in range(49)], "address.invalid"),
    ],
)
async def test_a_case_takes_no_more_by_many_updates_than_at_once(
    http: httpx.AsyncClient, sr: str, field: str, items: list[object], code: str
) -> None:
    url = f"{CASES}/{sr}/updates"
    assert (await http.post(url, json={field: items})).status_code == 202  # and one came with the case
    one = [{"url": "http://last.example/"}] if field == "urls" else ["last@x.example"]
    refused = await http.post(url, json={field: one})
    assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [(f"/{field}", code)]
    assert (await http.post(url, json={"comment": "Words still fit."})).status_code == 202


async def test_a_bare_sample_is_refused_in_an_update_too(
    http: httpx.AsyncClient, sr: str, make_upload: Make, peek: FakePeek
) -> None:
    peek.sees("a.exe", susceptible=[{"name": "a.exe", "why": "executable", "protected": False}])
    update = {"attachments": [{"upload_id": await make_upload("a.exe")}]}
    answer = await http.post(f"{CASES}/{sr}/updates", json=update)
    assert [error["code"] for error in answer.json()["errors"]] == ["attachment.bare"]


async def test_a_case_is_closed_once_and_reopened_once(
    http: httpx.AsyncClient, sr: str, cases: InMemoryCaseRepository
) -> None:
    assert (await http.post(f"{CASES}/{sr}/reopen", json={"comment": "?"})).status_code == 409
    assert (await http.post(f"{CASES}/{sr}/close")).status_code == 202
    assert (await http.post(f"{CASES}/{sr}/close", json={"comment": "Done."})).status_code == 409
    assert (await http.post(f"{CASES}/{sr}/reopen", json={})).status_code == 422
    assert (await http.post(f"{CASES}/{sr}/reopen", json={"comment": "Again."})).status_code == 202
    assert (await http.post(f"{CASES}/{sr}/close", json={"comment": "Done."})).status_code == 202
    assert [type(event) for event in cases.events] == [CaseSubmitted, CaseClosed, CaseReopened, CaseClosed]
    assert [event.sheet is None for event in cases.events if isinstance(event, CaseClosed)] == [True, False]


async def test_an_escalation_is_of_a_known_type(
    http: httpx.AsyncClient, sr: str, cases: InMemoryCaseRepository
) -> None:
    catalog = (await http.get("/api/v1/catalog")).json()
    known = catalog["escalation_types"][0]["slug"]
    wrong = await http.post(f"{CASES}/{sr}/escalate", json={"type": "shouting", "comment": "Hurry."})
    assert [error["code"] for error in wrong.json()["errors"]] == ["choice.invalid"]
    evidence_id = "797344dc-520e-5f83-af50-4254bb08daf8"
    for ids in ([evidence_id] * 101, ["invoice of Bob.exe"], [""]):  # the log takes no words
        refused = await http.post(
            f"{CASES}/{sr}/escalate", json={"type": known, "comment": "Hurry.", "evidence_ids": ids}
        )
        assert refused.status_code == 422
    right = {"type": known, "comment": "Hurry.", "evidence_ids": [evidence_id]}
    assert (await http.post(f"{CASES}/{sr}/escalate", json=right)).status_code == 202
    event = cases.events[-1]
    assert isinstance(event, EscalationRequested)
    assert (event.escalation_type, event.evidence_ids) == (known, (evidence_id,))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("updates", {"comment": "x"}),
        ("close", {}),
        ("reopen", {"comment": "x"}),
        ("escalate", {"type": "x", "comment": "x"}),
        ("promote", {"evidence_ids": ["x"], "submission": {}}),
    ],
)
async def test_the_case_of_somebody_else_is_not_there(
    http: httpx.AsyncClient, sr: str, stranger: dict[str, str], path: str, body: dict[str, object]
) -> None:
    foreign = await http.post(f"{CASES}/{sr}/{path}", json=body, headers=stranger)
    missing = await http.post(f"{CASES}/SR01-999999999-0/{path}", json=body)
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.json() == missing.json()


async def test_a_key_makes_every_request_safe_to_repeat(
    http: httpx.AsyncClient, sr: str, cases: InMemoryCaseRepository
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await http.post(f"{CASES}/{sr}/close", json={"comment": "Done."}, headers=key)
    again = await http.post(f"{CASES}/{sr}/close", json={"comment": "Done."}, headers=key)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    for path, body in (("close", {"comment": "Other."}), ("reopen", {"comment": "Done."})):
        other = await http.post(f"{CASES}/{sr}/{path}", json=body, headers=key)
        assert [error["code"] for error in other.json()["errors"]] == ["idempotency.other_body"]
    assert len(cases.events) == 2


async def test_equal_updates_at_once_with_one_key_are_one(
    http: httpx.AsyncClient, sr: str, cases: InMemoryCaseRepository
) -> None:
    key = {"Idempotency-Key": "k1"}
    asked = [http.post(f"{CASES}/{sr}/updates", json={"comment": "x"}, headers=key) for _ in range(20)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["update_id"] for answer in answers}) == 1
    assert len(cases.events) == 2


async def test_promoted_pieces_are_copies_in_a_case_of_their_own(
    http: httpx.AsyncClient,
    make_submission: Make,
    make_upload: Make,
    cases: InMemoryCaseRepository,
    known_uploads: InMemoryUploadRepository,
    objects: Objects,
) -> None:
    attachments = [{"upload_id": await make_upload("a.zip", b"bytes"), "password": "secret"}]
    sr = (await http.post(CASES, json=make_submission(attachments=attachments))).json()["sr_number"]
    file, url = cases.cases[sr].evidence
    chosen = {"evidence_ids": [file.id, url.id], "submission": make_submission(subject="Theirs", urls=[])}

    answer = await http.post(f"{CASES}/{sr}/promote", json=chosen, headers={"Idempotency-Key": "k"})
    again = await http.post(f"{CASES}/{sr}/promote", json=chosen, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, again.status_code) == (201, 200), answer.text
    promoted = cases.cases[answer.json()["sr_number"]]
    assert promoted.promoted_from == (file.id, url.id)
    assert promoted.evidence[0].object.key != file.object.key
    assert promoted.evidence[0].object.sha256 == file.object.sha256
    assert promoted.sheet().attachments[0].password == "secret"
    assert promoted.sheet().urls[0].url == "http://odd.example/page"
    await objects.delete(file.object.key)
    assert await objects.exists(promoted.evidence[0].object.key)
    assert len(known_uploads.uploads) == 2


async def test_only_submitted_pieces_can_be_promoted(http: httpx.AsyncClient, sr: str, make_submission: Make) -> None:
    chosen = {"evidence_ids": ["found-inside"], "submission": make_submission()}
    answer = await http.post(f"{CASES}/{sr}/promote", json=chosen)
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("/evidence_ids/0", "evidence.unknown")
    ]


@pytest.mark.parametrize("field", ["attachments", "urls"])
@pytest.mark.parametrize("value", [5, True, 0, {"a": 1}, "ab"])
async def test_what_is_no_list_cannot_be_promoted_with(
    http: httpx.AsyncClient,
    sr: str,
    make_submission: Make,
    cases: InMemoryCaseRepository,
    known_uploads: InMemoryUploadRepository,
    field: str,
    value: object,
) -> None:
    before = len(known_uploads.uploads)
    chosen = {
        "evidence_ids": [one.id for one in cases.cases[sr].evidence],
        "submission": make_submission(**{field: value}),
    }
    answer = await http.post(f"{CASES}/{sr}/promote", json=chosen)
    assert answer.status_code == 422, answer.text
    assert f"/{field}" in [error["field"] for error in answer.json()["errors"]]
    assert len(known_uploads.uploads) == before


async def test_the_portal_reads_what_is_younger_than_its_projection(
    http: httpx.AsyncClient, sr: str, make_upload: Make, stranger: dict[str, str], clock: FixedClock
) -> None:
    before = clock.now()
    clock.advance(10)
    update = {"comment": "More.", "attachments": [{"upload_id": await make_upload("b.txt")}]}
    await http.post(f"{CASES}/{sr}/updates", json=update)

    read = (await http.get(f"/internal/cases/{sr}", params={"since_revision": 1})).json()
    assert (read["sr_number"], read["revision"], read["status"]) == (sr, 2, "received")
    assert [item["event"] for item in read["timeline"]] == ["CaseSubmitted", "CaseUpdated"]
    assert "More." in read["timeline"][1]["says"]
    assert [(piece["kind"], piece["name"], piece["url"]) for piece in read["evidence"]] == [
        ("url", None, "http://odd.example/page"),
        ("file", "b.txt", None),
    ]
    assert (await http.get(f"/internal/cases/{sr}", params={"since_revision": 2})).status_code == 204
    assert (await http.get(f"/internal/cases/{sr}", headers=stranger)).status_code == 404
    analyst = {"Authorization": "Bearer ann:vendor:analyst"}
    assert (await http.get(f"/internal/cases/{sr}", headers=analyst)).status_code == 200

    changed = await http.get("/internal/cases", params={"since": before.isoformat()})
    assert [item["sr_number"] for item in changed.json()["items"]] == [sr]
    assert (await http.get("/internal/cases", params={"since": "yesterday"})).status_code == 422
    foreign = await http.get("/internal/cases", params={"since": before.isoformat()}, headers=stranger)
    assert foreign.json()["items"] == []


async def test_the_catalogue_is_read_again_only_when_it_changed(http: httpx.AsyncClient, app: FastAPI) -> None:
    first = await http.get("/api/v1/catalog", headers={"Authorization": ""})
    again = await http.get("/api/v1/catalog", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert first.json()["version"] == app.state.parts.catalog.version


async def test_a_case_that_is_full_takes_no_more(
    http: httpx.AsyncClient, sr: str, cases: InMemoryCaseRepository
) -> None:
    cases.cases[sr] = cases.cases[sr].model_copy(update={"words": 8 * 1024 * 1024})
    answer = await http.post(f"{CASES}/{sr}/updates", json={"comment": "One more."})
    assert [error["code"] for error in answer.json()["errors"]] == ["text.too_long"]


def test_every_route_has_a_rule(app: FastAPI) -> None:
    assert undeclared_routes(app) == []
