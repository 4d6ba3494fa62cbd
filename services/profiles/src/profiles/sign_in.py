from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

import structlog

from caseway_kit.clock import Clock
from caseway_kit.problems import Problem
from caseway_kit.tokens import Caller, TokenVerifier, sign_token
from profiles.passwords import Passwords
from profiles.records import Contact, email_key
from profiles.signing_keys import SigningKeys
from profiles.throttle import Throttle

log = structlog.get_logger()


@dataclass(frozen=True)
class Session:
    id: str
    contact_id: str
    account_id: str
    ends_at: datetime


@dataclass(frozen=True)
class Token:
    token: str
    expires_at: datetime


class SessionRepository(Protocol):
    async def add(self, session: Session) -> None: ...

    async def find(self, session_id: str) -> Session | None: ...

    async def end(self, session_id: str) -> None: ...

    async def end_all_of(self, contact_id: str) -> None: ...


class SigningIn(Protocol):
    """Contacts as sign-in sees them."""

    async def find(self, contact_id: str) -> Contact | None: ...

    async def find_by_email(self, key: str) -> Contact | None: ...


class SignIn:
    def __init__(
        self,
        *,
        contacts: SigningIn,
        sessions: SessionRepository,
        throttle: Throttle,
        passwords: Passwords,
        keys: SigningKeys,
        clock: Clock,
        issuer: str,
        audience: str,
        token_lifetime: timedelta,
        session_lifetime: timedelta,
    ) -> None:
        self._contacts = contacts
        self._sessions = sessions
        self._throttle = throttle
        self._passwords = passwords
        self._keys = keys
        self._clock = clock
        self._issuer = issuer
        self._audience = audience
        self._token_lifetime = token_lifetime
        self._session_lifetime = session_lifetime

    async def open(self, email: str, password: str, address: str) -> Token:
        """A token for the contact with this password; ``address`` is the network address that asks."""
        async with self._throttle.attempt(email_key(email), address) as good:
            contact = await self._contacts.find_by_email(email_key(email))
            matches = await self._passwords.match(contact.password_hash if contact else None, password)
            if contact is None or not matches or contact.disabled:
                log.info("sign-in refused")
                raise Problem.unauthorized("The e-mail address or the password is wrong.")
            await good()
        session = Session(
            f"ses-{uuid4().hex}", contact.id, contact.account_id, self._clock.now() + self._session_lifetime
        )
        await self._sessions.add(session)
        return self._token(contact, session)

    async def refresh(self, caller: Caller) -> Token:
        """Another token of the same session."""
        session = await self._sessions.find(caller.session_id)
        contact = await self._contacts.find(caller.contact_id)
        over = session is None or session.ends_at <= self._clock.now() or session.contact_id != caller.contact_id
        if session is None or over or contact is None or contact.disabled:
            raise Problem.unauthorized("The session is over; sign in again.")
        return self._token(contact, session)

    async def end(self, caller: Caller) -> None:
        await self._sessions.end(caller.session_id)

    def _token(self, contact: Contact, session: Session) -> Token:
        now = self._clock.now().replace(microsecond=0)  # a token tells whole seconds
        caller = Caller(
            contact_id=contact.id,
            account_id=contact.account_id,
            email=contact.email,
            role=contact.role,
            teams=contact.teams,
            session_id=session.id,
        )
        lifetime = min(self._token_lifetime, session.ends_at - now)
        key = self._keys.signing()
        signed = sign_token(key, caller, issuer=self._issuer, audience=self._audience, now=now, lifetime=lifetime)
        return Token(signed, now + timedelta(seconds=int(lifetime.total_seconds())))


class LiveTokens:
    """Checks a token as every service does, and asks for each that its contact is not disabled."""

    def __init__(self, verifier: TokenVerifier, contacts: SigningIn) -> None:
        self._verifier = verifier
        self._contacts = contacts

    async def caller(self, token: str) -> Caller:
        caller = await self._verifier.caller(token)
        contact = await self._contacts.find(caller.contact_id)
        if contact is None or contact.disabled:
            raise Problem.unauthorized("This user is disabled.")
        return caller
