import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from caseway_kit.problems import Problem
from intake.pace import MOST_WAITING, Pace

CASES = "/api/v1/cases"


class Busy:
    """Accounts that submit; each submission lasts until it is let go."""

    def __init__(self, free: int) -> None:
        self.now = 0.0
        self.at_work: list[str] = []
        self.go = asyncio.Event()
        self.pace = Pace(free, monotonic=lambda: self.now)

    async def submit(self, account: str) -> None:
        async with self.pace.turn(account):
            self.at_work.append(account)
            await self.go.wait()

    @asynccontextmanager
    async def submitting(self, *accounts: str) -> AsyncIterator[list["asyncio.Task[None]"]]:
        tasks = [asyncio.create_task(self.submit(account)) for account in accounts]
        await asyncio.sleep(0)
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_so_many_are_as_fast_as_they_come_and_those_beyond_wait_for_each_other() -> None:
    busy = Busy(free=3)
    async with busy.submitting(*["a"] * 6, "b", "b"):
        assert busy.at_work == ["a"] * 4 + ["b"] * 2


async def test_what_was_free_is_free_again_after_a_minute() -> None:
    busy = Busy(free=2)
    async with busy.submitting(*["a"] * 4):
        assert busy.at_work == ["a"] * 3
    busy.now += 61
    async with busy.submitting("a", "a"):
        assert busy.at_work == ["a"] * 5


@pytest.mark.parametrize(
    ("others", "times"),
    [([], 3), (["b", "c"], 15), (["b", "c", "c", "b"], 3)],
    ids=["alone", "far more than the others", "not much more"],
)
async def test_the_next_one_comes_after_a_rest_that_grows_with_what_the_one_before_took(
    others: list[str], times: int
) -> None:
    busy = Busy(free=1)
    async with busy.submitting(*["a"] * 6, *others):
        pass
    async with busy.submitting("a") as (first,):
        busy.now += 0.2
        busy.go.set()
        await first
    began = asyncio.get_running_loop().time()
    await busy.submit("a")
    rested = asyncio.get_running_loop().time() - began
    assert 0.2 * times - 0.05 <= rested
    assert times > 3 or rested < 0.2 * 15


async def test_who_would_wait_too_long_is_sent_away_and_holds_up_nobody() -> None:
    busy = Busy(free=1)
    async with busy.submitting("a", "a"):
        with pytest.raises(Problem) as refused:
            async with busy.pace.turn("a", patience=0.01):
                pass
        assert refused.value.status_code == 429
        patient = asyncio.create_task(busy.submit("a"))
        busy.go.set()
        async with asyncio.timeout(10):
            await patient


async def test_one_that_fails_or_is_given_up_lets_the_next_go_on() -> None:
    busy = Busy(free=1)

    async def fails() -> None:
        with suppress(ZeroDivisionError):
            async with busy.pace.turn("a"):
                raise ZeroDivisionError

    await fails()
    await fails()
    async with busy.submitting("a"):
        pass
    busy.go.set()
    async with asyncio.timeout(10):
        await busy.submit("a")


async def test_more_than_can_wait_are_sent_away() -> None:
    busy = Busy(free=1)
    async with busy.submitting(*["a"] * (MOST_WAITING + 2)) as tasks:
        with pytest.raises(Problem) as refused:
            await tasks[-1]
        assert (refused.value.status_code, busy.at_work) == (429, ["a", "a"])


async def test_an_account_that_waits_for_itself_is_answered_all_the_same(
    app: FastAPI, http: httpx.AsyncClient, make_submission: Callable[..., object], stranger: dict[str, str]
) -> None:
    app.state.parts = replace(app.state.parts, pace=Pace(1))
    answers = await asyncio.gather(*(http.post(CASES, json=make_submission()) for _ in range(6)))
    answers.append(await http.post(CASES, json=make_submission(), headers=stranger))
    lines = "\n".join(httpx.Request("POST", "http://x", json=make_submission()).content.decode() for _ in range(3))
    bulk = await http.post(f"{CASES}/bulk", content=lines)
    assert [answer.status_code for answer in answers] == [201] * 7
    assert bulk.text.count('"status": 201') == 3
