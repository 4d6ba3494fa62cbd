"""A version of a list as one immutable file: entries of fixed width, sorted by hash, and an index of where each range
of hashes begins. It is mapped into memory, so that a look-up asks no database, and what is seldom asked stays on disk.

    magic · index · entries · trailer (JSON: bits of the index, sets of categories, number of entries) · its length

An entry is half of its expression's SHA-256, its score and the number of its set of categories.
"""

import json
import mmap
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from url_rating.lists import ListEntry

MAGIC = b"caseway-urls-1\n\0"
KEY = 16
ENTRY = Struct(">16sBHx")
_LENGTH = Struct(">I")
# So many entries share a slot of the index on average: one comparison of a few cache lines finds any of them.
_PER_SLOT_BITS = 4
_MOST_INDEX_BITS = 22


class DamagedTable(Exception):
    """The file is none of ours."""


class Table:
    """An open file of entries."""

    def __init__(self, path: Path) -> None:
        """Map the file; it may be unlinked afterwards."""
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._map[: len(MAGIC)] != MAGIC:
            raise DamagedTable(path.name)
        end = len(self._map) - _LENGTH.size
        trailer = json.loads(self._map[end - _LENGTH.unpack_from(self._map, end)[0] : end])
        self._sets = [tuple(one) for one in trailer["sets"]]
        self._shift = 32 - trailer["bits"]
        self._entries_at = len(MAGIC) + 4 * ((1 << trailer["bits"]) + 1)
        self._starts = memoryview(self._map)[len(MAGIC) : self._entries_at].cast("I")
        self.entries: int = trailer["entries"]

    def find(self, digest: bytes) -> ListEntry | None:
        slot = int.from_bytes(digest[:4]) >> self._shift
        first, last = self._starts[slot], self._starts[slot + 1]
        if first == last:
            return None
        width, key = ENTRY.size, digest[:KEY]
        slots = self._map[self._entries_at + first * width : self._entries_at + last * width]
        at = slots.find(key)
        while at >= 0 and at % width:
            at = slots.find(key, at + 1)
        if at < 0:
            return None
        _, score, number = ENTRY.unpack_from(slots, at)
        return ListEntry(digest, score, self._sets[number])


def write_table(file: BinaryIO, most: int, parts: Iterable[Sequence[bytes]], sets: Sequence[tuple[int, ...]]) -> int:
    """Write at most ``most`` packed entries, which come in the order of their keys; the answer is how many there were.
    ``sets`` is read when the last one has come."""
    bits = min(_MOST_INDEX_BITS, max(0, most.bit_length() - _PER_SLOT_BITS))
    starts, written = array("I", bytes(4 * ((1 << bits) + 1))), 0
    file.seek(len(MAGIC) + len(starts) * starts.itemsize)
    for part in parts:
        for entry in part:
            starts[(int.from_bytes(entry[:4]) >> (32 - bits)) + 1] += 1
        file.write(b"".join(part))
        written += len(part)
    trailer = json.dumps({"bits": bits, "sets": sets, "entries": written}).encode()
    file.write(trailer + _LENGTH.pack(len(trailer)))
    for slot in range(1, len(starts)):
        starts[slot] += starts[slot - 1]
    file.seek(0)
    file.write(MAGIC + starts.tobytes())
    return written
