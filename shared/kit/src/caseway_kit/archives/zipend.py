"""Where a zip says that its directory is: at its end, and with a second record for large ones."""

import struct
from dataclasses import dataclass

from caseway_kit.archives.content import Content
from caseway_kit.archives.zipentries import CENTRAL

END = b"PK\x05\x06"
END64_LOCATOR = b"PK\x06\x07"
END64 = b"PK\x06\x06"

_LARGEST_COMMENT = 65_535
_END_LENGTH = 22
_LOCATOR_LENGTH = 20
_END64_LENGTH = 56
_TOO_LARGE_16 = 0xFFFF
_TOO_LARGE_32 = 0xFFFFFFFF


@dataclass(frozen=True)
class DirectoryPlace:
    """``at`` and ``size`` of the directory as it lies in the sample; ``ends``: where the zip is over, comment included.

    ``shift``: by how much everything lies further back than stated.
    """

    count: int
    at: int
    size: int
    ends: int
    shift: int
    plausible: bool
    oddities: frozenset[str]


def find_directory(sample: Content) -> DirectoryPlace | None:
    tail = sample.tail(_LARGEST_COMMENT + _END_LENGTH)
    tail_at = sample.size - len(tail)
    end_at = tail.rfind(END, 0, max(0, len(tail) - _END_LENGTH + len(END)))
    if end_at < 0:
        return None
    odd: set[str] = set()
    _, _, here, count, size, start, comment = struct.unpack_from("<HHHHIIH", tail, end_at + 4)
    ends = tail_at + end_at + _END_LENGTH + comment
    if ends > sample.size:
        odd.add("comment-cut-off")
    if here != count:
        odd.add("entries-miscounted")
    directory_end = tail_at + end_at
    wide = _read_end64(sample, directory_end, odd)
    if wide is not None:
        stated = ((count, wide.count, _TOO_LARGE_16), (size, wide.size, _TOO_LARGE_32), (start, wide.at, _TOO_LARGE_32))
        if any(small not in (large, mark) for small, large, mark in stated):
            odd.add("two-directories")
        count, size, start, directory_end = wide.count, wide.size, wide.at, wide.begins
    elif _TOO_LARGE_32 in (size, start):
        odd.add("directory-not-where-stated")
    at = directory_end - size
    shift = at - start
    if shift:
        odd.add("data-before-the-start" if shift > 0 else "directory-not-where-stated")
    if at < 0:
        at = 0
    plausible = ends <= sample.size and (sample.read(at, 4) == CENTRAL or sample.read(start, 4) == CENTRAL)
    # What is in the comment of the zip is seen by readers that look for the first end and not for the last.
    if tail.rfind(END, max(0, directory_end - tail_at), end_at) >= 0:
        odd.add("two-directories")
    return DirectoryPlace(count, at, size, min(ends, sample.size), max(0, shift), plausible, frozenset(odd))


def holds_other_end(directory: bytes) -> bool:
    """Whether comments or fields of the directory hold the end of another one."""
    return any(mark in directory for mark in (END, END64, END64_LOCATOR))


@dataclass(frozen=True)
class _End64:
    count: int
    size: int
    at: int
    begins: int


def _read_end64(sample: Content, end_at: int, odd: set[str]) -> _End64 | None:
    locator_at = end_at - _LOCATOR_LENGTH
    locator = sample.read(max(0, locator_at), _LOCATOR_LENGTH)
    if locator_at < 0 or not locator.startswith(END64_LOCATOR):
        return None
    (stated_at,) = struct.unpack_from("<Q", locator, 8)
    record = sample.read(min(stated_at, sample.size), _END64_LENGTH)
    begins = stated_at
    if not record.startswith(END64) or len(record) < _END64_LENGTH:
        odd.add("directory-not-where-stated")
        begins = locator_at - _END64_LENGTH
        record = sample.read(max(0, begins), _END64_LENGTH)
        if begins < 0 or not record.startswith(END64):
            return None
    length, _, _, _, _, here, count, size, start = struct.unpack_from("<QHHIIQQQQ", record, 4)
    if length != _END64_LENGTH - 12 or begins + _END64_LENGTH != locator_at:
        odd.add("directory-extended")
    if here != count:
        odd.add("entries-miscounted")
    return _End64(count, size, start, begins)
