from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from profiles_fakes import (
    CountingPasswords,
    InMemoryAccountRepository,
    InMemoryAttemptRepository,
    InMemoryClaimRepository,
    InMemoryCodeRepository,
    InMemoryContactRepository,
    InMemoryKeyRepository,
    InMemoryProfileRepository,
    InMemorySessionRepository,
)

from caseway_catalog import Catalog
from caseway_kit.auth import TokenVerifier, check_tokens
from caseway_kit.testing.clock import FixedClock
from profiles.api import UseCases, build_routes
from profiles.directory import Directory
from profiles.once import Once
from profiles.product_profiles import ProductProfiles
from profiles.sign_in import LiveTokens, SignIn
from profiles.signing_keys import SigningKeys
from profiles.throttle import Throttle

MakeRecord = Callable[..., Any]
SignInAs = Callable[..., Awaitable[httpx.AsyncClient]]
PASSWORD = "correct horse"


@dataclass
class System:
    """The whole service in memory."""

    clock: FixedClock
    catalog: Catalog
    passwords: CountingPasswords
    accounts: InMemoryAccountRepository = field(default_factory=InMemoryAccountRepository)
    contacts: InMemoryContactRepository = field(default_factory=InMemoryContactRepository)
    profiles: InMemoryProfileRepository = field(default_factory=InMemoryProfileRepository)
    codes: InMemoryCodeRepository = field(default_factory=InMemoryCodeRepository)
    sessions: InMemorySessionRepository = field(default_factory=InMemorySessionRepository)
    attempts: InMemoryAttemptRepository = field(default_factory=InMemoryAttemptRepository)
    claims: InMemoryClaimRepository = field(default_factory=InMemoryClaimRepository)

    def __post_init__(self) -> None:
        self.keys = SigningKeys(InMemoryKeyRepository(), clock=self.clock, token_lifetime=timedelta(minutes=15))
        self.directory = Directory(
            accounts=self.accounts,
            contacts=self.contacts,
            codes=self.codes,
            sessions=self.sessions,
            passwords=self.passwords,
            catalog=self.catalog,
            clock=self.clock,
        )
        self.sign_in = SignIn(
            contacts=self.contacts,
            sessions=self.sessions,
            throttle=Throttle(self.attempts, self.clock),
            passwords=self.passwords,
            keys=self.keys,
            clock=self.clock,
            issuer="caseway",
            audience="caseway",
            token_lifetime=timedelta(minutes=15),
            session_lifetime=timedelta(hours=12),
        )
        self.product_profiles = ProductProfiles(self.profiles, codes=self.codes, catalog=self.catalog, clock=self.clock)
        use_cases = UseCases(self.sign_in, self.keys, self.directory, self.product_profiles, Once(self.claims))
        self.api: FastAPI = build_routes(use_cases)
        self.verifier = TokenVerifier(self.keys, issuer="caseway", audience="caseway", clock=self.clock)
        check_tokens(self.api, LiveTokens(self.verifier, self.contacts))

    def client(self, address: str = "192.0.2.1", token: str | None = None) -> httpx.AsyncClient:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.api, client=(address, 40_000))
        return httpx.AsyncClient(transport=transport, base_url="http://t/api/v1", headers=headers)
