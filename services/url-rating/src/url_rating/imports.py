"""Loads a list of any length in bounded memory, and puts it in force at one stroke when the last entry is in."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from url_rating.list_formats import parse, reader
from url_rating.list_rows import Reader
from url_rating.lists import ListRepository, ListVersion
from url_rating.sources import Meaning, Sources
from url_rating.table_building import TooManyCombinations

BATCH = 5_000
LONGEST_LINE = 100_000
MOST_NAMES = 100


class NotAList(Exception):
    """What came is no list, and the one in force stays."""


@dataclass(slots=True)
class Progress:
    """How far an import is; ``version`` once it is in force."""

    lines: int = 0
    entries: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    unknown_categories: dict[str, int] = field(default_factory=dict)
    version: ListVersion | None = None


class ListImport:
    def __init__(self, *, lists: ListRepository, sources: Sources) -> None:
        self._lists = lists
        self._sources = sources

    def meaning(self, category: str) -> Meaning | None:
        return self._sources.meaning(category)

    async def run(
        self, name: str, version: str, form: str, chunks: AsyncIterator[bytes], *, category: str | None = None
    ) -> AsyncIterator[Progress]:
        """Import a list, saying after each batch how far it is. :class:`NotAList` where no entry could be read."""
        progress, read = Progress(), reader(form)
        default = None if category is None else self._sources.meaning(category)
        loading = await self._lists.begin(name, version)
        try:
            async for lines in batches(chunks):
                progress = await self._load(loading, lines, read, default, progress)
                yield progress
            if not progress.entries:
                raise NotAList("no line was an entry")
            progress.version = await self._lists.activate(loading)
        except BaseException as error:
            await asyncio.shield(self._lists.abandon(loading))
            if isinstance(error, TooManyCombinations):
                raise NotAList("there are too many combinations of categories") from None
            raise
        progress.entries = progress.version.entries
        yield progress

    async def _load(
        self, loading: ListVersion, lines: list[bytes], read: Reader, default: Meaning | None, so_far: Progress
    ) -> Progress:
        parsed = await asyncio.to_thread(parse, lines, read, self._sources, default)
        if parsed.entries:
            await self._lists.add(loading, parsed.entries)
        return Progress(
            so_far.lines + parsed.lines,
            so_far.entries + len(parsed.entries),
            _sum(so_far.refused, parsed.refused),
            _sum(so_far.unknown_categories, parsed.unknown_categories),
        )


async def batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Lines of a stream, so many at a time."""
    rest, lines = b"", list[bytes]()
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise NotAList("a line is too long")
        lines += whole
        while len(lines) >= BATCH:
            yield lines[:BATCH]
            del lines[:BATCH]
    if rest:
        lines.append(rest)
    if lines:
        yield lines


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    # Whoever wrote the list chose the names: they are shown, and must not fill the memory.
    names = sorted({*one, *other})[:MOST_NAMES]
    return {name: one.get(name, 0) + other.get(name, 0) for name in names}
