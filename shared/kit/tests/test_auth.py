import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, FastAPI
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from caseway_kit.auth import (
    Caller,
    KeyCache,
    TokenVerifier,
    check_tokens,
    declared_rules,
    public,
    require,
    sign_token,
    undeclared_routes,
)
from caseway_kit.errors import OutageError
from caseway_kit.problems import Problem, install_problems
from caseway_kit.testing.clock import FixedClock
from caseway_kit.testing.corpora import corpora

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig", "alg": "EdDSA"})
CALLER = Caller("contact-1", "account-1", "ann@example.org", "customer", ("av",), "session-1")


def encoded(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signature(text: str, key: OKPKey = KEY) -> str:
    private = key.private_key
    assert isinstance(private, Ed25519PrivateKey)
    return encoded(private.sign(text.encode()))


class Published:
    """The sign-in service's key set, counting how often it is read."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.keys = list(keys)
        self.reads = 0
        self.away = False

    async def __call__(self) -> Mapping[str, Any]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError
        return {"keys": self.keys}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def published() -> Published:
    return Published(KEY.as_dict(private=False))


@pytest.fixture
def keys(published: Published, clock: FixedClock) -> KeyCache:
    return KeyCache(published, monotonic=lambda: clock.now().timestamp())


@pytest.fixture
def disabled() -> set[str]:
    return set()


@pytest.fixture
def tokens(keys: KeyCache, disabled: set[str], clock: FixedClock) -> TokenVerifier:
    return TokenVerifier(keys, issuer="caseway", audience="caseway", disabled=disabled, clock=clock)


@pytest.fixture
def make_token() -> Callable[..., str]:
    """A correctly signed token, except for what the test changes; a value of None takes a member out."""

    def make(*, header: Mapping[str, Any] | None = None, key: OKPKey = KEY, **claims: object) -> str:
        now = int(NOW.timestamp())
        given = {
            "iss": "caseway", "aud": "caseway", "iat": now, "exp": now + 900, "sub": "contact-1", "acct": "account-1",
            "email": "ann@example.org", "role": "customer", "teams": ["av"], "sid": "session-1",
        } | claims  # fmt: skip
        head = {"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"} | dict(header or {})
        parts = [{name: value for name, value in part.items() if value is not None} for part in (head, given)]
        signed = ".".join(encoded(part) for part in parts)
        return f"{signed}.{signature(signed, key)}"

    return make


async def refused(tokens: TokenVerifier, token: str) -> bool:
    try:
        await tokens.caller(token)
    except Problem as problem:
        return problem.status_code == 401
    return False


async def test_a_good_token_names_its_caller(tokens: TokenVerifier, make_token: Callable[..., str]) -> None:
    token = make_token()

    caller = await tokens.caller(token)

    assert caller == CALLER
    assert caller.token == token
    assert token not in repr(caller)


async def test_what_the_sign_in_service_signs_is_accepted(tokens: TokenVerifier) -> None:
    token = sign_token(KEY, CALLER, issuer="caseway", audience="caseway", now=NOW, lifetime=timedelta(minutes=15))

    assert await tokens.caller(token) == CALLER


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "other"}, {"iss": None}, {"aud": "other"}, {"aud": ["other"]}, {"aud": None}, {"aud": 7},
        {"exp": None}, {"exp": "never"}, {"exp": True}, {"exp": float("nan")}, {"exp": NOW.timestamp() - 61},
        {"iat": None}, {"iat": NOW.timestamp() + 300}, {"nbf": NOW.timestamp() + 300}, {"nbf": "x"},
        {"role": "root"}, {"role": ["customer"]}, {"role": None}, {"teams": "av"}, {"teams": [1]}, {"teams": None},
        {"sub": None}, {"sub": ""}, {"sub": {"$ne": 1}}, {"acct": None}, {"email": 1}, {"sid": None},
    ],
)  # fmt: skip
async def test_a_wrong_claim_is_refused(
    tokens: TokenVerifier, make_token: Callable[..., str], claims: dict[str, Any]
) -> None:
    assert await refused(tokens, make_token(**claims))


@pytest.mark.parametrize(
    "claims",
    [{"exp": NOW.timestamp() - 59}, {"iat": NOW.timestamp() + 59}, {"nbf": NOW.timestamp()}, {"aud": ["x", "caseway"]}],
)
async def test_clocks_may_differ_by_a_minute(
    tokens: TokenVerifier, make_token: Callable[..., str], claims: dict[str, Any]
) -> None:
    assert await tokens.caller(make_token(**claims)) == CALLER


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "HS256"}, {"alg": "Ed25519"}, {"alg": "eddsa"}, {"alg": None}, {"alg": ["EdDSA"]},
        {"typ": "JWT"}, {"typ": None}, {"kid": None}, {"kid": 1}, {"kid": ""},
        {"kid": "../../etc/passwd"}, {"kid": "k1' OR '1'='1"}, {"kid": "https://evil.example/keys"},
        {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/keys"}, {"crit": ["exp"]},
        {"jwk": KEY.as_dict(private=False)}, {"x5c": []}, {"b64": False, "crit": ["b64"]}, {"unknown": 1},
    ],
)  # fmt: skip
async def test_a_header_that_asks_for_anything_else_is_refused_without_a_second_fetch(
    tokens: TokenVerifier, published: Published, make_token: Callable[..., str], header: dict[str, Any]
) -> None:
    await tokens.caller(make_token())

    assert await refused(tokens, make_token(header=header))
    assert published.reads == 1


async def test_a_changed_token_is_refused(tokens: TokenVerifier, make_token: Callable[..., str]) -> None:
    header, claims, seal = make_token().split(".")
    other = encoded({"role": "operator"})
    twice = encoded(b'{"alg": "none", "alg": "EdDSA", "typ": "at+jwt", "kid": "k1"}')
    signed_twice = signature(f"{twice}.{claims}")
    ed = encoded({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})
    array = encoded([1])
    public_bytes = KEY.as_pem(private=False)
    confused = jws.serialize_compact(
        {"alg": "HS256", "typ": "at+jwt", "kid": "k1"},
        base64.urlsafe_b64decode(claims + "=="),
        OctKey.import_key(public_bytes.replace(b"-", b"")),
        algorithms=["HS256"],
    )
    changed = [
        "", ".", "..", "...", header, f"{header}.{claims}", f"{header}.{claims}.", f".{claims}.{seal}",
        f"{header}..{seal}", f"{header}.{other}.{seal}", f"{header}.{claims}.{seal}=",
        f"{header}.{claims}.{seal}==", f"{header}=.{claims}.{seal}", f"{header}.{claims}. {seal}",
        f"{header}.{claims}.{seal}\n", f"{header}.{claims}.{seal[:-4]}", f"{header}.{claims}.AAAA{seal}",
        f"{header}.{claims}.{'A' * 86}", f"{header}.{claims}.{seal}.{seal}",
        f"{header}.{claims}.{seal[:-1]}{chr(ord(seal[-1]) + 1)}", f"{header}.{claims}.{seal}é",
        f"{twice}.{claims}.{signed_twice}", f"{ed}.{array}.{signature(f'{ed}.{array}')}",
        confused, "x" * 5000, json.dumps({"payload": claims, "protected": header, "signature": seal}),
    ]  # fmt: skip

    assert [token for token in changed if not await refused(tokens, token)] == []


async def test_a_foreign_key_with_a_known_name_is_refused(
    tokens: TokenVerifier, make_token: Callable[..., str]
) -> None:
    assert await refused(tokens, make_token(key=OKPKey.generate_key("Ed25519")))


async def test_every_published_vector_is_refused_as_none_uses_our_algorithm(clock: FixedClock) -> None:
    vectors = corpora("jwt-wycheproof")
    groups = [group for file in sorted(vectors.glob("*.json")) for group in json.loads(file.read_text())["testGroups"]]
    let_in = []
    for group in groups:
        given = group.get("public") or group["private"]
        keys = KeyCache(Published(*given.get("keys", [given]), KEY.as_dict(private=False)))
        tokens = TokenVerifier(keys, issuer="caseway", audience="caseway", clock=clock)
        for vector in group["tests"]:
            try:
                await tokens.caller(str(vector.get("jws") or vector.get("jwe")))
                let_in.append(vector["tcId"])
            except (Problem, OutageError):  # OutageError: a set with a secret key is no key set
                continue
    assert len(groups) > 30
    assert let_in == []


@pytest.mark.parametrize(
    "bad",
    [
        [OctKey.generate_key(256, {"kid": "k2"}).as_dict(private=True)],
        [OKPKey.generate_key("Ed25519", {"kid": "k2"}).as_dict(private=True)],
        [KEY.as_dict(private=False), KEY.as_dict(private=False)],
        [ECKey.generate_key("P-256", {"kid": "k2"}).as_dict(private=False)],
        [KEY.as_dict(private=False) | {"x": "AAAA"}],
        [],
    ],
)
async def test_a_bad_key_set_does_not_replace_the_old_one(
    keys: KeyCache, published: Published, clock: FixedClock, bad: list[Mapping[str, Any]]
) -> None:
    assert await keys.find("k1")
    published.keys = bad
    clock.advance(901)

    assert await keys.find("k1")
    assert published.reads == 2
    with pytest.raises(OutageError):
        await keys.find("k2")


async def test_ten_thousand_unknown_names_cause_one_fetch_a_minute(
    keys: KeyCache, published: Published, clock: FixedClock
) -> None:
    await asyncio.gather(*(keys.find(f"unknown-{number}") for number in range(10_000)))
    assert published.reads == 1

    clock.advance(61)
    await asyncio.gather(*(keys.find(f"unknown-{number}") for number in range(100)))
    assert published.reads == 2


async def test_a_new_key_is_found_and_an_old_one_survives_an_outage(
    keys: KeyCache, published: Published, clock: FixedClock
) -> None:
    assert await keys.find("k1")
    published.keys.append(OKPKey.generate_key("Ed25519", {"kid": "k2"}).as_dict(private=False))
    clock.advance(61)
    assert await keys.find("k2")

    published.away = True
    clock.advance(3600)
    assert await keys.find("k1")
    with pytest.raises(OutageError):
        await keys.find("k3")


async def test_who_signs_in_with_a_new_key_is_not_refused_while_it_cannot_be_fetched(
    tokens: TokenVerifier, published: Published, clock: FixedClock, make_token: Callable[..., str]
) -> None:
    await tokens.caller(make_token())
    new = OKPKey.generate_key("Ed25519", {"kid": "k2"})
    published.keys.append(new.as_dict(private=False))
    published.away = True
    clock.advance(61)
    for _ in range(100):
        with pytest.raises(OutageError):
            await tokens.caller(make_token(header={"kid": "k2"}, key=new))
        assert await tokens.caller(make_token()) == CALLER
    assert published.reads == 2

    published.away = False
    clock.advance(6)
    assert await tokens.caller(make_token(header={"kid": "k2"}, key=new)) == CALLER
    assert await refused(tokens, make_token(header={"kid": "k3"}, key=new))


async def test_who_has_a_known_key_does_not_wait_for_one_that_fetches(clock: FixedClock) -> None:
    published = Published(KEY.as_dict(private=False))
    asked, answer = asyncio.Event(), asyncio.Event()

    async def fetch() -> Mapping[str, Any]:
        asked.set()
        await answer.wait()
        return await published()

    keys = KeyCache(fetch, monotonic=lambda: clock.now().timestamp())
    answer.set()
    await keys.find("k1")
    asked.clear()
    answer.clear()
    clock.advance(901)
    waiting = asyncio.create_task(keys.find("k1"))
    await asked.wait()
    assert await keys.find("k1")
    assert not waiting.done()
    answer.set()
    assert await waiting


async def test_before_the_first_keys_it_is_an_outage_and_soon_tried_again(
    tokens: TokenVerifier, published: Published, clock: FixedClock, make_token: Callable[..., str]
) -> None:
    published.away = True
    for _ in range(100):
        with pytest.raises(OutageError):
            await tokens.caller(make_token())
    assert published.reads == 1

    published.away = False
    clock.advance(6)
    assert await tokens.caller(make_token()) == CALLER


async def test_a_disabled_contact_is_out_at_once(
    tokens: TokenVerifier, disabled: set[str], make_token: Callable[..., str]
) -> None:
    await tokens.caller(make_token())
    disabled.add("contact-1")

    assert await refused(tokens, make_token())


@pytest.fixture
def api(tokens: TokenVerifier) -> FastAPI:
    api = FastAPI(docs_url=None, redoc_url=None)
    install_problems(api)
    check_tokens(api, tokens)
    router = APIRouter()

    @router.get("/mine/{id}")
    async def mine(caller: Annotated[Caller, Depends(require("customer", "account_admin"))]) -> str:
        return caller.contact_id

    @router.post("/desk", dependencies=[Depends(require("analyst"))])
    async def desk() -> None: ...

    @router.get("/anybody", dependencies=[Depends(public())])
    async def anybody() -> str:
        return "hello"

    api.include_router(router, prefix="/api")
    return api


@pytest.fixture
async def client(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://t/api") as client:
        yield client


async def test_a_route_lets_in_whom_it_declares(client: httpx.AsyncClient, make_token: Callable[..., str]) -> None:
    bearer = {"authorization": f"Bearer {make_token()}"}

    assert (await client.get("/mine/1", headers=bearer)).json() == "contact-1"
    assert (await client.post("/desk", headers=bearer)).status_code == 403
    assert (await client.get("/anybody")).status_code == 200


@pytest.mark.parametrize("given", [[], ["Basic eDp5"], ["Bearer"], ["Bearer "], ["Bearer x", "Bearer y"], ["x"]])
async def test_without_one_bearer_token_the_way_is_shown(client: httpx.AsyncClient, given: list[str]) -> None:
    answer = await client.get("/mine/1", headers=[("authorization", value) for value in given])

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_the_rules_of_all_routes_can_be_listed(api: FastAPI) -> None:
    rules = {route: rule and sorted(rule.roles) for route, rule in declared_rules(api).items()}

    assert rules == {
        "GET /api/mine/{id}": ["account_admin", "customer"],
        "POST /api/desk": ["analyst"],
        "GET /api/anybody": [],
    }
    assert undeclared_routes(api) == []


def test_a_route_without_a_rule_is_found(api: FastAPI) -> None:
    router = APIRouter()

    @router.put("/forgotten")
    async def forgotten() -> None: ...

    api.include_router(router)
    api.router.routes.append(Mount("/static", PlainTextResponse("x")))
    api.add_route("/plain", lambda _: PlainTextResponse("x"))

    assert undeclared_routes(api, ignoring=["/static"]) == ["PUT /forgotten", "GET /plain", "HEAD /plain"]


def test_the_corpora_say_so_when_they_are_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASEWAY_CORPORA", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="nowhere"):
        corpora()

    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="nowhere"):
        corpora()
