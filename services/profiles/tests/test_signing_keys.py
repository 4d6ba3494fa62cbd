from collections.abc import Callable
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, OKPKey
from profiles_fakes import InMemoryKeyRepository

from caseway_kit.testing.clock import FixedClock
from profiles.signing_keys import SigningKeys, read_key

MakeKeys = Callable[[], SigningKeys]
DAY = 86_400.0


@pytest.fixture
def stored() -> InMemoryKeyRepository:
    return InMemoryKeyRepository()


@pytest.fixture
def make_keys(stored: InMemoryKeyRepository, clock: FixedClock) -> MakeKeys:
    return lambda: SigningKeys(stored, clock=clock, token_lifetime=timedelta(minutes=15))


async def test_a_restart_signs_with_the_same_key(make_keys: MakeKeys) -> None:
    first, second = make_keys(), make_keys()
    await first.load()
    await second.load()
    assert first.signing().kid == second.signing().kid
    assert [key["kid"] for key in second.published()] == [first.signing().kid]


async def test_the_next_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_ran_out(
    make_keys: MakeKeys, clock: FixedClock, stored: InMemoryKeyRepository
) -> None:
    keys = make_keys()
    await keys.load()
    old = keys.signing().kid

    clock.advance(31 * DAY)
    await keys.load()
    assert keys.signing().kid == old
    assert len(keys.published()) == 2

    clock.advance(121)
    new = keys.signing().kid
    assert new != old
    assert await keys.find(str(old)) is not None

    clock.advance(15 * 60 + 121)
    assert [key["kid"] for key in keys.published()] == [new]
    assert await keys.find(str(old)) is None
    await keys.load()
    assert list(stored.keys) == [2]


async def test_processes_that_rotate_together_agree_on_one_key(
    make_keys: MakeKeys, clock: FixedClock, stored: InMemoryKeyRepository
) -> None:
    one, other = make_keys(), make_keys()
    await one.load()
    await other.load()
    clock.advance(31 * DAY)
    await one.load()
    await other.load()
    assert list(stored.keys) == [1, 2]


async def test_a_key_of_the_settings_takes_the_place_of_stored_ones(
    stored: InMemoryKeyRepository, clock: FixedClock
) -> None:
    own = OKPKey.generate_key("Ed25519")
    text = own.as_pem(private=True).decode()
    keys = SigningKeys(stored, clock=clock, token_lifetime=timedelta(minutes=15), own=text)
    await keys.load()
    own.ensure_kid()
    assert keys.signing().kid == own.kid
    assert stored.keys == {}


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "{}",
        OKPKey.generate_key("Ed25519").as_pem(private=False).decode(),
        OKPKey.generate_key("X25519").as_pem(private=True).decode(),
        ECKey.generate_key("P-256").as_pem(private=True).decode(),
    ],
    ids=["nonsense", "empty", "public", "x25519", "p-256"],
)
def test_anything_else_is_no_signing_key(text: str) -> None:
    with pytest.raises(ValueError, match="no Ed25519 private key"):
        read_key(text)
