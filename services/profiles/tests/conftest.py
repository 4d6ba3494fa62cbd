from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from profiles_fakes import CountingPasswords
from profiles_system import PASSWORD, MakeRecord, SignInAs, System

from caseway_catalog import Catalog, load
from caseway_contracts.kinds import Role
from caseway_kit.messaging import Encoded
from caseway_kit.mongo import Collection
from caseway_kit.outbox import Relay
from caseway_kit.testing.clock import FixedClock
from profiles.records import Account, Contact, ProductProfile, email_key, name_key


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


@pytest.fixture
def passwords() -> Iterator[CountingPasswords]:
    passwords = CountingPasswords()
    yield passwords
    passwords.close()


@pytest.fixture
def make_account(clock: FixedClock) -> MakeRecord:
    def make(account_id: str = "acc-1", **fields: Any) -> Account:
        return Account(id=account_id, created_at=clock.now(), **{"name": "Example Ltd", **fields})

    return make


@pytest.fixture
def make_contact(clock: FixedClock) -> MakeRecord:
    def make(email: str = "ann@example.com", **fields: Any) -> Contact:
        default = {
            "id": f"con-{email}",
            "account_id": "acc-1",
            "name": "Ann",
            "role": "customer",
            "password_hash": "none",
        }
        return Contact(email=email, email_key=email_key(email), created_at=clock.now(), **(default | fields))

    return make


@pytest.fixture
def make_profile() -> MakeRecord:
    def make(name: str = "Head office", **fields: Any) -> ProductProfile:
        default = {
            "id": f"prof-{name}",
            "account_id": "acc-1",
            "product": "officescan",
            "version": "XG",
            "operating_systems": ("windows-10",),
            "language": "en",
        }
        return ProductProfile(name=name, name_key=name_key(name), **(default | fields))

    return make


@pytest.fixture
async def system(clock: FixedClock, catalog: Catalog, passwords: CountingPasswords) -> System:
    system = System(clock, catalog, passwords)
    await system.keys.load()
    return system


@pytest.fixture
def anonymous(system: System) -> httpx.AsyncClient:
    return system.client()


@pytest.fixture
def sign_in_as(system: System) -> SignInAs:
    """A client of a contact with the role, made where it is not there yet."""

    async def sign_in(role: Role, account_id: str = "acc-1", email: str | None = None) -> httpx.AsyncClient:
        email = email or f"{role.replace('_', '-')}@{account_id}.example.com"
        await system.directory.add_account(account_id, f"Account {account_id}")
        if await system.contacts.find_by_email(email) is None:
            await system.directory.add_user(
                f"con-{email}",
                account_id=account_id,
                email=email,
                name="Somebody",
                role=role,
                teams=(),
                password=PASSWORD,
            )
        token = await system.sign_in.open(email, PASSWORD, "192.0.2.1")
        return system.client(token=token.token)

    return sign_in


@pytest.fixture
async def customer(sign_in_as: SignInAs) -> httpx.AsyncClient:
    return await sign_in_as("customer")


@pytest.fixture
async def stranger(sign_in_as: SignInAs) -> httpx.AsyncClient:
    """A customer of another account."""
    return await sign_in_as("customer", "acc-2")


@pytest.fixture
async def operator(sign_in_as: SignInAs) -> httpx.AsyncClient:
    return await sign_in_as("operator", "acc-operations")


@pytest.fixture
def profile_body() -> dict[str, Any]:
    return {
        "name": "Head office",
        "product": "officescan",
        "version": "XG",
        "operating_systems": ["windows-10", "windows-11"],
        "language": "en",
        "settings": ["web-reputation"],
        "toolbox_guid": "01234567-89ab-cdef-0123-456789abcdef",
    }


async def _published(_: Sequence[Encoded]) -> None:
    return


@pytest.fixture
def make_relay(clock: FixedClock) -> Callable[[Collection], Relay]:
    return lambda collection: Relay(collection, _published, clock=clock)
