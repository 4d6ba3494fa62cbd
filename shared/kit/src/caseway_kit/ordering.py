"""Order on ``cases``: revisions count per case, and one that arrives early waits for the one before it."""

from collections.abc import Sequence
from typing import TypeVar

from caseway_contracts.base import Event

E = TypeVar("E", bound=Event)


def in_order(applied: int, early: Sequence[E], event: E) -> tuple[list[E], list[E]]:
    """What can be applied after revision ``applied``, in order, and what still waits.

    ``early`` holds the events of the case that arrived before their turn. An event that was applied before is left
    out of both.
    """
    waiting = {one.revision: one for one in [*early, event] if one.revision > applied}
    ready = []
    while applied + 1 in waiting:
        applied += 1
        ready.append(waiting.pop(applied))
    return ready, [waiting[revision] for revision in sorted(waiting)]
