import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from portal.requests.multipart import MOST_FILES, MOST_PARTS, MOST_TEXT, BadForm, FormTooLarge, Sent, read_multipart

TYPE = 'multipart/form-data; boundary="frontier"'
END = b"--frontier--\r\n"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


async def in_chunks(body: bytes, size: int = 65536) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def whole(name: str, filename: str, data: AsyncIterator[bytes]) -> tuple[str, bytes]:
    return filename, b"".join([chunk async for chunk in data])


async def read(body: bytes, size: int = 65536, content_type: str = TYPE) -> Sent[tuple[str, bytes]]:
    sent: Sent[tuple[str, bytes]] = Sent()
    await read_multipart(in_chunks(body, size), content_type, whole, sent)
    return sent


@pytest.mark.parametrize("size", [1, 7, 65536])
async def test_texts_and_files_come_as_they_were_sent_however_they_are_cut(size: int) -> None:
    text, data = "Ω\r\n--front ier\n\"'<b>".encode(), bytes(range(256)) * 3
    body = part("subject", text) + part("files", data, "näme.zip") + part("files", b"", "") + part("cc", b"") + END
    sent = await read(body, size)
    assert sent.texts == [("subject", text.decode()), ("cc", "")]
    assert sent.files == [("files", ("näme.zip", data))]


async def test_an_empty_file_is_one() -> None:
    assert (await read(part("files", b"", "empty.bin") + END)).files == [("files", ("empty.bin", b""))]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        part("subject", b"x"),
        part("files", b"x" * 100_000, "cut.bin"),
        b"--frontier\r\nContent-Type: text/plain\r\n\r\nx\r\n" + END,
        b'--frontier\r\nContent-Disposition: attachment; filename="x"\r\n\r\nx\r\n' + END,
        b"--frontier\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n" + END,
        b"--frontier\r\nno header at all\r\n\r\n" + END,
    ],
)
async def test_what_is_no_form_or_breaks_off_is_refused(body: bytes) -> None:
    with pytest.raises(BadForm):
        await read(body)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed"])
async def test_a_form_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(BadForm):
        await read(part("subject", b"x") + END, content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"".join(part(f"n{number}", b"") for number in range(10_000)) + END,
        part("description", b"x" * (MOST_TEXT + 1)) + END,
        b"".join(part("files", b"x", f"{number}.txt") for number in range(MOST_FILES + 1)) + END,
    ],
    ids=["10,000 parts", "a huge text", "too many files"],
)
async def test_more_than_is_taken_is_refused(body: bytes) -> None:
    with pytest.raises(FormTooLarge):
        await read(body)


async def test_as_many_parts_as_are_taken_are_taken() -> None:
    assert len((await read(b"".join(part("n", b"1") for _ in range(MOST_PARTS)) + END)).texts) == MOST_PARTS


async def test_a_large_file_passes_in_little_memory_at_the_pace_of_its_taker() -> None:
    size = 64 * 1024 * 1024
    block = b"x" * 65536

    async def body() -> AsyncIterator[bytes]:
        yield part("files", b"", "large.bin")[:-2]
        for _ in range(size // len(block)):
            yield block
        yield b"\r\n" + END

    async def count(name: str, filename: str, data: AsyncIterator[bytes]) -> int:
        passed = 0
        async for chunk in data:
            passed += len(chunk)
            await asyncio.sleep(0)
        return passed

    sent: Sent[int] = Sent()
    tracemalloc.start()
    try:
        await read_multipart(body(), TYPE, count, sent)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent.files == [("files", size)]
    assert peak < 4 * 1024 * 1024


async def test_who_refuses_a_file_half_way_ends_the_reading() -> None:
    class Full(Exception):
        pass

    async def refuse(name: str, filename: str, data: AsyncIterator[bytes]) -> None:
        async for _ in data:
            raise Full

    sent: Sent[None] = Sent()
    with pytest.raises(Full):
        await read_multipart(in_chunks(part("files", b"x" * 5_000_000, "a") + END), TYPE, refuse, sent)


async def test_a_form_that_breaks_off_ends_the_passing_on() -> None:
    ended: list[str] = []

    async def take(name: str, filename: str, data: AsyncIterator[bytes]) -> None:
        try:
            async for _ in data:
                pass
        finally:
            ended.append(filename)

    with pytest.raises(BadForm):
        await read_multipart(in_chunks(part("files", b"x" * 100_000, "a.bin")[:-10]), TYPE, take, Sent())
    assert ended == ["a.bin"]
