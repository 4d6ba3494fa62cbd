import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey
from signed_tokens import CALLER, KEY, Published, refused

from caseway_kit.auth import (
    KeyCache,
    TokenVerifier,
)
from caseway_kit.errors import OutageError
from caseway_kit.testing.clock import FixedClock


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
