import asyncio
from collections.abc import Sequence

import pytest

from caseway_contracts.base import Event, UnknownEvent
from caseway_kit.errors import OutageError
from caseway_kit.messaging import Encoded, side_by_side


def make_event(key: str, revision: int) -> UnknownEvent:
    return UnknownEvent.model_validate(
        {
            "event_id": f"00000000-0000-0000-0000-{revision:012}",
            "type": "CaseUpdated",
            "version": 1,
            "occurred_at": "2026-01-05T09:00:00Z",
            "key": key,
            "account_id": "a1",
            "subject_id": key,
            "revision": revision,
        }
    )


async def test_keys_go_side_by_side_and_each_keeps_its_order() -> None:
    seen: list[tuple[str, int]] = []
    together = asyncio.Barrier(2)

    async def handle(event: Event) -> Sequence[Encoded]:
        if event.revision == 1:
            await together.wait()  # ends only when both keys are being handled
        seen.append((event.key, event.revision))
        return [Encoded(f"{event.key}/{event.revision}", "routes", event.key, "{}", {})]

    events = [make_event("a", 1), make_event("b", 1), make_event("a", 2), make_event("b", 2)]
    stated = await side_by_side(events, handle)
    assert [revision for key, revision in seen if key == "a"] == [1, 2]
    assert [one.event_id for one in stated] == ["a/1", "a/2", "b/1", "b/2"]


async def test_a_failure_is_raised_as_the_kind_that_it_is() -> None:
    async def handle(event: Event) -> Sequence[Encoded]:
        if event.key == "a":
            raise OutageError("MongoDB")
        return ()

    for events in ([make_event("a", 1)], [make_event("b", 1), make_event("a", 1)]):
        with pytest.raises(OutageError):
            await side_by_side(events, handle)


async def test_a_failure_ends_the_others_and_leaves_its_task_as_it_was() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handle(event: Event) -> Sequence[Encoded]:
        if event.key == "a":
            await begun.wait()
            raise OutageError("MongoDB")
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ()

    with pytest.raises(OutageError):
        await side_by_side([make_event("a", 1), make_event("b", 1)], handle)
    assert ended.is_set()
    subscriber = asyncio.current_task()
    assert subscriber is not None
    assert subscriber.cancelling() == 0


async def test_no_events_give_nothing() -> None:
    async def handle(event: Event) -> Sequence[Encoded]:
        raise AssertionError

    assert await side_by_side([], handle) == []
