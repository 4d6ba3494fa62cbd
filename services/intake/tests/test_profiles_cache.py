import asyncio

import httpx
import pytest
from intake_fakes import FakeProfiles

from caseway_contracts.clients import ProfilesClient
from caseway_kit.errors import OutageError
from intake.ports import Person
from intake.profiles_cache import Profile, ProfilesCache, fetch_from
from intake.refusals import TokenRefused


async def test_many_that_miss_a_profile_at_once_ask_once(profiles: FakeProfiles, person: Person) -> None:
    cache = ProfilesCache(profiles.fetch)
    found = await asyncio.gather(*(cache.profile("acme", person.token, "p1") for _ in range(50)))
    assert {one["revision"] if one else None for one in found} == {3}
    assert profiles.asked == ["p1"]


async def test_an_answer_that_is_too_old_for_the_second_asker_is_asked_again() -> None:
    answers = [{"revision": 1}, {"revision": 2}]
    go = asyncio.Event()

    async def fetch(token: str, profile_id: str) -> Profile | None:
        answer = answers.pop(0)
        await go.wait()
        return answer

    cache = ProfilesCache(fetch)
    first = asyncio.create_task(cache.profile("acme", "t", "p1"))
    second = asyncio.create_task(cache.profile("acme", "t", "p1", at_least=2))
    await asyncio.sleep(0)
    go.set()
    assert (await first, await second) == ({"revision": 1}, {"revision": 2})


async def test_what_was_stated_on_the_way_makes_an_answer_old(profiles: FakeProfiles, person: Person) -> None:
    async def fetch(token: str, profile_id: str) -> Profile | None:
        cache.saved("p1", 4)
        return await profiles.fetch(token, profile_id)

    cache = ProfilesCache(fetch)
    await cache.profile("acme", person.token, "p1")
    await cache.profile("acme", person.token, "p1")
    assert profiles.asked == ["p1", "p1"]


@pytest.mark.parametrize(
    ("status", "error"), [(503, OutageError), (429, OutageError), (401, TokenRefused), (403, TokenRefused)]
)
async def test_what_profiles_refuses_is_told_apart(status: int, error: type[Exception]) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    async with httpx.AsyncClient(transport=transport, base_url="http://profiles") as http:
        with pytest.raises(error):
            await fetch_from(ProfilesClient(http))("token", "p1")
