import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from intake_fakes import FakePeek, FakeProfiles, InMemoryCaseRepository, Make

from caseway_contracts.cases import CaseSubmitted
from caseway_contracts.sr_numbers import parse_sr
from caseway_contracts.views import CaseView
from caseway_kit.testing.clock import FixedClock
from intake.rate_limit import RateLimit

CASES = "/api/v1/cases"


def codes(answer: httpx.Response) -> set[tuple[str, str]]:
    return {(error["field"], error["code"]) for error in answer.json()["errors"]}


async def test_a_submission_becomes_a_case_with_its_event(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, cases: InMemoryCaseRepository
) -> None:
    upload = await make_upload("sample.txt")
    body = make_submission(cc=["bob@example.com"], attachments=[{"upload_id": upload, "password": "secret"}])

    answer = await http.post(CASES, json=body)

    assert answer.status_code == 201, answer.text
    view = CaseView.model_validate_json(answer.content)
    parse_sr(view.sr_number)
    assert answer.headers["Location"] == f"{CASES}/{view.sr_number}"
    assert (view.status, view.subject, view.cc) == ("received", "Something odd", ("bob@example.com",))
    [event] = cases.events
    assert isinstance(event, CaseSubmitted)
    assert [piece.kind for piece in event.evidence] == ["file", "url"]
    assert event.sheet.key.startswith(f"cases/{view.sr_number}/sheet/1-")


async def test_the_event_says_facts_and_no_words(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, cases: InMemoryCaseRepository
) -> None:
    upload = await make_upload("secret-plan.txt")
    await http.post(CASES, json=make_submission(cc=["bob@example.com"], attachments=[{"upload_id": upload}]))

    [event] = cases.events
    for word in ("secret-plan", "bob@", "anna@", "Something odd", "came by mail", "odd.example"):
        assert word not in event.model_dump_json()


async def test_the_submitter_comes_first_and_nobody_twice(
    http: httpx.AsyncClient, make_submission: Make, cases: InMemoryCaseRepository
) -> None:
    cc = ["bob@example.com", "anna@EXAMPLE.com", "bob@Example.com", "Bob@example.com"]
    await http.post(CASES, json=make_submission(cc=cc))

    [case] = cases.cases.values()
    assert [one.address for one in case.recipients] == ["anna@example.com", "bob@example.com"]
    assert [one.submitter for one in case.recipients] == [True, False]
    assert len({one.id for one in case.recipients}) == 2


async def test_every_fault_of_a_submission_is_told_at_once(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, peek: FakePeek
) -> None:
    good, locked = await make_upload("good.txt"), await make_upload("locked.zip")
    peek.sees("locked.zip", archive=True, state="wrong_password", encrypted=True)
    body = make_submission(
        subject="",
        severity="high",
        colour="blue",
        cc=["nobody"],
        attachments=[
            {"upload_id": good},
            {"upload_id": locked, "password": "guess"},
            {"upload_id": "none"},
            {"upload_id": good},
        ],
        urls=[{"url": "http://"}, {"url": "gopher://x.example/"}],
    )

    answer = await http.post(CASES, json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert codes(answer) == {
        ("/subject", "required"),
        ("/business_impact", "required"),
        ("/colour", "field.unknown"),
        ("/cc/0", "address.invalid"),
        ("/attachments/1/password", "archive.wrong_password"),
        ("/attachments/2/upload_id", "upload.unknown"),
        ("/attachments/3/upload_id", "upload.claimed"),
        ("/urls/0/url", "url.invalid"),
        ("/urls/1/url", "url.invalid"),
    }
    assert all(error["help"] for error in answer.json()["errors"])


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"archive": True, "state": "empty"}, "archive.empty"),
        ({"archive": True, "state": "unreadable"}, "archive.unreadable"),
        ({"archive": True, "state": "needs_password"}, "archive.wrong_password"),
        ({"archive": True, "state": "unsupported_encryption"}, "archive.unreadable"),
        ({"susceptible": [{"name": "x.exe", "why": "executable", "protected": False}]}, "attachment.bare"),
        ({"type": "application/pdf", "family": "document"}, "attachment.bare"),
    ],
)
async def test_what_cannot_be_used_is_refused_at_once(
    http: httpx.AsyncClient,
    make_submission: Make,
    make_upload: Make,
    peek: FakePeek,
    facts: dict[str, object],
    code: str,
) -> None:
    peek.sees("sample", **facts)
    answer = await http.post(CASES, json=make_submission(attachments=[{"upload_id": await make_upload("sample")}]))
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == [code]


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        ({"archive": True, "encrypted": True, "state": "open", "kind": "email"}, None),
        ({"archive": True, "encrypted": False, "state": "open", "kind": "email"}, "attachment.bare"),
        ({"family": "mail", "kind": "email"}, "attachment.bare"),
        (
            {"archive": True, "encrypted": True, "state": "open", "kind": "email", "forwarded": ["a.eml"]},
            "mail.forwarded",
        ),
        ({"archive": True, "encrypted": True, "state": "open", "kind": "file"}, "evidence.not_accepted"),
    ],
)
async def test_spam_wants_original_mails_in_a_protected_zip(
    http: httpx.AsyncClient,
    make_submission: Make,
    make_upload: Make,
    peek: FakePeek,
    facts: dict[str, object],
    refused: str | None,
) -> None:
    peek.sees("mails.zip", **facts)
    attachments = [{"upload_id": await make_upload("mails.zip")}]
    answer = await http.post(CASES, json=make_submission(category="spam", fields={}, urls=[], attachments=attachments))
    assert {code for _, code in codes(answer)} >= {refused} if refused else answer.status_code == 201


async def test_what_the_peek_cannot_see_in_time_is_accepted(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, peek: FakePeek
) -> None:
    peek.seen["slow.zip"] = None
    answer = await http.post(CASES, json=make_submission(attachments=[{"upload_id": await make_upload("slow.zip")}]))
    assert answer.status_code == 201


async def test_an_eleventh_url_is_refused(http: httpx.AsyncClient, make_submission: Make) -> None:
    urls = [{"url": f"http://odd.example/{number}"} for number in range(11)]
    answer = await http.post(CASES, json=make_submission(urls=urls))
    assert codes(answer) == {("/urls", "urls.too_many")}


async def test_a_category_that_wants_evidence_is_refused_without(
    http: httpx.AsyncClient, make_submission: Make
) -> None:
    answer = await http.post(CASES, json=make_submission(urls=[]))
    assert ("/attachments", "evidence.missing") in codes(answer)


async def test_an_upload_belongs_to_one_case(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, stranger: dict[str, str]
) -> None:
    body = make_submission(attachments=[{"upload_id": await make_upload()}])
    foreign = await http.post(CASES, json=body, headers=stranger)
    assert codes(foreign) == {("/attachments/0/upload_id", "upload.unknown")}
    assert (await http.post(CASES, json=body)).status_code == 201
    again = await http.post(CASES, json=body)
    assert codes(again) == {("/attachments/0/upload_id", "upload.claimed")}


async def test_an_upload_is_usable_for_a_day(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, clock: FixedClock
) -> None:
    body = make_submission(attachments=[{"upload_id": await make_upload()}])
    clock.advance(timedelta(hours=24).total_seconds() + 1)
    assert codes(await http.post(CASES, json=body)) == {("/attachments/0/upload_id", "upload.unknown")}


async def test_an_unknown_profile_is_refused(http: httpx.AsyncClient, make_submission: Make) -> None:
    answer = await http.post(CASES, json=make_submission(profile_id="p2"))
    assert codes(answer) == {("/profile_id", "profile.unknown")}


async def test_a_newer_profile_is_asked_for_when_the_form_has_seen_one(
    http: httpx.AsyncClient, make_submission: Make, profiles: FakeProfiles
) -> None:
    for _ in range(2):
        await http.post(CASES, json=make_submission(profile_revision=3))
    assert profiles.asked == ["p1"]
    answer = await http.post(CASES, json=make_submission(profile_revision=4))
    assert profiles.asked == ["p1", "p1"]
    assert codes(answer) == {("/profile_id", "profile.unknown")}


async def test_an_old_form_is_told_to_load_again(http: httpx.AsyncClient, make_submission: Make) -> None:
    assert (await http.post(CASES, json=make_submission(catalog_version="2019.1"))).status_code == 409
    version = (await http.get("/api/v1/catalog")).json()["version"]
    assert (await http.post(CASES, json=make_submission(catalog_version=version))).status_code == 201


async def test_the_same_key_and_body_give_the_first_answer(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, cases: InMemoryCaseRepository
) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await http.post(
        CASES, json=make_submission(attachments=[{"upload_id": await make_upload(), "password": "p"}]), headers=key
    )
    again = await http.post(
        CASES, json=make_submission(attachments=[{"upload_id": await make_upload(), "password": "p"}]), headers=key
    )
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(cases.events) == 1


@pytest.mark.parametrize(
    "change", [{"subject": "Other"}, {"urls": [{"url": "http://other.example/"}]}, {"severity": "low"}]
)
async def test_the_same_key_with_another_body_is_refused(
    http: httpx.AsyncClient, make_submission: Make, change: dict[str, object]
) -> None:
    key = {"Idempotency-Key": "k1"}
    await http.post(CASES, json=make_submission(), headers=key)
    answer = await http.post(CASES, json=make_submission(**change), headers=key)
    assert answer.status_code == 422
    assert codes(answer) == {("/Idempotency-Key", "idempotency.other_body")}


async def test_a_key_belongs_to_its_account(
    http: httpx.AsyncClient, make_submission: Make, stranger: dict[str, str]
) -> None:
    key = {"Idempotency-Key": "k1"}
    mine = await http.post(CASES, json=make_submission(), headers=key)
    theirs = await http.post(CASES, json=make_submission(), headers={**key, **stranger})
    assert theirs.status_code == 201
    assert theirs.json()["sr_number"] != mine.json()["sr_number"]


async def test_a_hundred_equal_requests_at_once_make_one_case(
    http: httpx.AsyncClient, make_submission: Make, cases: InMemoryCaseRepository
) -> None:
    body, key = make_submission(), {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(http.post(CASES, json=body, headers=key) for _ in range(100)))
    assert sorted(answer.status_code for answer in answers) == [200] * 99 + [201]
    assert len({answer.json()["sr_number"] for answer in answers}) == 1
    assert len(cases.cases) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"a": NaN}', b"[" * 100_000, b'{"a": 1' + b"0" * 5000])
async def test_a_body_that_is_no_json_object_is_400(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post(CASES, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_another_content_type_is_415(http: httpx.AsyncClient, make_submission: Make) -> None:
    answer = await http.post(CASES, content=json.dumps(make_submission()), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


async def test_without_a_token_nothing_is_taken(http: httpx.AsyncClient, make_submission: Make) -> None:
    answer = await http.post(CASES, json=make_submission(), headers={"Authorization": ""})
    assert answer.status_code == 401
    analyst = await http.post(CASES, json=make_submission(), headers={"Authorization": "Bearer a:b:analyst"})
    assert analyst.status_code == 403


async def test_more_submissions_than_the_limit_are_told_when_to_come_back(
    app: FastAPI, http: httpx.AsyncClient, make_submission: Make, stranger: dict[str, str]
) -> None:
    app.state.parts = replace(app.state.parts, rate=RateLimit(3))
    answers = [await http.post(CASES, json=make_submission()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert (await http.post(CASES, json=make_submission(), headers=stranger)).status_code == 201
