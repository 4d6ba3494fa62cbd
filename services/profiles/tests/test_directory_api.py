import json

import httpx
import pytest
from profiles_system import PASSWORD, SignInAs, System

from caseway_kit.auth import SignedIn, declared_rules, undeclared_routes

OPERATOR_ROUTES = [
    ("/accounts", {"name": "Example Ltd"}),
    ("/users", {"account_id": "acc-1", "email": "new@example.com", "role": "customer"}),
    ("/users/con-1/disable", None),
    ("/activation-codes", {"account_id": "acc-1", "product": "officescan", "code": "OS-1"}),
]


def test_every_route_declares_its_rule(system: System) -> None:
    assert undeclared_routes(system.api) == []
    rules = declared_rules(system.api)
    public = {name for name, rule in rules.items() if not isinstance(rule, SignedIn)}
    assert public == {"POST /api/v1/session", "GET /api/v1/.well-known/jwks.json"}


@pytest.mark.parametrize(("path", "body"), OPERATOR_ROUTES)
@pytest.mark.parametrize("role", ["customer", "account_admin", "analyst", "auditor"])
async def test_only_operators_make_accounts_and_users(
    sign_in_as: SignInAs, role: str, path: str, body: dict[str, str] | None
) -> None:
    client = await sign_in_as(role)
    assert (await client.post(path, json=body)).status_code == 403


@pytest.mark.parametrize(("path", "body"), OPERATOR_ROUTES)
async def test_without_a_token_nothing_is_made(
    anonymous: httpx.AsyncClient, path: str, body: dict[str, str] | None
) -> None:
    assert (await anonymous.post(path, json=body)).status_code == 401


@pytest.mark.parametrize(
    "path", ["/contacts", "/case-recipients", "/activation-codes", "/profiles", "/profiles/prof-1"]
)
async def test_without_a_token_nothing_is_read(anonymous: httpx.AsyncClient, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 401


async def test_a_new_user_signs_in_with_the_password_that_is_shown_once(
    system: System, operator: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    account = (await operator.post("/accounts", json={"name": "Example Ltd"})).json()
    body = {"account_id": account["id"], "email": "new@example.com", "name": "New", "role": "customer"}
    headers = {"Idempotency-Key": "k1"}

    made = await operator.post("/users", json=body, headers=headers)
    again = await operator.post("/users", json=body, headers=headers)

    assert made.status_code == 201
    assert (again.status_code, again.json()["password"], again.json()["id"]) == (200, None, made.json()["id"])
    credentials = {"email": body["email"], "password": made.json()["password"]}
    assert (await anonymous.post("/session", json=credentials)).status_code == 200
    assert credentials["password"] not in repr(system.claims.claims)


async def test_a_given_password_is_kept_as_argon2id_only(system: System, operator: httpx.AsyncClient) -> None:
    account = (await operator.post("/accounts", json={"name": "Example Ltd"})).json()
    body = {"account_id": account["id"], "email": "new@example.com", "role": "customer", "password": PASSWORD}

    made = await operator.post("/users", json=body, headers={"Idempotency-Key": "k"})

    assert (made.status_code, made.json()["password"]) == (201, None)
    assert system.contacts.records[made.json()["id"]].password_hash.startswith("$argon2id$")
    assert PASSWORD not in repr(system.claims.claims)


async def test_facts_about_people_hold_no_words(system: System, operator: httpx.AsyncClient) -> None:
    account = (await operator.post("/accounts", json={"name": "Secretive Ltd"})).json()
    body = {"account_id": account["id"], "email": "spy@example.com", "name": "Bond", "role": "analyst"}
    made = (await operator.post("/users", json=body | {"teams": ["threat-research"]})).json()
    await operator.post(f"/users/{made['id']}/disable")

    saved = [json.loads(one.body) for one in system.accounts.stated + system.contacts.stated]

    ours = [event for event in saved if event["account_id"] == account["id"]]
    assert [(event["type"], event["revision"]) for event in ours] == [
        ("AccountSaved", 1),
        ("ContactSaved", 1),
        ("ContactDisabled", 2),
    ]
    assert {event["key"] for event in ours} == {account["id"]}
    assert ours[1]["teams"] == ["threat-research"]
    for word in ("Secretive", "spy@", "Bond"):
        assert word not in json.dumps(saved)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"email": "not an address"}, "/email", "address.invalid"),
        ({"email": "operator@acc-operations.example.com"}, "/email", "value.taken"),
        ({"role": "root"}, "/role", "choice.invalid"),
        ({"role": "analyst", "teams": ["nobody"]}, "/teams/0", "choice.invalid"),
        ({"teams": ["threat-research"]}, "/teams", "choice.invalid"),
        ({"account_id": "acc-none"}, "/account_id", "choice.invalid"),
        ({"password": "short"}, "/password", "value.invalid"),
        ({"admin": True}, "/admin", "field.unknown"),
    ],
)
async def test_a_wrong_user_is_refused_with_its_field(
    operator: httpx.AsyncClient, change: dict[str, object], field: str, code: str
) -> None:
    body = {"account_id": "acc-operations", "email": "new@example.com", "name": "New", "role": "customer"}
    answer = await operator.post("/users", json=body | change)
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


async def test_disabling_twice_states_it_once(system: System, operator: httpx.AsyncClient, customer: object) -> None:
    path = "/users/con-customer@acc-1.example.com/disable"
    assert (await operator.post(path)).json()["disabled"] is True
    assert (await operator.post(path)).status_code == 200
    types = [one.headers["ce_type"] for one in system.contacts.stated]
    assert types.count("ContactDisabled") == 1
    assert (await operator.post("/users/con-none/disable")).status_code == 404


async def test_contacts_are_those_of_the_callers_account(
    customer: httpx.AsyncClient, stranger: httpx.AsyncClient, sign_in_as: SignInAs
) -> None:
    await sign_in_as("account_admin")
    first = (await customer.get("/contacts", params={"limit": 1})).json()
    rest = (await customer.get("/contacts", params={"cursor": first["next_cursor"]})).json()
    assert [one["email"] for one in first["items"] + rest["items"]] == [
        "account-admin@acc-1.example.com",
        "customer@acc-1.example.com",
    ]
    assert first["items"][0].keys() == {"id", "name", "email"}
    assert rest["next_cursor"] is None
    assert len((await stranger.get("/contacts")).json()["items"]) == 1
    assert (await customer.get("/contacts", params={"cursor": "nonsense"})).status_code == 400


async def test_case_recipients_are_kept_for_the_account(
    customer: httpx.AsyncClient, stranger: httpx.AsyncClient, sign_in_as: SignInAs
) -> None:
    chosen = {"items": [{"email": "A@example.com"}, {"email": "b@example.com"}, {"email": "a@example.com"}]}
    saved = await customer.put("/case-recipients", json=chosen)
    assert saved.status_code == 200
    kept = [{"email": "A@example.com"}, {"email": "b@example.com"}]
    assert (await customer.get("/case-recipients")).json() == {"items": kept, "next_cursor": None}
    assert (await stranger.get("/case-recipients")).json()["items"] == []
    assert (await (await sign_in_as("analyst")).put("/case-recipients", json=chosen)).status_code == 403
    assert (await customer.put("/case-recipients", json={"items": []})).json()["items"] == []


@pytest.mark.parametrize(
    ("emails", "field"), [(["a@example.com", "no"], "/items/1/email"), (["a@example.com"] * 51, "/items")]
)
async def test_wrong_case_recipients_are_refused(customer: httpx.AsyncClient, emails: list[str], field: str) -> None:
    answer = await customer.put("/case-recipients", json={"items": [{"email": email} for email in emails]})
    assert answer.status_code == 422
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, "address.invalid")]


async def test_activation_codes_are_registered_for_an_account_and_a_product(
    operator: httpx.AsyncClient, customer: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for product, code in (("officescan", "OS-2"), ("officescan", "OS-1"), ("deep-security", "DS-1")):
        body = {"account_id": "acc-1", "product": product, "code": code}
        assert (await operator.post("/activation-codes", json=body)).status_code == 201
    again = await operator.post("/activation-codes", json=body)

    listed = (await customer.get("/activation-codes", params={"product": "officescan"})).json()["items"]
    first = (await customer.get("/activation-codes", params={"limit": 2})).json()
    rest = (await customer.get("/activation-codes", params={"cursor": first["next_cursor"]})).json()

    assert again.status_code == 201
    assert [one["code"] for one in listed] == ["OS-1", "OS-2"]
    assert [one["code"] for one in first["items"] + rest["items"]] == ["DS-1", "OS-1", "OS-2"]
    assert (await stranger.get("/activation-codes")).json()["items"] == []
    wrong = await operator.post("/activation-codes", json={"account_id": "no", "product": "no", "code": " "})
    assert [error["field"] for error in wrong.json()["errors"]] == ["/account_id", "/product", "/code"]


async def test_the_first_operator_is_made_once(system: System, anonymous: httpx.AsyncClient) -> None:
    await system.directory.bootstrap("Root@example.com", "first password")
    await system.directory.bootstrap("other@example.com", "second password")
    first = {"email": "root@example.com", "password": "first password"}
    other = {"email": "other@example.com", "password": "second password"}
    assert (await anonymous.post("/session", json=first)).status_code == 200
    assert (await anonymous.post("/session", json=other)).status_code == 401
