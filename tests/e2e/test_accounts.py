"""Two accounts of one system never see each other."""

import pytest
from embedded_system import Client
from evidence import EICAR, aes_zip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_another_accounts_case_is_not_there(customer: Client, other_customer: Client) -> None:
    sr = customer.opened(subject="Only ours", attachments=[("s.zip", aes_zip({"e.com": EICAR}, "infected"), None)])
    customer.completed(sr)
    for path in ("", "/timeline", "/evidence", "/events"):
        assert other_customer.request("GET", f"/cases/{sr}{path}").status_code == 404
    for path, body in (
        ("updates", {"comment": "x"}),
        ("close", {}),
        ("reopen", {"comment": "x"}),
        ("escalate", {"type": "management-attention", "comment": "x"}),
    ):
        assert other_customer.request("POST", f"/cases/{sr}/{path}", json=body).status_code == 404
    assert sr not in [one["sr_number"] for one in other_customer.get("/cases")["items"]]
    assert other_customer.get("/cases", q="Only ours")["items"] == []
    assert sr in [one["sr_number"] for one in customer.get("/cases", q="Only ours")["items"]]


def test_another_accounts_profile_and_upload_cannot_be_used(customer: Client, other_customer: Client) -> None:
    profile = customer.profile()
    assert other_customer.request("GET", f"/profiles/{profile['id']}").status_code == 404
    stolen = customer.upload("a.txt", b"ours")
    body = other_customer.submission(attachments=[]) | {
        "attachments": [{"upload_id": stolen}],
        "profile_id": profile["id"],
    }
    answer = other_customer.request("POST", "/cases", json=body)
    assert answer.status_code == 422
    codes = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert codes["/profile_id"] == "profile.unknown"
    other = other_customer.submission(attachments=[]) | {"attachments": [{"upload_id": stolen}]}
    answer = other_customer.request("POST", "/cases", json=other)
    assert answer.json()["errors"][0]["code"] == "upload.unknown"


def test_nobody_comes_in_without_a_token(customer: Client) -> None:
    for path in ("/cases", "/profiles", "/contacts", "/case-recipients", "/activation-codes"):
        assert customer.http.get(path, headers={"Authorization": ""}).status_code == 401
        assert customer.http.get(path, headers={"Authorization": "Bearer x.y.z"}).status_code == 401


def test_contacts_are_those_of_the_account(customer: Client, other_customer: Client) -> None:
    ours = {one["email"] for one in customer.get("/contacts")["items"]}
    theirs = {one["email"] for one in other_customer.get("/contacts")["items"]}
    assert "customer@demo.example" in ours
    assert not ours & theirs
