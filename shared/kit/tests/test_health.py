import asyncio
from collections.abc import AsyncIterator

import pytest

from caseway_kit import health
from caseway_kit.health import Health, Need, State


class Subscribers:
    def __init__(self) -> None:
        self.state: State = "running"

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def states(self) -> dict[str, State]:
        return {"cases": self.state}


async def forever() -> None:
    await asyncio.Event().wait()


async def die() -> None:
    raise RuntimeError("lost its way")


async def end() -> None: ...


async def eventually_dead(watched: Health) -> None:
    async with asyncio.timeout(60):
        while watched.live():
            await asyncio.sleep(0)


@pytest.fixture
def subscribers() -> Subscribers:
    return Subscribers()


@pytest.fixture
async def watched(subscribers: Subscribers) -> AsyncIterator[Health]:
    watched = Health(subscribers)
    watched.supervise("relay", forever())
    yield watched
    await watched.stop_tasks()


async def test_what_runs_is_live(watched: Health) -> None:
    assert watched.live()
    assert watched.running() == {"relay": "running", "cases": "running"}


@pytest.mark.parametrize("work", [die, end])
async def test_a_background_task_that_is_over_turns_liveness_red(watched: Health, work: object) -> None:
    watched.supervise("sender", die() if work is die else end())

    await eventually_dead(watched)

    assert watched.running()["sender"] == "stopped"


async def test_a_subscriber_may_pause_on_purpose_but_not_stop(watched: Health, subscribers: Subscribers) -> None:
    subscribers.state = "paused"
    assert watched.live()
    assert (await watched.checks())["cases"] == "paused"

    subscribers.state = "stopped"
    assert not watched.live()


async def test_two_tasks_cannot_share_a_name(watched: Health) -> None:
    with pytest.raises(ValueError, match="relay"):
        watched.supervise("relay", forever())


async def test_needs_are_waited_for_and_watched_from_then_on(watched: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_WAIT", 0.001)
    answers = [ConnectionError("db-7.internal"), ConnectionError("db-7.internal"), None, None, ConnectionError()]

    async def check() -> None:
        if (error := answers.pop(0)) is not None:
            raise error

    await watched.wait_for([Need("MongoDB", check)])

    assert len(answers) == 2
    assert (await watched.checks())["MongoDB"] == "ok"
    assert (await watched.checks())["MongoDB"] == "away"


async def test_a_need_that_never_answers_is_away() -> None:
    assert isinstance(await Need("Kafka", forever).away(0.01), TimeoutError)
