"""Who calls: EdDSA tokens checked against the sign-in service's keys."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, get_args

import httpx
import structlog
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import OKPKey

from caseway_kit.clock import Clock, SystemClock
from caseway_kit.errors import OutageError
from caseway_kit.problems import Problem

Role = Literal["customer", "account_admin", "analyst", "operator", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

ALGORITHM = "EdDSA"
# RFC 9068: tells an access token from an id token of the same issuer.
TOKEN_TYPE = "at+jwt"  # noqa: S105 -- a media type, no secret
LONGEST_TOKEN = 4096
LEEWAY = 60
KEYS_REFRESHED_AFTER = 900.0
KEYS_FETCHED_EVERY = 60.0
FAILED_KEYS_FETCHED_EVERY = 5.0

_log = structlog.stdlib.get_logger("caseway.auth")


@dataclass(frozen=True)
class Caller:
    """The contact that a valid token speaks for."""

    contact_id: str
    account_id: str
    email: str
    role: Role
    teams: tuple[str, ...]
    session_id: str
    # For calls to other services in the caller's name.
    token: str = field(default="", repr=False, compare=False)


class Tokens(Protocol):
    async def caller(self, token: str) -> Caller:
        """The caller of a good token; raises a 401 Problem, or OutageError while no key could be had yet."""


class Keys(Protocol):
    async def find(self, kid: str) -> OKPKey | None: ...


class DisabledContacts(Protocol):
    """The ids of contacts that may not come in any more, however good their token is; a set of str is one."""

    def __contains__(self, contact_id: object, /) -> bool: ...


def keys_at(url: str) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    """How a KeyCache fetches the key set that is published at ``url``."""

    async def fetch() -> Mapping[str, Any]:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(url)
        published: Mapping[str, Any] = answer.raise_for_status().json()
        return published

    return fetch


class KeyCache:
    """The published keys: fetched at most once a minute, by one caller at a time; old ones outlive a failed fetch.

    While they can't be fetched, a name that is not among them may be that of a new key: an outage, no refusal.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Mapping[str, Any]]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: dict[str, OKPKey] = {}
        self._tried_at = float("-inf")
        self._fetched_at = float("-inf")
        self._failed = True
        self._fetching = asyncio.Lock()

    async def find(self, kid: str) -> OKPKey | None:
        """Raises OutageError when only keys that could not be fetched can tell."""
        stale = self._monotonic() - self._fetched_at > KEYS_REFRESHED_AFTER
        # Who has a key does not wait while another one fetches.
        if kid not in self._keys or (stale and not self._fetching.locked()):
            await self._refresh(kid)
        if kid not in self._keys and self._failed:
            raise OutageError("sign-in", "its keys could not be read")
        return self._keys.get(kid)

    async def _refresh(self, kid: str) -> None:
        async with self._fetching:
            now = self._monotonic()
            soon = self._failed and kid not in self._keys
            if now - self._tried_at < (FAILED_KEYS_FETCHED_EVERY if soon else KEYS_FETCHED_EVERY):
                return
            if kid in self._keys and now - self._fetched_at <= KEYS_REFRESHED_AFTER:
                return
            self._tried_at, self._failed = now, True
            try:
                async with asyncio.timeout(5):
                    self._keys = _read_keys(await self._fetch())
                self._fetched_at, self._failed = now, False
            except Exception as error:
                _log.warning("keys not read, the old ones stay", keys=len(self._keys), exc_info=error)


def _read_keys(published: Mapping[str, Any]) -> dict[str, OKPKey]:
    keys: dict[str, OKPKey] = {}
    for key in published["keys"]:
        if key.get("kty") == "oct" or "d" in key:
            raise ValueError("a published key set holds a secret key")
        if key.get("kty") != "OKP" or key.get("crv") != "Ed25519" or key.get("use", "sig") != "sig":
            continue
        if key.get("alg", ALGORITHM) != ALGORITHM:
            continue
        if key["kid"] in keys:
            raise ValueError("a published key set holds one kid twice")
        keys[str(key["kid"])] = OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x", "kid")})
    if not keys:
        raise ValueError("a published key set holds no Ed25519 key")
    return keys


class _EdDsaOnly(jws.JWSRegistry):
    def get_alg(self, name: str) -> JWSAlgModel:
        # Not from an allow-list: that would warn at each token that RFC 9864 renames the algorithm of our contract.
        if name != ALGORITHM:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[ALGORITHM]


_REGISTRY = _EdDsaOnly()


class TokenVerifier:
    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        disabled: DisabledContacts = frozenset[str](),
        clock: Clock | None = None,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._disabled = disabled
        self._clock = clock or SystemClock()

    async def caller(self, token: str) -> Caller:
        try:
            if len(token) > LONGEST_TOKEN:
                raise ValueError("too long")
            signed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
            key = await self._keys.find(_kid(signed.segments["header"]))
            if key is None:
                raise ValueError("unknown key")
            if not jws.validate_compact(signed, key, registry=_REGISTRY):
                raise ValueError("signature")
            caller = self._read(_strict_object(signed.payload), token)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.info("token refused", why=type(error).__name__, says=str(error)[:80])
            raise Problem.unauthorized("The token is not valid; sign in again.") from None
        if caller.contact_id in self._disabled:
            raise Problem.unauthorized("This user is disabled.")
        return caller

    def _read(self, claims: dict[str, Any], token: str) -> Caller:
        now = self._clock.now().timestamp()
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims["iss"] != self._issuer or self._audience not in audience:
            raise ValueError("made by or for somebody else")
        if _moment(claims["exp"]) + LEEWAY <= now:
            raise ValueError("expired")
        if max(_moment(claims["iat"]), _moment(claims.get("nbf", 0))) - LEEWAY > now:
            raise ValueError("not valid yet")
        if claims["role"] not in ROLES or not isinstance(claims["teams"], list):
            raise ValueError("unknown role")
        return Caller(
            contact_id=_text(claims["sub"]),
            account_id=_text(claims["acct"]),
            email=_text(claims["email"]),
            role=claims["role"],
            teams=tuple(_text(team) for team in claims["teams"]),
            session_id=_text(claims["sid"]),
            token=token,
        )


def sign_token(key: OKPKey, caller: Caller, *, issuer: str, audience: str, now: datetime, lifetime: timedelta) -> str:
    """A token for ``caller`` that TokenVerifier accepts: the sign-in service's half of the same agreement."""
    issued = int(now.timestamp())
    claims = {
        "iss": issuer,
        "aud": audience,
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
        "sub": caller.contact_id,
        "acct": caller.account_id,
        "email": caller.email,
        "role": caller.role,
        "teams": list(caller.teams),
        "sid": caller.session_id,
    }
    key.ensure_kid()
    header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, registry=_REGISTRY)


def _kid(header_segment: bytes) -> str:
    # extract_compact has refused what is not canonical base64url; it lets a member stand twice.
    header = _strict_object(base64.urlsafe_b64decode(header_segment + b"=" * (-len(header_segment) % 4)))
    # Exactly these: nothing in a header may point elsewhere for a key (jku, x5u, jwk) or ask for more (crit).
    if header.keys() != {"alg", "typ", "kid"} or header["alg"] != ALGORITHM or header["typ"] != TOKEN_TYPE:
        raise ValueError("header")
    return _text(header["kid"])


def _strict_object(text: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member twice")
        return dict(pairs)

    value = json.loads(text, object_pairs_hook=once)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _moment(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        raise TypeError("not a moment")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 320:
        raise TypeError("not a text")
    return value
