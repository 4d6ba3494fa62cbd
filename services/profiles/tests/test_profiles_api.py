import asyncio
import json
from typing import Any

import httpx
import pytest
from profiles_system import SignInAs, System

Body = dict[str, Any]


@pytest.fixture
async def saved(customer: httpx.AsyncClient, profile_body: Body) -> Body:
    return dict((await customer.post("/profiles", json=profile_body)).json())


async def test_a_profile_is_saved_with_every_field_and_read_back(
    customer: httpx.AsyncClient, profile_body: Body
) -> None:
    made = await customer.post("/profiles", json=profile_body)
    read = await customer.get(f"/profiles/{made.json()['id']}")
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/v1/profiles/{made.json()['id']}"
    assert read.headers["ETag"] == made.headers["ETag"] == '"1"'
    assert read.json() == made.json()
    assert read.json() == profile_body | {"id": made.json()["id"], "revision": 1, "activation_code": None}


async def test_a_saved_profile_is_stated_without_a_word_of_the_customer(
    system: System, customer: httpx.AsyncClient, saved: Body, profile_body: Body
) -> None:
    await customer.put(f"/profiles/{saved['id']}", json=profile_body | {"language": "ja"})
    await customer.delete(f"/profiles/{saved['id']}")

    stated = [json.loads(one.body) for one in system.profiles.stated]

    assert [(event["type"], event["revision"]) for event in stated] == [
        ("ProductProfileSaved", 1),
        ("ProductProfileSaved", 2),
        ("ProductProfileDeleted", 3),
    ]
    assert {event["subject_id"] for event in stated} == {saved["id"]}
    assert {event["key"] for event in stated} == {"acc-1"}
    assert [event.get("language") for event in stated] == ["en", "ja", None]
    assert len({event["event_id"] for event in stated}) == 3
    for word in ("Head office", profile_body["toolbox_guid"]):
        assert word not in json.dumps(stated)


async def test_another_accounts_profile_is_not_there(
    stranger: httpx.AsyncClient, saved: Body, profile_body: Body
) -> None:
    path = f"/profiles/{saved['id']}"
    answers = [await stranger.get(path), await stranger.put(path, json=profile_body), await stranger.delete(path)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await stranger.get("/profiles")).json()["items"] == []
    assert (await stranger.post("/profiles", json=profile_body)).status_code == 201


@pytest.mark.parametrize("role", ["analyst", "operator", "auditor"])
async def test_profiles_are_saved_by_customers_only(
    sign_in_as: SignInAs, role: str, saved: Body, profile_body: Body
) -> None:
    client = await sign_in_as(role)
    answers = [
        await client.post("/profiles", json=profile_body),
        await client.put(f"/profiles/{saved['id']}", json=profile_body),
        await client.delete(f"/profiles/{saved['id']}"),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_an_account_admin_saves_profiles_too(sign_in_as: SignInAs, profile_body: Body) -> None:
    admin = await sign_in_as("account_admin")
    assert (await admin.post("/profiles", json=profile_body)).status_code == 201


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": ""}, "/name", "required"),
        ({"name": "  "}, "/name", "required"),
        ({"name": "x" * 256}, "/name", "text.too_long"),
        ({"product": "no"}, "/product", "choice.invalid"),
        ({"version": "1.0"}, "/version", "choice.invalid"),
        ({"language": "tlh"}, "/language", "choice.invalid"),
        ({"operating_systems": []}, "/operating_systems", "required"),
        ({"operating_systems": ["os/2"]}, "/operating_systems/0", "choice.invalid"),
        ({"settings": ["turbo"]}, "/settings/0", "choice.invalid"),
        ({"toolbox_guid": "x"}, "/toolbox_guid", "choice.invalid"),
        ({"activation_code": "unregistered"}, "/activation_code", "choice.invalid"),
        ({"color": "red"}, "/color", "field.unknown"),
    ],
)
async def test_a_wrong_profile_is_refused_with_its_field(
    customer: httpx.AsyncClient, saved: Body, profile_body: Body, change: Body, field: str, code: str
) -> None:
    wrong = profile_body | {"name": "Other"} | change
    for answer in (
        await customer.post("/profiles", json=wrong),
        await customer.put(f"/profiles/{saved['id']}", json=wrong),
    ):
        assert answer.status_code == 422
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


async def test_an_activation_code_is_chosen_from_those_of_account_and_product(
    operator: httpx.AsyncClient, customer: httpx.AsyncClient, stranger: httpx.AsyncClient, profile_body: Body
) -> None:
    for account, product, code in (("acc-1", "officescan", "OS-1"), ("acc-1", "deep-security", "DS-1")):
        await operator.post("/activation-codes", json={"account_id": account, "product": product, "code": code})

    async def errors(client: httpx.AsyncClient, code: str | None) -> list[tuple[str, str]]:
        answer = await client.post("/profiles", json=profile_body | {"activation_code": code})
        return [(error["field"], error["code"]) for error in answer.json().get("errors", [])]

    assert await errors(customer, None) == [("/activation_code", "required")]
    assert await errors(customer, "DS-1") == [("/activation_code", "choice.invalid")]
    assert await errors(stranger, "OS-1") == [("/activation_code", "choice.invalid")]
    assert await errors(customer, "OS-1") == []


async def test_a_name_is_taken_once_in_an_account(customer: httpx.AsyncClient, saved: Body, profile_body: Body) -> None:
    twice = await customer.post("/profiles", json=profile_body | {"name": " head  Office"})
    branch = (await customer.post("/profiles", json=profile_body | {"name": "Branch"})).json()
    renamed = await customer.put(f"/profiles/{branch['id']}", json=profile_body)
    for answer in (twice, renamed):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "value.taken"
    await customer.delete(f"/profiles/{saved['id']}")
    assert (await customer.put(f"/profiles/{branch['id']}", json=profile_body)).status_code == 200


async def test_an_old_edit_is_refused(customer: httpx.AsyncClient, saved: Body) -> None:
    path = f"/profiles/{saved['id']}"
    newer = await customer.put(path, json=saved | {"language": "ja"}, headers={"If-Match": '"1"'})
    assert (newer.status_code, newer.headers["ETag"]) == (200, '"2"')

    assert (await customer.put(path, json=saved, headers={"If-Match": '"1"'})).status_code == 412
    assert (await customer.delete(path, headers={"If-Match": '"1"'})).status_code == 412
    assert (await customer.put(path, json=saved)).status_code == 409
    assert (await customer.put(path, json=saved, headers={"If-Match": "1"})).status_code == 400
    assert (await customer.put(path, json=saved | {"revision": 2, "id": "prof-x"})).status_code == 422
    assert (await customer.get(path)).json()["language"] == "ja"
    assert (await customer.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await customer.get(path)).status_code == 404


async def test_edits_in_parallel_count_one_by_one(customer: httpx.AsyncClient, saved: Body, profile_body: Body) -> None:
    path = f"/profiles/{saved['id']}"
    answers = await asyncio.gather(*(customer.put(path, json=profile_body) for _ in range(10)))
    assert sorted(answer.json()["revision"] for answer in answers) == list(range(2, 12))


async def test_profiles_are_listed_by_name_and_page(customer: httpx.AsyncClient, profile_body: Body) -> None:
    for name in ("charlie", "Alpha", "bravo"):
        await customer.post("/profiles", json=profile_body | {"name": name})
    first = (await customer.get("/profiles", params={"limit": 2})).json()
    rest = (await customer.get("/profiles", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["name"] for one in first["items"] + rest["items"]] == ["Alpha", "bravo", "charlie"]
    assert rest["next_cursor"] is None


async def test_a_repeated_request_with_its_key_is_answered_as_the_first(
    customer: httpx.AsyncClient, stranger: httpx.AsyncClient, profile_body: Body
) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await customer.post("/profiles", json=profile_body, headers=headers)
    await customer.put(f"/profiles/{first.json()['id']}", json=profile_body | {"language": "ja"})

    again = await customer.post("/profiles", json=profile_body, headers=headers)
    other = await customer.post("/profiles", json=profile_body | {"name": "Other"}, headers=headers)
    elsewhere = await stranger.post("/profiles", json=profile_body, headers=headers)

    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert other.status_code == 422
    assert other.json()["errors"][0]["code"] == "idempotency.other_body"
    assert elsewhere.status_code == 201


async def test_equal_requests_in_parallel_make_one_profile(
    system: System, customer: httpx.AsyncClient, profile_body: Body
) -> None:
    headers = {"Idempotency-Key": "k1"}
    posts = (customer.post("/profiles", json=profile_body, headers=headers) for _ in range(100))
    answers = await asyncio.gather(*posts)
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len(system.profiles.records) == 1


async def test_a_refused_request_leaves_its_key_free(customer: httpx.AsyncClient, profile_body: Body) -> None:
    headers = {"Idempotency-Key": "k1"}
    assert (await customer.post("/profiles", json=profile_body | {"version": "0"}, headers=headers)).status_code == 422
    assert (await customer.post("/profiles", json=profile_body, headers=headers)).status_code == 201
    assert (await customer.post("/profiles", json=profile_body, headers={"Idempotency-Key": ""})).status_code == 400
