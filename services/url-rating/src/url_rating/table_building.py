"""Sorts entries that come in any order into a table, in bounded memory: parted by their first byte on the way to a
spool file, then sorted part by part. The spool has no name, so that a process that is killed leaves nothing behind."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from caseway_kit.errors import OutageError
from url_rating.lists import ListEntry
from url_rating.tables import ENTRY, KEY, write_table

PARTS = 256
# Of each part so much is kept in memory: 16 MiB in all, however long the list.
KEPT = 64 * 1024
MOST_SETS = 1 << 16


class TooManyCombinations(Exception):
    """More different sets of categories than any list has."""


@contextmanager
def _space_needed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutageError("scratch space", type(error).__name__) from error


class TableBuilder:
    def __init__(self, folder: Path | None = None) -> None:
        with _space_needed():
            self._spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self._kept = [bytearray() for _ in range(PARTS)]
        self._spooled: list[list[tuple[int, int]]] = [[] for _ in range(PARTS)]
        self._sets: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}
        self._entries = 0

    def __enter__(self) -> "TableBuilder":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def add(self, entries: Sequence[ListEntry]) -> None:
        pack, numbers, kept = ENTRY.pack, self._numbers, self._kept
        for entry in entries:
            number = numbers.get(entry.categories)
            if number is None:
                number = self._number(entry.categories)
            part = kept[entry.digest[0]]
            part += pack(entry.digest[:KEY], entry.score, number)
            if len(part) >= KEPT:
                self._spool_part(entry.digest[0])
        self._entries += len(entries)

    def write(self, path: Path) -> int:
        """Write the table; of entries with the same hash the lower score counts, and the categories of both."""
        with _space_needed(), path.open("wb") as file:
            return write_table(file, self._entries, map(self._merged, range(PARTS)), self._sets)

    def close(self) -> None:
        self._spool.close()
        self._kept.clear()

    def _spool_part(self, first: int) -> None:
        with _space_needed():
            at = self._spool.seek(0, 2)
            self._spool.write(self._kept[first])
        self._spooled[first].append((at, len(self._kept[first])))
        self._kept[first].clear()

    def _merged(self, first: int) -> list[bytes]:
        width, packed = ENTRY.size, bytearray()
        for at, length in self._spooled[first]:
            self._spool.seek(at)
            packed += self._spool.read(length)
        data = bytes(packed + self._kept[first])
        entries = sorted([data[start : start + width] for start in range(0, len(data), width)])
        if len({entry[:KEY] for entry in entries}) == len(entries):
            return entries
        merged: list[bytes] = []
        for entry in entries:
            if merged and merged[-1][:KEY] == entry[:KEY]:
                merged[-1] = self._union(merged[-1], entry)
            else:
                merged.append(entry)
        return merged

    def _union(self, one: bytes, other: bytes) -> bytes:
        if one[KEY + 1 :] == other[KEY + 1 :]:
            return one  # sorted: the lower score stands first
        key, score, mine = ENTRY.unpack(one)
        _, _, theirs = ENTRY.unpack(other)
        return ENTRY.pack(key, score, self._number(tuple(sorted({*self._sets[mine], *self._sets[theirs]}))))

    def _number(self, categories: tuple[int, ...]) -> int:
        number = self._numbers.get(categories)
        if number is None:
            number = self._numbers[categories] = len(self._sets)
            if number == MOST_SETS:
                raise TooManyCombinations
            self._sets.append(categories)
        return number
