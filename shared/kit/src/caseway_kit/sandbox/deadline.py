import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` returns, or TimeoutError; it has ended either way.

    Not asyncio.timeout: before Python 3.11.3 (Debian 12 has 3.11.2) its end becomes a CancelledError where an earlier,
    settled cancellation of the task still counts. Not asyncio.wait_for, which may lose a cancellation there.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
