"""Many submissions in one request: lines in, lines out, in the same order, a bounded number at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

AT_ONCE = 64


@dataclass(frozen=True)
class Line:
    number: int
    text: bytes | None
    """None for a line that was longer than allowed."""


async def split_lines(chunks: AsyncIterator[bytes], longest: int) -> AsyncIterator[Line]:
    """The lines that are not blank, numbered from 1 as they stand; what is too long is passed over unread."""
    number, held, skipping = 0, bytearray(), False
    async for chunk in chunks:
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            number += 1
            held += end
            if skipping or len(held) > longest:
                yield Line(number, None)
            elif held.strip():
                yield Line(number, bytes(held))
            held, skipping = bytearray(), False
        if not skipping:
            held += rest
        if len(held) > longest:
            held, skipping = bytearray(), True
    if skipping or held.strip():
        yield Line(number + 1, None if skipping else bytes(held))


async def answers(
    lines: AsyncIterator[Line], answer: Callable[[Line], Awaitable[bytes]], at_once: int = AT_ONCE
) -> AsyncGenerator[bytes, None]:
    """Answer each line, many side by side, and hand the answers out in the order of the lines."""
    waiting: asyncio.Queue[asyncio.Task[bytes] | None] = asyncio.Queue(at_once)

    async def read() -> None:
        try:
            async for line in lines:
                await waiting.put(asyncio.ensure_future(answer(line)))
        finally:
            await waiting.put(None)

    reader = asyncio.create_task(read())
    try:
        while (task := await waiting.get()) is not None:
            yield await task
        await reader
    finally:
        reader.cancel()
        # What was begun is finished: its sender can ask for it again, by its key.
        rest = [waiting.get_nowait() for _ in range(waiting.qsize())]
        await asyncio.gather(reader, *(task for task in rest if task is not None), return_exceptions=True)
