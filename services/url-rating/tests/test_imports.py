from collections.abc import AsyncIterator

import pytest
from url_rating_fakes import InMemoryListRepository

from url_rating.expressions import digest
from url_rating.imports import BATCH, ListImport, NotAList, Progress, batches
from url_rating.lists import Match


async def stream(text: str, size: int = 7) -> AsyncIterator[bytes]:
    body = text.encode()
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def run(
    imports: ListImport, text: str, *, form: str = "ut1", version: str = "1", category: str | None = None
) -> list[Progress]:
    return [progress async for progress in imports.run("own", version, form, stream(text), category=category)]


async def test_list_is_in_force_when_its_last_line_is_in(
    imports: ListImport, memory_lists: InMemoryListRepository
) -> None:
    seen = await run(imports, "phishing\tevil.example\nshopping\tshop.example\r\n\nphishing\tevil.example/a")
    last = seen[-1]
    assert (last.lines, last.entries) == (4, 3)
    assert [str(version) for version in await memory_lists.active()] == ["own/1"]
    assert await memory_lists.find([digest("evil.example/a")]) == [
        Match(digest("evil.example/a"), 49, (75,), "own", "1")
    ]


async def test_progress_is_said_after_each_batch(imports: ListImport) -> None:
    text = "".join(f"phishing\thost{number}.example\n" for number in range(BATCH + 1))
    lines = [progress.lines async for progress in imports.run("own", "1", "ut1", stream(text, 65_536))]
    assert lines == [BATCH, BATCH + 1, BATCH + 1]


async def test_what_was_passed_over_is_counted(imports: ListImport) -> None:
    text = "knitting\twool.example\nphishing\thttp://exa mple/\nphishing\tevil.example\n"
    last = (await run(imports, text))[-1]
    assert last.unknown_categories == {"knitting": 1}
    assert last.refused == {"not a URL": 1}
    assert last.entries == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "knitting\twool.example\n"])
async def test_list_without_entries_leaves_the_one_in_force(
    imports: ListImport, memory_lists: InMemoryListRepository, text: str
) -> None:
    await run(imports, "phishing\tevil.example\n")
    with pytest.raises(NotAList):
        await run(imports, text, version="2")
    assert [str(version) for version in await memory_lists.active()] == ["own/1"]
    assert len(memory_lists.entries) == 1


async def test_stream_that_breaks_leaves_nothing_behind(
    imports: ListImport, memory_lists: InMemoryListRepository
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"phishing\tevil.example\n" * (BATCH + 1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        [_ async for _ in imports.run("own", "1", "ut1", broken())]
    assert memory_lists.entries == {}
    assert await memory_lists.active() == ()


async def test_line_without_an_end_is_refused() -> None:
    with pytest.raises(NotAList, match="too long"):
        [lines async for lines in batches(stream("a" * 200_000, 50_000))]
