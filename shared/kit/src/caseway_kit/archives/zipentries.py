"""The entries of a zip as its directory states them, and as the headers before their data do."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from caseway_kit.archives.content import Content

CENTRAL = b"PK\x01\x02"
LOCAL = b"PK\x03\x04"
DESCRIPTOR = b"PK\x07\x08"

ENCRYPTED = 0x1
SIZES_FOLLOW = 0x8
MASKED_HEADERS = 0x2000

_ALL_ONES = 0xFFFFFFFF
_ZIP64 = 0x0001
_UNICODE_PATH = 0x7075
_UNIX = 3
_ORDINARY = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./\\")
_LONGEST_COMPARED = 1024
_LONGEST_RUN = 256
_MACOS = 19


@dataclass(frozen=True)
class Header:
    """What one header says of its member; a local one and one of the directory have these fields in common."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    extra: bytes

    @property
    def sizes_follow(self) -> bool:
        return bool(self.flags & SIZES_FOLLOW)

    @cached_property
    def fields(self) -> tuple[tuple[int, bytes], ...]:
        return tuple(_fields(self.extra))

    @property
    def malformed(self) -> bool:
        """Zeros at the end are how data is aligned; anything else that is no field is there to mislead."""
        length = sum(4 + len(data) for _, data in self.fields)
        return any(self.extra[length:])

    @property
    def names(self) -> tuple[bytes, ...]:
        """Every name that some reader takes for the member's, the plain one first."""
        others = [data[5:] for kind, data in self.fields if kind == _UNICODE_PATH]
        return tuple(dict.fromkeys((self.name, *others)))

    @property
    def unicode_paths(self) -> tuple[bytes, ...]:
        return tuple(data for kind, data in self.fields if kind == _UNICODE_PATH)

    @property
    def misnamed(self) -> bool:
        """Whether the field with the name in Unicode says something that not every reader would believe."""
        paths = self.unicode_paths
        return len(paths) > 1 or any(not self._same_name(path) for path in paths)

    def _same_name(self, path: bytes) -> bool:
        if len(path) < 5 or path[0] != 1 or struct.unpack_from("<I", path, 1)[0] != zlib.crc32(self.name):
            return False
        return path[5:] == self.name or _reads_as(path[5:], self.name)


@dataclass(frozen=True)
class Entry(Header):
    """An entry of the directory."""

    at: int
    made_by: int
    attributes: int

    @property
    def called_a_directory(self) -> bool:
        """By its name, or by the attributes of any system that a reader may believe."""
        unix = self.made_by >> 8 in (_UNIX, _MACOS) and self.attributes >> 28 == 4
        return self.name.endswith((b"/", b"\\")) or unix or bool(self.attributes & 0x10)


def read_entries(directory: bytes, most: int) -> tuple[list[Entry], int]:
    """The entries and how many bytes of the directory they take."""
    found: list[Entry] = []
    at = 0
    while len(found) < most and directory[at : at + 4] == CENTRAL and len(directory) >= at + 46:
        made_by, _, flags, method, _, _, crc, packed, unpacked, name, extra, comment, _, _, attributes, local_at = (
            struct.unpack_from("<HHHHHHIIIHHHHHII", directory, at + 4)
        )
        fields = directory[at + 46 + name : at + 46 + name + extra]
        unpacked, packed, local_at = _wide(fields, unpacked, packed, local_at)
        spoken = directory[at + 46 : at + 46 + name]
        found.append(Entry(spoken, flags, method, crc, packed, unpacked, fields, local_at, made_by, attributes))
        at += 46 + name + extra + comment
    return found, at


def read_local(sample: Content, at: int) -> Header | None:
    fixed = sample.read(at, 30)
    if len(fixed) < 30 or not fixed.startswith(LOCAL):
        return None
    flags, method, _, _, crc, packed, unpacked, name, extra = struct.unpack_from("<HHHHIIIHH", fixed, 6)
    rest = sample.read(at + 30, name + extra)
    if len(rest) < name + extra:
        return None
    unpacked, packed = _wide(rest[name:], unpacked, packed)
    return Header(rest[:name], flags, method, crc, packed, unpacked, rest[name:])


def data_at(at: int, local: Header) -> int:
    return at + 30 + len(local.name) + len(local.extra)


def descriptor_length(sample: Content, at: int, entry: Entry) -> int | None:
    """Of the sizes behind a member's data; None where none is found that agrees with the directory."""
    stored = sample.read(at, 24)
    for mark in (DESCRIPTOR, b""):
        for sizes in ("<III", "<IQQ"):
            length = len(mark) + struct.calcsize(sizes)
            if stored.startswith(mark) and len(stored) >= length:
                said = struct.unpack_from(sizes, stored, len(mark))
                if said == (entry.crc, entry.packed, entry.unpacked):
                    return length
    return None


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if at + 4 + length > len(extra):
            return
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _wide(extra: bytes, *values: int) -> list[int]:
    """The sizes, with those that say "too large for 32 bits" taken from the extra field."""
    wide = next((data for kind, data in _fields(extra) if kind == _ZIP64), b"")
    out: list[int] = []
    for value in values:
        if value == _ALL_ONES and len(wide) >= 8:
            value, wide = struct.unpack_from("<Q", wide)[0], wide[8:]
        out.append(value)
    return out


def _reads_as(name: bytes, other: bytes) -> bool:
    """Whether an old code page may make ``other`` of a name in UTF-8: only what is not ASCII may read otherwise."""
    first, *pieces = re.split(rb"[\x80-\xff]+", name[:_LONGEST_COMPARED])
    if not pieces or not other.startswith(first):
        return False
    at, last = len(first), pieces.pop()
    for piece in pieces:
        # The first place will do: what a piece is found behind is nothing but letters that may read otherwise.
        found = other.find(piece, at + 1)
        if found < 0 or not _is_run(other[at:found]):
            return False
        at = found + len(piece)
    return other.endswith(last) and _is_run(other[at : len(other) - len(last)])


def _is_run(letters: bytes) -> bool:
    """Of letters that are not ASCII, in any code page; some programs write them as escapes."""
    letters = re.sub(rb"#U[0-9a-f]{4}", b"-", letters)
    return 0 < len(letters) <= _LONGEST_RUN and _ORDINARY.isdisjoint(letters)
