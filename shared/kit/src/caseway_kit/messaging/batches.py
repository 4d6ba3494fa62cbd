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

    # Not a TaskGroup: before Python 3.13 one that fails leaves its task, here a subscriber's, marked as cancelled, and
    # before 3.11.3 (Debian 12 has 3.11.2) every later timeout of that task then ends it.
    tasks = [asyncio.create_task(in_turn(of_one_key)) for of_one_key in by_key.values()]
    try:
        stated = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [encoded for of_one_key in stated for encoded in of_one_key]
