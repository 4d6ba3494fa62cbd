"""Bytes on their way into objects: hashed, counted, cut into parts."""

import hashlib
from collections.abc import AsyncIterator

from intake.refusals import TooLarge

PART_BYTES = 512 * 1024
HEAD_BYTES = 8192


class Passing:
    """Hashes and counts what passes through it, and keeps the beginning."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    async def of(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.size += len(chunk)
            if self.size > self._largest:
                raise TooLarge(f"An upload may have at most {self._largest} bytes.")
            if len(self.head) < HEAD_BYTES:
                self.head = (self.head + chunk)[:HEAD_BYTES]
            self.digest.update(chunk)
            yield chunk


async def parts_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks in parts of one size; when the sender breaks off, what came of the last one, and then the break."""
    held = bytearray()
    try:
        async for chunk in chunks:
            held += chunk
            while len(held) >= PART_BYTES:
                yield bytes(held[:PART_BYTES])
                del held[:PART_BYTES]
    except Exception as broken:
        if held:
            yield bytes(held)
        raise broken
    if held:
        yield bytes(held)


async def whole(part: bytes) -> AsyncIterator[bytes]:
    yield part
