"""Reads a posted form while it arrives: texts are kept, within limits; files are passed on, in constant memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

Taken = TypeVar("Taken")
TakeFile: TypeAlias = Callable[[str, str, AsyncIterator[bytes]], Awaitable[Taken]]

MOST_PARTS = 2_000
MOST_TEXT = 1024 * 1024
# More than any form takes: those of a form say themselves what is too many.
MOST_FILES = 100
QUEUED_CHUNKS = 4


class BadForm(Exception):
    """The body is not a form as browsers send it, or breaks off."""


class FormTooLarge(Exception):
    """More parts, texts or files than are taken."""


@dataclass
class Sent(Generic[Taken]):
    texts: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, Taken]] = field(default_factory=list)


async def read_multipart(
    chunks: AsyncIterator[bytes], content_type: str, take_file: TakeFile[Taken], sent: Sent[Taken]
) -> None:
    """Fill ``sent``; ``take_file`` gets name, file name and bytes of each file, and sees the texts before it there."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise BadForm("The form has no boundary.")
    reader = _Reader(boundary, take_file, sent)
    try:
        async for chunk in chunks:
            await reader.take(chunk)
        reader.check_end()
    finally:
        await reader.close()


_Step: TypeAlias = tuple[Literal["head", "data", "end"], bytes]


class _Reader(Generic[Taken]):
    def __init__(self, boundary: bytes, take_file: TakeFile[Taken], sent: Sent[Taken]) -> None:
        self._take_file = take_file
        self._sent = sent
        self._steps: list[_Step] = []
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._parts = 0
        self._text_size = 0
        self._text: tuple[str, bytearray] | None = None
        self._file: _Passing[Taken] | None = None
        self._complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": lambda: self._steps.append(("head", self._disposition)),
                "on_part_data": lambda data, start, end: self._steps.append(("data", data[start:end])),
                "on_part_end": lambda: self._steps.append(("end", b"")),
                "on_end": self._on_end,
            },
        )

    async def take(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadForm("The form can't be read.") from error
        steps, self._steps = self._steps, []
        for what, data in steps:
            if what == "head":
                self._begin(data)
            elif what == "data":
                await self._data(data)
            else:
                await self._end()

    def check_end(self) -> None:
        if not self._complete:
            raise BadForm("The form breaks off.")

    async def close(self) -> None:
        if self._file is not None:
            await self._file.cancel()

    def _begin(self, disposition: bytes) -> None:
        kind, options = parse_options_header(disposition)
        if kind != b"form-data" or b"name" not in options:
            raise BadForm("A part of the form has no name.")
        name = options[b"name"].decode("utf-8", "replace")
        if b"filename" not in options:
            self._text = (name, bytearray())
            return
        filename = options[b"filename"].decode("utf-8", "replace")
        if not filename:
            return  # nothing was chosen
        if len(self._sent.files) >= MOST_FILES:
            raise FormTooLarge
        self._file = _Passing(name, lambda data: self._take_file(name, filename, data))

    async def _data(self, data: bytes) -> None:
        if self._text is not None:
            self._text_size += len(data)
            if self._text_size > MOST_TEXT:
                raise FormTooLarge
            self._text[1].extend(data)
        elif self._file is not None:
            await self._file.put(data)

    async def _end(self) -> None:
        if self._text is not None:
            name, value = self._text
            self._sent.texts.append((name, value.decode("utf-8", "replace")))
        elif self._file is not None:
            self._sent.files.append((self._file.name, await self._file.result()))
        self._text = self._file = None

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise FormTooLarge
        self._header, self._value, self._disposition = b"", b"", b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _on_end(self) -> None:
        self._complete = True


class _Passing(Generic[Taken]):
    """A file on its way to whoever takes it, who sets the pace."""

    def __init__(self, name: str, take: Callable[[AsyncIterator[bytes]], Awaitable[Taken]]) -> None:
        self.name = name
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUED_CHUNKS)
        self._task: asyncio.Task[Taken] = asyncio.ensure_future(_awaited(take(self._chunks())))

    async def put(self, data: bytes | None) -> None:
        putting = asyncio.ensure_future(self._queue.put(data))
        # Who takes it may refuse it half-way, and then reads no more.
        await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not putting.done():
            putting.cancel()
            with suppress(asyncio.CancelledError):
                await putting

    async def result(self) -> Taken:
        await self.put(None)
        return await self._task

    async def cancel(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

    async def _chunks(self) -> AsyncIterator[bytes]:
        while (data := await self._queue.get()) is not None:
            yield data


def _awaited(taking: Awaitable[Taken]) -> Coroutine[Any, Any, Taken]:
    async def wait() -> Taken:
        return await taking

    return wait()
