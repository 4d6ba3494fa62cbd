import asyncio
from datetime import datetime, timedelta
from statistics import median
from time import process_time

import httpx
import pytest
from profiles_system import PASSWORD, SignInAs, System

from caseway_kit.auth import KeyCache, TokenVerifier
from caseway_kit.problems import Problem
from caseway_kit.testing.clock import FixedClock

ANN = {"email": "ann@acc-1.example.com", "password": PASSWORD}


@pytest.fixture(autouse=True)
async def ann(sign_in_as: SignInAs) -> httpx.AsyncClient:
    return await sign_in_as("customer", email=ANN["email"])


async def test_a_token_is_accepted_by_the_verifier_of_every_service(
    anonymous: httpx.AsyncClient, clock: FixedClock
) -> None:
    answer = await anonymous.post("/session", json=ANN)
    assert answer.status_code == 200

    async def fetch() -> dict[str, object]:
        return dict((await anonymous.get("/.well-known/jwks.json")).json())

    caller = await TokenVerifier(KeyCache(fetch), issuer="caseway", audience="caseway", clock=clock).caller(
        answer.json()["token"]
    )
    assert (caller.email, caller.account_id, caller.role) == (ANN["email"], "acc-1", "customer")
    assert datetime.fromisoformat(answer.json()["expires_at"]) == clock.now() + timedelta(minutes=15)


async def test_the_case_of_an_email_address_does_not_matter(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/session", json=ANN | {"email": "Ann@ACC-1.example.com"})
    assert answer.status_code == 200


async def test_published_keys_hold_nothing_private(anonymous: httpx.AsyncClient) -> None:
    [key] = (await anonymous.get("/.well-known/jwks.json")).json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"email": "nobody@example.com"}, {"password": ""}])
async def test_nobody_is_told_which_part_was_wrong(anonymous: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    answer = await anonymous.post("/session", json=ANN | wrong)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."


async def test_an_unknown_email_address_costs_as_much_as_a_known_one(system: System) -> None:
    async def seconds(email: str, address: str) -> float:
        began = process_time()
        async with system.client(address) as client:
            await client.post("/session", json={"email": email, "password": "wrong"})
        return process_time() - began

    known, unknown = [], []
    for number in range(15):
        known.append(await seconds(ANN["email"], f"192.0.2.{number}"))
        unknown.append(await seconds("nobody@example.com", f"192.0.2.{number}"))
    # Looser than what S26 asks, since other tests run beside; without the dummy hash it is a factor of ten and more.
    assert 1 / 3 < median(known) / median(unknown) < 3


async def test_an_unknown_email_address_is_looked_up_with_a_password_too(
    system: System, anonymous: httpx.AsyncClient
) -> None:
    before = system.passwords.looked_at
    await anonymous.post("/session", json={"email": "nobody@example.com", "password": "x"})
    assert system.passwords.looked_at == before + 1


async def test_ten_failures_make_the_eleventh_wait_even_with_the_right_password(
    system: System, anonymous: httpx.AsyncClient, clock: FixedClock
) -> None:
    for _ in range(10):
        assert (await anonymous.post("/session", json=ANN | {"password": "wrong"})).status_code == 401
    answer = await anonymous.post("/session", json=ANN)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "30"
    clock.advance(31)
    assert (await anonymous.post("/session", json=ANN)).status_code == 200


async def test_parallel_guesses_gain_nothing(system: System, anonymous: httpx.AsyncClient) -> None:
    before = system.passwords.looked_at
    guesses = [anonymous.post("/session", json=ANN | {"password": f"guess {number}"}) for number in range(40)]
    answers = await asyncio.gather(*guesses)
    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 30
    assert system.passwords.looked_at == before + 10


async def test_many_good_sign_ins_at_a_time_are_no_guesses(anonymous: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(anonymous.post("/session", json=ANN) for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}


async def test_failures_lock_out_nobody_else(system: System, sign_in_as: SignInAs) -> None:
    await sign_in_as("customer", email="bob@acc-1.example.com")
    guesser = system.client("198.51.100.7")
    for _ in range(12):
        await guesser.post("/session", json=ANN | {"password": "wrong"})
    assert (await guesser.post("/session", json=ANN)).status_code == 429
    assert (await system.client("192.0.2.1").post("/session", json=ANN)).status_code == 200
    bob = {"email": "bob@acc-1.example.com", "password": PASSWORD}
    assert (await guesser.post("/session", json=bob)).status_code == 200


async def test_unknown_email_addresses_are_made_to_wait_as_known_ones(anonymous: httpx.AsyncClient) -> None:
    nobody = {"email": "nobody@example.com", "password": "x"}
    codes = [(await anonymous.post("/session", json=nobody)).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]


async def test_a_token_gives_another_of_its_session(ann: httpx.AsyncClient, system: System, clock: FixedClock) -> None:
    clock.advance(600)
    answer = await ann.post("/session")
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["expires_at"]) == clock.now() + timedelta(minutes=15)
    clock.advance(800)
    assert (await ann.get("/contacts")).status_code == 401
    assert (await system.client(token=answer.json()["token"]).get("/contacts")).status_code == 200


async def test_an_ended_session_gives_no_more_tokens(ann: httpx.AsyncClient) -> None:
    assert (await ann.delete("/session")).status_code == 204
    assert (await ann.post("/session")).status_code == 401
    assert (await ann.get("/contacts")).status_code == 200


async def test_a_session_is_over_at_its_end_however_often_refreshed(
    ann: httpx.AsyncClient, system: System, clock: FixedClock
) -> None:
    client = ann
    for _ in range(12 * 6 - 1):
        clock.advance(600)
        token = (await client.post("/session")).json()["token"]
        client = system.client(token=token)
    clock.advance(600)
    assert (await client.post("/session")).status_code == 401


async def test_neither_body_nor_token_is_no_sign_in(anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.post("/session")).status_code == 401
    assert (await anonymous.delete("/session")).status_code == 401


async def test_a_disabled_contact_is_out_at_once(
    ann: httpx.AsyncClient, anonymous: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    assert (await operator.post(f"/users/con-{ANN['email']}/disable")).status_code == 200
    assert (await ann.get("/contacts")).status_code == 401
    assert (await ann.post("/session")).status_code == 401
    assert (await anonymous.post("/session", json=ANN)).status_code == 401


async def test_a_token_of_another_issuer_is_refused(ann: httpx.AsyncClient, system: System, clock: FixedClock) -> None:
    verifier = TokenVerifier(system.keys, issuer="somebody", audience="caseway", clock=clock)
    with pytest.raises(Problem):
        await verifier.caller(ann.headers["Authorization"].removeprefix("Bearer "))
