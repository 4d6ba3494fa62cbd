from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from intake_fakes import FakePeek, InMemoryCaseRepository, Make

from intake.rate_limit import RateLimit

CHECK = "/api/v1/cases/check"


async def test_what_can_be_submitted_has_no_errors_and_becomes_no_case(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, cases: InMemoryCaseRepository
) -> None:
    body = make_submission(attachments=[{"upload_id": await make_upload()}])
    answer = await http.post(CHECK, json=body)
    assert (answer.status_code, answer.json()) == (200, {"errors": []})
    assert cases.cases == {}
    assert (await http.post("/api/v1/cases", json=body)).status_code == 201


async def test_a_check_says_what_a_submission_would_be_refused_with(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make, peek: FakePeek
) -> None:
    peek.sees("locked.zip", archive=True, state="wrong_password", encrypted=True)
    attachments = [{"upload_id": await make_upload("locked.zip"), "password": "guess"}]
    body = make_submission(
        subject="", attachments=attachments, urls=[{"url": f"http://{n}.example"} for n in range(11)]
    )
    checked, refused = await http.post(CHECK, json=body), await http.post("/api/v1/cases", json=body)
    assert checked.status_code == 200
    assert checked.json()["errors"] == refused.json()["errors"]
    assert {error["code"] for error in checked.json()["errors"]} == {
        "required",
        "urls.too_many",
        "archive.wrong_password",
    }


async def test_an_upload_that_a_case_has_is_told(
    http: httpx.AsyncClient, make_submission: Make, make_upload: Make
) -> None:
    body = make_submission(attachments=[{"upload_id": await make_upload()}])
    assert (await http.post("/api/v1/cases", json=body)).status_code == 201
    assert [one["code"] for one in (await http.post(CHECK, json=body)).json()["errors"]] == ["upload.claimed"]


async def test_checks_have_a_limit_of_their_own(
    app: FastAPI, http: httpx.AsyncClient, make_submission: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state, "parts", replace(app.state.parts, check_rate=RateLimit(1)))
    assert (await http.post(CHECK, json=make_submission())).status_code == 200
    refused = await http.post(CHECK, json=make_submission())
    assert refused.status_code == 429
    assert "Retry-After" in refused.headers
    assert (await http.post("/api/v1/cases", json=make_submission())).status_code == 201
