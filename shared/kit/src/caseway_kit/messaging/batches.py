"""A batch of events, handled side by side: what waits for MongoDB and Kafka waits together."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from caseway_contracts.base import Event
from caseway_kit.messaging import wire
from caseway_kit.messaging.wire import Encoded

E = TypeVar("E", bound=Event)


async def side_by_side(events: Sequence[E], handle: Callable[[E], Awaitable[Sequence[Encoded]]]) -> list[Encoded]:
    """What handling the events gives rise to; those of one key are handled one after the other, in their order.

    The first failure ends the others and is raised: the delivery then takes the events one by one.
    """
    by_key: dict[str, list[E]] = defaultdict(list)
    for event in events:
        by_key[event.key].append(event)

    async def in_turn(of_one_key: Sequence[E]) -> list[Encoded]:
        stated: list[Encoded] = []
        for event in of_one_key:
            wire.trace.set((wire.traces.get() or {}).get(event.event_id))
            stated += await handle(event)
        return stated

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(of_one_key)) for of_one_key in by_key.values()]
    except ExceptionGroup as failed:
        # The delivery decides by the kind of failure, and so must see it as it was raised.
        raise failed.exceptions[0] from None
    return [encoded for task in tasks for encoded in task.result()]
