"""Waiting for what happens beside the test: ask until the answer is right, and never sleep for a time that was
guessed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

PATIENCE = 120.0
POLL_SECONDS = 0.1


def eventually(look: Callable[[], Any], right: Callable[[Any], bool] = bool, seconds: float = PATIENCE) -> Any:
    """What ``look`` gives once it is ``right``; fails with what it gave last."""
    deadline = time.monotonic() + seconds
    while not right(seen := look()):
        assert time.monotonic() < deadline, _still_not(seen, seconds)
        time.sleep(POLL_SECONDS)
    return seen


async def eventually_async(
    look: Callable[[], Awaitable[Any]], right: Callable[[Any], bool] = bool, seconds: float = PATIENCE
) -> Any:
    """As ``eventually``, while the tasks of the test's own loop go on."""
    deadline = time.monotonic() + seconds
    while not right(seen := await look()):
        assert time.monotonic() < deadline, _still_not(seen, seconds)
        await asyncio.sleep(POLL_SECONDS)
    return seen


def _still_not(seen: Any, seconds: float) -> str:
    return f"still not after {seconds:g} s: {str(seen)[:3000]}"
