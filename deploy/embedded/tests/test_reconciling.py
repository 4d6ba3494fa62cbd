from typing import Any

import pytest

from caseway_embedded.cli import reconciling
from caseway_embedded.cli.backstage import Backstage

SR = "SR01-000000042-4"
STAGES = ("new", "waiting", "on its way", "complete")


class Travelling:
    """A case that comes one stage further at the look of number ``moves_at``, whatever is looked at."""

    def __init__(self, stage: int, moves_at: int) -> None:
        self._stage = stage
        self._moves_at = moves_at
        self._looks = 0

    def is_in(self, *stages: str) -> set[str]:
        self._looks += 1
        if self._looks == self._moves_at:
            self._stage += 1
        return {SR} if STAGES[self._stage] in stages else set()


class NoClient:
    def __init__(self, url: str) -> None:
        return

    async def close(self) -> None:
        return


@pytest.mark.parametrize("moves_at", range(1, 7))
@pytest.mark.parametrize("stage", range(3))
async def test_a_case_that_moves_on_meanwhile_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, stage: int, moves_at: int
) -> None:
    case = Travelling(stage, moves_at)

    async def accepted(_: Any, query: Any) -> set[str]:
        return case.is_in("waiting") if query else case.is_in("waiting", "on its way", "complete")

    async def on_log(_: str) -> set[str]:
        return case.is_in("on its way", "complete")

    async def in_flight(_: str) -> set[str]:
        return case.is_in("on its way")

    async def completed(_: Any) -> set[str]:
        return case.is_in("complete")

    async def nothing(*_: Any) -> list[Any]:
        return []

    async def imported(_: Any) -> set[str]:
        return set()

    looks = {
        "_imported": imported,
        "_accepted": accepted,
        "_on_log": on_log,
        "_in_flight": in_flight,
        "_completed": completed,
    }
    for name, look in {**looks, "_leases": nothing, "parked": nothing, "AsyncMongoClient": NoClient}.items():
        monkeypatch.setattr(reconciling, name, look)
    found = await reconciling.compare(Backstage(mongo="", kafka=""))
    assert (found["lost"], found["problems"]) == ([], [])
