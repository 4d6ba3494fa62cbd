"""A case after its submission: read at once, updated, closed, reopened, escalated, watched live."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from embedded_system import Client, System, by, eventually
from evidence import EICAR, aes_zip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_case_can_be_read_and_listed_right_after_its_201(customer: Client) -> None:
    for number in range(10):
        answer = customer.submit(category="threat-inquiry", fields={}, subject=f"Inquiry {number}")
        sr = answer.json()["sr_number"]
        assert answer.headers["Location"].endswith(sr)
        assert customer.get(f"/cases/{sr}")["subject"] == f"Inquiry {number}"
        assert sr in [one["sr_number"] for one in customer.get("/cases", limit=50)["items"]]


def test_an_update_is_there_right_after_its_202_and_opens_a_round(customer: Client, system: System) -> None:
    sr = customer.opened(category="threat-inquiry", fields={})
    customer.completed(sr)
    upload = customer.upload("s.zip", aes_zip({"eicar.com": EICAR}, "infected"))
    body = {
        "comment": "Found one more.",
        "attachments": [{"upload_id": upload, "password": "infected"}],
        "add_cc": ["late@customer.example"],
    }
    other = customer.opened(attachments=[("a.zip", aes_zip({"a.txt": b"a"}, "infected"), None)])
    customer.completed(other)
    answer = customer.request("POST", f"/cases/{other}/updates", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["update_id"]
    assert "late@customer.example" in customer.get(f"/cases/{other}")["cc"]
    case = eventually(
        lambda: customer.get(f"/cases/{other}"),
        lambda found: (
            found["analysis"]["complete"] and any(one["name"] == "eicar.com" for one in found["analysis"]["files"])
        ),
    )
    assert case["analysis"]["round"] == 2
    kinds = eventually(
        lambda: [mail["X-Caseway-Kind"] for mail in system.mails_of(other) if mail["To"] == "late@customer.example"],
        lambda found: "analysis-complete" in found,
    )
    assert "confirmation" not in kinds


def test_closing_reopening_and_escalating_show_on_the_case(customer: Client) -> None:
    sr = customer.opened(category="threat-inquiry", fields={})
    assert customer.request("POST", f"/cases/{sr}/reopen", json={"comment": "?"}).status_code == 409
    assert customer.request("POST", f"/cases/{sr}/close", json={}).status_code == 202
    assert customer.request("POST", f"/cases/{sr}/close", json={}).status_code == 409
    eventually(lambda: customer.get(f"/cases/{sr}")["status"], lambda status: status == "closed")
    assert customer.request("POST", f"/cases/{sr}/reopen", json={"comment": "Not yet."}).status_code == 202
    eventually(lambda: customer.get(f"/cases/{sr}")["status"], lambda status: status == "open")
    before = customer.get(f"/cases/{sr}")["priority"]
    body = {"type": "management-attention", "comment": "Please call."}
    assert customer.request("POST", f"/cases/{sr}/escalate", json=body).status_code == 202
    case = eventually(lambda: customer.get(f"/cases/{sr}"), lambda found: found["escalations"])
    assert case["escalations"][0]["type"] == "management-attention"
    assert case["priority"] <= before
    timeline = customer.get(f"/cases/{sr}/timeline")["items"]
    assert {"CaseSubmitted", "CaseClosed", "CaseReopened"} <= {one["event"] for one in timeline}
    assert all(one["says"] for one in timeline)


def test_equal_submissions_with_one_key_make_one_case(customer: Client) -> None:
    body = customer.submission(category="threat-inquiry", fields={})
    key = {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: customer.request("POST", "/cases", json=body, headers=key), range(20)))
    assert {answer.json()["sr_number"] for answer in answers} == {answers[0].json()["sr_number"]}
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert all(answer.headers["Idempotency-Replayed"] == "true" for answer in answers if answer.status_code == 200)
    other = customer.request("POST", "/cases", json=body | {"subject": "Another"}, headers=key)
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "idempotency.other_body")


def test_bulk_answers_line_by_line_and_a_bad_line_stops_nothing(customer: Client) -> None:
    good = customer.submission(category="threat-inquiry", fields={})
    lines = [
        json.dumps(good | {"idempotency_key": uuid4().hex, "subject": "First"}),
        "not json",
        json.dumps(good | {"severity": "enormous"}),
        json.dumps(good | {"idempotency_key": uuid4().hex, "subject": "Second"}),
    ]

    def send() -> list[Any]:
        headers = {"Content-Type": "application/x-ndjson"}
        answer = customer.request("POST", "/cases/bulk", content="\n".join(lines), headers=headers)
        assert answer.status_code == 200
        return [json.loads(line) for line in answer.text.splitlines()]

    first = send()
    assert [one["line"] for one in first] == [1, 2, 3, 4]
    assert [one["status"] for one in first] == [201, 400, 422, 201]
    again = send()
    assert [one["status"] for one in again] == [200, 400, 422, 200]
    assert [one.get("sr_number") for one in again] == [one.get("sr_number") for one in first]


def test_a_resumed_upload_is_the_file(customer: Client) -> None:
    content = aes_zip({"eicar.com": EICAR, "noise": bytes(range(256)) * 4000}, "infected")
    opened = customer.request(
        "POST",
        "/uploads",
        headers={"Upload-Length": str(len(content)), "Content-Disposition": 'attachment; filename="parts.zip"'},
    )
    assert opened.status_code == 201, opened.text
    upload = opened.json()["upload_id"]
    half = len(content) // 2
    first = customer.request("PATCH", f"/uploads/{upload}", content=content[:half], headers={"Upload-Offset": "0"})
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(half))
    wrong = customer.request("PATCH", f"/uploads/{upload}", content=b"x", headers={"Upload-Offset": "0"})
    assert wrong.status_code == 409
    assert customer.request("HEAD", f"/uploads/{upload}").headers["Upload-Offset"] == str(half)
    last = customer.request("PATCH", f"/uploads/{upload}", content=content[half:], headers={"Upload-Offset": str(half)})
    assert last.status_code == 201
    assert last.json()["size"] == len(content)
    body = customer.submission() | {"attachments": [{"upload_id": upload, "password": "infected"}]}
    sr = customer.request("POST", "/cases", json=body).json()["sr_number"]
    assert by(customer.completed(sr)["analysis"]["files"], name="eicar.com")["verdict"] == "malicious"
    again = customer.request("POST", "/cases", json=body)
    assert again.json()["errors"][0]["code"] == "upload.claimed"


def test_a_watcher_sees_results_arrive_and_goes_on_where_it_was(customer: Client) -> None:
    seen: list[tuple[str, str]] = []
    done = threading.Event()
    sr = customer.opened(attachments=[("s.zip", aes_zip({"eicar.com": EICAR}, "infected"), None)])

    def watch(last: str | None) -> None:
        headers = {"Last-Event-ID": last} if last else {}
        with customer.http.stream("GET", f"/cases/{sr}/events", headers=headers) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            event: dict[str, str] = {}
            for line in stream.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    event[name] = value
                    continue
                if "event" in event:
                    seen.append((event["event"], event.get("id", "")))
                if event.get("event") in ("complete", "reset"):
                    done.set()
                    return
                event = {}

    watch(None)
    assert done.is_set()
    assert {"evidence", "timeline", "complete"} <= {name for name, _ in seen}
    seen.clear()
    watch("of another world")
    assert seen[0][0] == "reset"


def test_one_document_describes_the_whole_interface(customer: Client) -> None:
    document = customer.http.get("/openapi.json").json()
    for path in ("/api/v1/session", "/api/v1/cases", "/api/v1/uploads", "/api/v1/profiles", "/api/v1/ratings/lookup"):
        assert path in document["paths"]
    assert customer.http.get(str(customer.http.base_url).replace("/api/v1/", "/docs")).status_code == 200


def test_everything_accepted_is_accounted_for(system: System) -> None:
    found = eventually(system.reconcile, lambda one: one["in_flight"] == 0)
    assert found["lost"] == []
    assert found["problems"] == []
    assert found["accepted"] == found["completed"] + found["parked"]
    assert json.loads(system.caseway("dlq", "list", "--data", str(system.data), "--json").stdout) == []
