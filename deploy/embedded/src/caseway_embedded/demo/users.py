"""Accounts and users that every embedded system has, with passwords made on its first start."""

import asyncio
import json
import time
from typing import Any

import httpx

from caseway_embedded.data_dir import DataDir, StackError, write_atomically
from caseway_embedded.settings import OPERATOR_EMAIL, OPERATOR_SECRET

CUSTOMER = "customer@demo.example"
USERS_FILE = "users.json"
PATIENCE = 60.0

# Key in users.json → e-mail, role, account, teams.
USERS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "customer": (CUSTOMER, "account_admin", "Demo Manufacturing", ()),
    "other_customer": ("customer@other.example", "account_admin", "Other Bakery", ()),
    "analyst": ("analyst@caseway.example", "analyst", "Caseway", ("threat-research", "web-reputation")),
}
CODES = {
    "Demo Manufacturing": {"officescan": "OS-DEMO-0001", "deep-security": "DS-DEMO-0001"},
    "Other Bakery": {"officescan": "OS-OTHER-0001"},
}


async def seed_users(data: DataDir, url: str, _demo: bool) -> None:
    """Make what is not there yet; a second start finds everything and changes nothing."""
    known = data.read_json(USERS_FILE)
    operator = {"email": OPERATOR_EMAIL, "password": data.secret(OPERATOR_SECRET)}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=30) as http:
        await sign_in(http, operator["email"], operator["password"])
        if set(known) == {*USERS, "operator"}:
            return
        accounts: dict[str, str] = {}
        for name in dict.fromkeys(account for _, _, account, _ in USERS.values()):
            accounts[name] = (await post(http, "/accounts", {"name": name}, f"demo-{name}"))["id"]
        users = {"operator": operator}
        for key, (email, role, account, teams) in USERS.items():
            password = data.secret(f"user-{key}")
            body = {
                "account_id": accounts[account],
                "email": email,
                "name": email.split("@")[0].title(),
                "role": role,
                "teams": list(teams),
                "password": password,
            }
            await post(http, "/users", body, f"demo-{email}")
            users[key] = {"email": email, "password": password}
        for account, codes in CODES.items():
            for product, code in codes.items():
                body = {"account_id": accounts[account], "product": product, "code": code}
                await post(http, "/activation-codes", body, f"demo-{code}")
    write_atomically(data / USERS_FILE, json.dumps(users, indent=2), mode=0o600)


async def sign_in(http: httpx.AsyncClient, email: str, password: str) -> dict[str, Any]:
    answer = await http.post("/session", json={"email": email, "password": password})
    session = checked(answer)
    http.headers["Authorization"] = f"Bearer {session['token']}"
    return session


async def post(http: httpx.AsyncClient, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """The key makes it safe to ask again when a service is just being started again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = await http.post(path, json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        else:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                return checked(answer)
        await asyncio.sleep(0.5)


def checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        found: dict[str, Any] = answer.json()
        return found
    raise StackError(
        f"Setting up the demo failed: {answer.request.url.path} answered {answer.status_code}: {answer.text}"
    )
