"""Keys, tokens and what the sign-in service publishes."""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from caseway_kit.auth import (
    Caller,
    TokenVerifier,
)
from caseway_kit.problems import Problem

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


async def refused(tokens: TokenVerifier, token: str) -> bool:
    try:
        await tokens.caller(token)
    except Problem as problem:
        return problem.status_code == 401
    return False
