from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from page_fakes import PASSWORD, FakeIssuer, FakeProfiles, InMemorySessionRepository, Tab
from portal_fakes import FakeTokens, Make

from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.errors import OutageError
from caseway_kit.testing.clock import FixedClock
from portal.pages.visitors import Doorkeeper, local_path
from portal.sessions import IDLE, LONGEST, SessionRepository, Sessions

CREDENTIALS = {"email": "customer@a1", "password": PASSWORD}


@pytest.fixture
def kept(session_repository: SessionRepository, issuer: FakeIssuer, clock: FixedClock) -> Sessions:
    """Sessions on each kind of repository."""
    return Sessions(session_repository, issuer, clock=clock)


async def test_a_session_is_found_by_its_cookie_alone(kept: Sessions, issuer: FakeIssuer) -> None:
    secret = await kept.open(issuer.issue("customer@a1"))
    opened = await kept.find(secret)
    assert opened is not None
    assert opened.token == "customer@a1"
    assert await kept.find(opened.session.key) is None
    assert await kept.find("") is None
    assert await kept.find("x" * 5000) is None
    await kept.end(secret)
    assert await kept.find(secret) is None


async def test_neither_the_token_nor_the_cookie_is_kept_as_it_is(
    sessions: Sessions, memory_sessions: InMemorySessionRepository, issuer: FakeIssuer
) -> None:
    secret = await sessions.open(issuer.issue("customer@a1"))
    kept = repr(memory_sessions.sessions)
    assert "customer@a1" not in kept
    assert secret not in kept


async def test_a_token_is_renewed_before_its_end(kept: Sessions, issuer: FakeIssuer, clock: FixedClock) -> None:
    secret = await kept.open(issuer.issue("customer@a1"))
    clock.advance(60)
    await kept.find(secret)
    assert issuer.asked == 0
    clock.advance(12 * 60)
    opened = await kept.find(secret)
    assert opened is not None
    assert issuer.asked == 1
    assert opened.session.token_ends_at > clock.now() + timedelta(minutes=10)
    assert await kept.find(secret) is not None
    assert issuer.asked == 1


async def test_a_sign_in_that_is_over_ends_the_session(kept: Sessions, issuer: FakeIssuer, clock: FixedClock) -> None:
    secret = await kept.open(issuer.issue("customer@a1"))
    clock.advance(14 * 60)
    issuer.over = True
    assert await kept.find(secret) is None
    issuer.over = False
    assert await kept.find(secret) is None


async def test_a_session_outlives_an_outage_of_the_sign_in(
    kept: Sessions, issuer: FakeIssuer, clock: FixedClock
) -> None:
    secret = await kept.open(issuer.issue("customer@a1"))
    clock.advance(13 * 60)
    issuer.away = True
    assert await kept.find(secret) is not None
    clock.advance(3 * 60)
    with pytest.raises(OutageError):
        await kept.find(secret)
    issuer.away = False
    assert await kept.find(secret) is not None


async def test_an_idle_session_ends_and_a_used_one_ends_too_at_last(
    kept: Sessions, issuer: FakeIssuer, clock: FixedClock
) -> None:
    idle, used = await kept.open(issuer.issue("customer@a1")), await kept.open(issuer.issue("customer@a1"))
    begin, alive = clock.now(), 0
    while await kept.find(used) is not None:
        alive += 1
        clock.advance(IDLE.total_seconds() / 2)
    assert clock.now() - begin == LONGEST
    assert alive == 12
    assert await kept.find(idle) is None


async def test_each_sign_in_has_an_id_of_its_own_and_the_one_before_is_void(
    tabs: Make, memory_sessions: InMemorySessionRepository
) -> None:
    tab: Tab = await tabs("customer@a2")
    before = tab.http.cookies["caseway-session"]
    answer = await tab.post("/sign-in", {**CREDENTIALS, "next": "/contacts"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/contacts")
    tab.http.cookies.delete("caseway-session", domain="", path="/")
    assert answer.cookies["caseway-session"] != before
    assert len(memory_sessions.sessions) == 1


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\n//evil.example",
        "/\t/evil",
    ],
)
async def test_nobody_is_led_elsewhere_after_the_sign_in(tabs: Make, next_page: str) -> None:
    assert local_path(next_page) == "/"
    tab: Tab = await tabs(None)
    answer = await tab.post("/sign-in", {**CREDENTIALS, "next": next_page})
    assert answer.headers["location"] == "/"


async def test_who_signs_out_is_out_also_while_the_sign_in_is_away(tab: Tab, profiles: FakeProfiles) -> None:
    profiles.refusal = Refused(401, {})
    answer = await tab.post("/sign-out")
    assert answer.headers["location"] == "/sign-in?notice=signed-out"
    assert (await tab.get("/profile")).headers["location"] == "/sign-in?next=%2Fprofile"


async def test_a_disabled_user_is_out_with_the_next_page(tab: Tab, tokens: FakeTokens) -> None:
    tokens.void.add("customer@a1")
    assert (await tab.get("/profile")).status_code == 303
    tokens.void.clear()
    assert (await tab.get("/profile")).status_code == 303


async def test_too_many_attempts_are_said(tabs: Make, profiles: FakeProfiles) -> None:
    profiles.refusal = Refused(429, {}, "30")
    tab: Tab = await tabs(None)
    answer = await tab.post("/sign-in", CREDENTIALS)
    assert "Too many attempts" in answer.text
    assert answer.headers["retry-after"] == "30"


@pytest.mark.parametrize(("secure", "prefix"), [(False, ""), (True, "__Host-")])
async def test_cookies_are_for_the_server_alone(api: FastAPI, sessions: Sessions, secure: bool, prefix: str) -> None:
    api.state.door = api.state.site.door = Doorkeeper(sessions, secure=secure)
    base = "https://t" if secure else "http://t"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=base) as http:
        tab = Tab(http)
        first = await tab.get("/sign-in")
        answer = await tab.post("/sign-in", CREDENTIALS)
    for cookie, name, same_site in (
        (first.headers["set-cookie"], "caseway-form", "strict"),
        (answer.headers["set-cookie"], "caseway-session", "lax"),
    ):
        assert cookie.startswith(f"{prefix}{name}=")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "path=/", f"samesite={same_site}"} <= parts
        assert ("secure" in parts) == secure
        assert not [part for part in parts if part.startswith("domain")]


async def test_an_outage_is_a_page_that_says_so(tab: Tab, profiles: FakeProfiles) -> None:
    async def away(token: str) -> None:
        raise ServiceAway("profiles at 10.0.0.1 did not answer")

    profiles.contacts = away  # type: ignore[assignment,method-assign]  # one call of the fake fails
    answer = await tab.get("/contacts")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "10.0.0.1" not in answer.text


async def test_a_bug_is_a_page_with_an_id_and_no_more(tab: Tab, profiles: FakeProfiles) -> None:
    async def broken(token: str) -> None:
        raise RuntimeError("the password is 12345")

    profiles.contacts = broken  # type: ignore[assignment,method-assign]  # one call of the fake fails
    answer = await tab.get("/contacts")
    assert answer.status_code == 500
    assert "12345" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["/theme", "/sign-in", "/sign-out"])
@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n",
            415,
        ),
        ("multipart/form-data", b"x" * 2_000_000, 415),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 2_000_000, 413),
        ("application/x-www-form-urlencoded", b"a=1&" * 10_000, 413),
        ("text/plain", b"a=1", 415),
    ],
    ids=["multipart", "large multipart", "a huge text", "10,000 fields", "no form"],
)
async def test_hostile_forms_of_strangers_are_refused(
    tabs: Make, path: str, kind: str, body: bytes, status: int
) -> None:
    tab: Tab = await tabs(None)
    assert (await tab.http.post(path, content=body, headers={"Content-Type": kind})).status_code == status


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(
    kept: Sessions, issuer: FakeIssuer, clock: FixedClock
) -> None:
    secret = await kept.open(issuer.issue("customer@a1"))
    for _ in range(int(IDLE.total_seconds() // 600) - 1):
        clock.advance(600)
        assert await kept.find(secret, touch=False) is not None
    clock.advance(601)
    assert await kept.find(secret, touch=False) is None


async def test_a_session_that_profiles_does_not_know_ends_here(
    tab: Tab, profiles: FakeProfiles, memory_sessions: InMemorySessionRepository
) -> None:
    profiles.refusal = Refused(401, {})
    answer = await tab.post("/profile", {"case_recipients": "a@x.example"})
    assert answer.headers["location"] == "/sign-in"
    assert memory_sessions.sessions == {}
