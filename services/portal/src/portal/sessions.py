"""Browser sessions: the API token stays here, the browser gets a random id of which only a hash is kept."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.fernet import Fernet

from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
# Early enough that a page which calls several services never meets the end of its token.
REFRESHED_BEFORE = timedelta(minutes=3)
SEEN_EVERY = timedelta(minutes=1)
_LONGEST_COOKIE = 128


@dataclass(frozen=True)
class Session:
    key: str
    sealed_token: bytes
    token_ends_at: datetime
    csrf: str
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Opened:
    """A session with its token, as the one who holds its cookie finds it."""

    session: Session
    token: str


@dataclass(frozen=True)
class Issued:
    token: str
    expires_at: datetime


class SessionRepository(Protocol):
    async def add(self, session: Session, idle_until: datetime) -> None: ...

    async def find(self, key: str) -> Session | None: ...

    async def save(self, session: Session, idle_until: datetime) -> None:
        """Keep what changed of a session that is there; one that was ended meanwhile stays ended."""

    async def end(self, key: str) -> None: ...


class TokenIssuer(Protocol):
    async def refresh(self, token: str) -> Issued | None:
        """Another token of the same sign-in; None when it is over; raises OutageError."""


class Sessions:
    def __init__(
        self,
        sessions: SessionRepository,
        issuer: TokenIssuer,
        *,
        clock: Clock,
        idle: timedelta = IDLE,
        longest: timedelta = LONGEST,
    ) -> None:
        self._sessions = sessions
        self._issuer = issuer
        self._clock = clock
        self._idle = idle
        self._longest = longest

    async def open(self, issued: Issued) -> str:
        """A session of its own for each sign-in; gives the value of its cookie, which is kept nowhere."""
        secret = secrets.token_urlsafe(32)
        now = self._clock.now()
        session = Session(
            key=_key(secret),
            sealed_token=_seal(secret).encrypt(issued.token.encode()),
            token_ends_at=issued.expires_at,
            csrf=secrets.token_urlsafe(32),
            seen_at=now,
            ends_at=now + self._longest,
        )
        await self._sessions.add(session, self._idle_until(session))
        return secret

    async def find(self, secret: str, *, touch: bool = True) -> Opened | None:
        """``touch``: somebody is there. What a page asks by itself keeps no session from going idle."""
        if not 0 < len(secret) <= _LONGEST_COOKIE:
            return None
        session = await self._sessions.find(_key(secret))
        if session is None:
            return None
        now = self._clock.now()
        if now >= session.ends_at or now >= session.seen_at + self._idle:
            await self._sessions.end(session.key)
            return None
        token = _seal(secret).decrypt(session.sealed_token).decode()
        after = session
        if now >= session.token_ends_at - REFRESHED_BEFORE:
            issued = await self._renewed(session, token)
            if issued is None:
                await self._sessions.end(session.key)
                return None
            if issued.expires_at != session.token_ends_at:
                token = issued.token
                sealed = _seal(secret).encrypt(token.encode())
                after = replace(session, sealed_token=sealed, token_ends_at=issued.expires_at)
        seen = touch and now >= session.seen_at + SEEN_EVERY
        if seen or after is not session:
            after = replace(after, seen_at=now) if touch else after
            await self._sessions.save(after, self._idle_until(after))
        return Opened(after, token)

    async def end(self, secret: str) -> None:
        await self._sessions.end(_key(secret))

    async def _renewed(self, session: Session, token: str) -> Issued | None:
        """While nobody can renew a token, it serves to its own end."""
        try:
            return await self._issuer.refresh(token)
        except OutageError:
            if self._clock.now() >= session.token_ends_at:
                raise
            return Issued(token, session.token_ends_at)

    def _idle_until(self, session: Session) -> datetime:
        return min(session.seen_at + self._idle, session.ends_at)


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _seal(secret: str) -> Fernet:
    """What is stolen from the database opens no token: the key to it is in the browser only."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"token:" + secret.encode()).digest()))
