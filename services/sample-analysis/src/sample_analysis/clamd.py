"""clamd's protocol as clamd(8) describes it: a session in which one command is answered after the other."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol

from caseway_kit.errors import OutageError

ANSWER_SECONDS = 10.0
_PIECE = 256 * 1024
_SCANNED = re.compile(r"stream: (?:OK|(?P<signature>.{1,500}) FOUND)")


class Source(Protocol):
    def read(self, size: int) -> bytes: ...


class NotScanned(Exception):
    """clamd says nothing about these bytes; the session may be over. ``too_large``: because they are too many."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.too_large = "size limit exceeded" in answer


class Session:
    """Its methods raise OutageError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        writer.write(b"zIDSESSION\x00")

    async def version(self) -> str:
        """Of the engine and of its signatures, as in ``1.4.6/27000``."""
        with _translated():
            self._writer.write(b"zVERSION\x00")
            answer = await asyncio.wait_for(self._answer(), ANSWER_SECONDS)
        name, *rest = answer.removeprefix("ClamAV ").split("/")
        return "/".join([name, *rest[:1]])

    async def scan(self, data: Source) -> str | None:
        """The signature that matched; raises NotScanned."""
        answer = asyncio.create_task(self._answer())
        try:
            with _translated():
                with suppress(ConnectionError):  # its answer says why it hung up
                    await self._send(data, until=answer)
                said = await answer
        finally:
            answer.cancel()
        if (scanned := _SCANNED.fullmatch(said)) is None:
            raise NotScanned(said)
        return scanned["signature"]

    async def _send(self, data: Source, *, until: "asyncio.Task[str]") -> None:
        """Where clamd takes no more it answers before all is sent."""
        self._writer.write(b"zINSTREAM\x00")
        while (piece := await asyncio.to_thread(data.read, _PIECE)) and not until.done():
            self._writer.write(struct.pack("!L", len(piece)) + piece)
            await self._writer.drain()
        self._writer.write(struct.pack("!L", 0))

    async def _answer(self) -> str:
        answer = await self._reader.readuntil(b"\x00")
        return answer[:-1].decode("utf-8", "replace").partition(": ")[2].strip()


class Clamd:
    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Raises OutageError."""
        with _translated():
            reader, writer = await asyncio.wait_for(asyncio.open_connection(*self._address), ANSWER_SECONDS)
        try:
            yield Session(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise OutageError("clamd", str(error) or type(error).__name__) from error
