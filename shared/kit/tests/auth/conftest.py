from collections.abc import Callable, Mapping
from typing import Any

import pytest
from joserfc.jwk import OKPKey
from signed_tokens import KEY, NOW, Published, encoded, signature

from caseway_kit.auth import (
    KeyCache,
    TokenVerifier,
)
from caseway_kit.testing.clock import FixedClock


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
