"""The keys that tokens are signed with: the newest signs, older ones stay published until their tokens ran out.

A key is published before it signs, so that every service can have read it by then. Generations are numbered and the
number is unique: two processes that start or rotate together agree on one key.
"""

import asyncio
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from joserfc.jwk import OKPKey

from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.tokens import ALGORITHM, LEEWAY

ROTATED_AFTER = timedelta(days=30)
# More than the minute within which a service reads the key set again, and than two of our own readings.
PUBLISHED_BEFORE = timedelta(minutes=2)
READ_SECONDS = 30.0

log = structlog.get_logger()


@dataclass(frozen=True)
class StoredKey:
    generation: int
    private: dict[str, Any]
    signs_from: datetime


class KeyRepository(Protocol):
    async def all(self) -> Sequence[StoredKey]:
        """By generation."""

    async def add(self, key: StoredKey) -> bool:
        """False: that generation is there."""

    async def drop(self, generation: int) -> None: ...


class SigningKeys:
    def __init__(self, keys: KeyRepository, *, clock: Clock, token_lifetime: timedelta, own: str | None = None) -> None:
        """``own`` (PEM or JWK) signs instead of any stored key."""
        self._keys = keys
        self._clock = clock
        self._kept_for = token_lifetime + timedelta(seconds=2 * LEEWAY)
        self._own = None if own is None else read_key(own)
        self._ring: list[tuple[StoredKey, OKPKey]] = []

    async def load(self) -> None:
        """Read the stored keys; make the first, or the next one when it is time, and drop what ran out."""
        if self._own is not None:
            return
        stored = await self._keys.all()
        now = self._clock.now()
        if not stored or now - stored[-1].signs_from > ROTATED_AFTER:
            await self._keys.add(self._next(stored, now))
            stored = await self._keys.all()
        for key, successor in itertools.pairwise(stored):
            if successor.signs_from + self._kept_for < now:
                await self._keys.drop(key.generation)
        self._ring = [(key, _key(key.private)) for key in stored]

    async def run(self) -> None:
        """Keep up with the other processes of this service until cancelled."""
        while True:
            await asyncio.sleep(READ_SECONDS)
            try:
                await self.load()
            except OutageError as outage:
                log.warning("signing keys not read again", part=outage.part)

    def signing(self) -> OKPKey:
        if self._own is not None:
            return self._own
        now = self._clock.now()
        return next((key for stored, key in reversed(self._ring) if stored.signs_from <= now), self._ring[0][1])

    def published(self) -> list[dict[str, Any]]:
        return [_public(key) for key in self._valid()]

    async def find(self, kid: str) -> OKPKey | None:
        return next((key for key in self._valid() if key.kid == kid), None)

    def _valid(self) -> list[OKPKey]:
        if self._own is not None:
            return [self._own]
        now = self._clock.now()
        ends = [successor.signs_from + self._kept_for for successor, _ in self._ring[1:]]
        return [key for (_, key), end in zip(self._ring, [*ends, None], strict=True) if end is None or end >= now]

    @staticmethod
    def _next(stored: Sequence[StoredKey], now: datetime) -> StoredKey:
        private = dict(OKPKey.generate_key("Ed25519").as_dict(private=True))
        if not stored:
            return StoredKey(1, private, now)
        return StoredKey(stored[-1].generation + 1, private, now + PUBLISHED_BEFORE)


def read_key(text: str) -> OKPKey:
    """Raises ValueError for what is no Ed25519 private key, without repeating it."""
    try:
        key = _key(json.loads(text) if text.lstrip().startswith("{") else text)
    except Exception:
        key = None
    if key is None or not key.is_private or key.curve_name != "Ed25519":
        raise ValueError("it is no Ed25519 private key in PEM or JWK form")
    return key


def _key(source: Any) -> OKPKey:
    key = OKPKey.import_key(source)
    key.ensure_kid()
    return key


def _public(key: OKPKey) -> dict[str, Any]:
    values = key.as_dict(private=False)
    return {name: values[name] for name in ("kty", "crv", "x", "kid")} | {"use": "sig", "alg": ALGORITHM}
