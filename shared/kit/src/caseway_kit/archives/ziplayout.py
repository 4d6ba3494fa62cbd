"""Whether a zip's directory and its local headers tell the same story; reads neither names nor data into anything."""

import struct
from dataclasses import dataclass

from caseway_kit.archives.content import Content

_END = b"PK\x05\x06"
_END64_LOCATOR = b"PK\x06\x07"
_END64 = b"PK\x06\x06"
_CENTRAL = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"
_LARGEST_COMMENT = 65_535
_DIRECTORY_READ = 8 * 1024 * 1024

_ENCRYPTED = 0x1
_SIZES_FOLLOW = 0x8
_MASKED_HEADERS = 0x2000
_ALL_ONES = 0xFFFFFFFF


@dataclass(frozen=True)
class ZipLayout:
    """``overlapping``: members share bytes, as only a bomb's do. ``entries``: what the directory says that it holds."""

    oddities: tuple[str, ...] = ()
    overlapping: bool = False
    entries: int = 0
    empty: bool = False


@dataclass(frozen=True)
class _Entry:
    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    at: int


def ends_as_zip(sample: Content) -> bool:
    """Whether a zip's end record closes the sample, whatever its beginning looks like."""
    tail = sample.tail(1024)
    at = tail.rfind(_END)
    return at >= 0 and len(tail) - at >= 22 and struct.unpack_from("<H", tail, at + 8)[0] > 0


def read_layout(sample: Content, entries: int) -> ZipLayout:
    """Compare the first ``entries`` entries; a zip without a directory at all is odd too."""
    tail = sample.tail(_LARGEST_COMMENT + 22 + 20)
    tail_at = sample.size - len(tail)
    end_at = tail.rfind(_END)
    if end_at < 0 or len(tail) - end_at < 22:
        return ZipLayout(oddities=("no-directory",))
    odd: set[str] = set()
    count, size, start, comment = struct.unpack_from("<HIIH", tail, end_at + 10)
    if end_at + 22 + comment != len(tail):
        odd.add("data-after-the-end")
    if (first := tail.find(_END)) != end_at and tail_at + first > 0:
        odd.add("two-directories")
    directory_end = tail_at + end_at
    if tail[max(0, end_at - 20) : end_at].startswith(_END64_LOCATOR):
        (end64_at,) = struct.unpack_from("<Q", tail, end_at - 12)
        end64 = sample.read(end64_at, 56)
        if not end64.startswith(_END64) or len(end64) < 56:
            return ZipLayout(oddities=("directory-not-where-stated",))
        count, size, start = struct.unpack_from("<QQQ", end64, 32)
        directory_end = end64_at
    shift = directory_end - start - size
    if shift:
        odd.add("data-before-the-start" if shift > 0 else "directory-not-where-stated")
    found = _entries(sample.read(max(0, start + shift), min(size, _DIRECTORY_READ)), entries)
    if len(found) != min(count, entries) and size <= _DIRECTORY_READ:
        odd.add("entries-miscounted")
    overlapping = _compare(sample, found, max(0, shift), start + max(0, shift), odd)
    if not found and directory_end > max(0, shift):
        odd.add("data-between-members")
    return ZipLayout(oddities=tuple(sorted(odd)), overlapping=overlapping, entries=count, empty=count == 0 and not odd)


def _entries(directory: bytes, most: int) -> list[_Entry]:
    found: list[_Entry] = []
    at = 0
    while len(found) < most and directory[at : at + 4] == _CENTRAL and len(directory) >= at + 46:
        flags, method, _, _, crc, packed, unpacked, name, extra, comment = struct.unpack_from(
            "<HHHHIIIHHH", directory, at + 8
        )
        (local_at,) = struct.unpack_from("<I", directory, at + 42)
        fields = directory[at + 46 + name : at + 46 + name + extra]
        unpacked, packed, local_at = _zip64(fields, unpacked, packed, local_at)
        found.append(_Entry(directory[at + 46 : at + 46 + name], flags, method, crc, packed, unpacked, local_at))
        at += 46 + name + extra + comment
    return found


def _zip64(fields: bytes, *values: int) -> list[int]:
    """The sizes, with those that say "too large for 32 bits" taken from the extra field."""
    at, wide = 0, b""
    while at + 4 <= len(fields):
        kind, length = struct.unpack_from("<HH", fields, at)
        if kind == 1:
            wide = fields[at + 4 : at + 4 + length]
        at += 4 + length
    out: list[int] = []
    for value in values:
        if value == _ALL_ONES and len(wide) >= 8:
            value, wide = struct.unpack_from("<Q", wide)[0], wide[8:]
        out.append(value)
    return out


def _compare(sample: Content, found: list[_Entry], shift: int, directory_at: int, odd: set[str]) -> bool:
    overlapping = False
    names: set[bytes] = set()
    end = shift
    for entry in sorted(found, key=lambda entry: entry.at):
        if entry.name in names:
            odd.add("duplicate-names")
        names.add(entry.name)
        at = entry.at + shift
        header = sample.read(at, 30)
        if len(header) < 30 or not header.startswith(_LOCAL):
            odd.add("local-header-missing")
            continue
        flags, method, _, _, crc, packed, unpacked, name, extra = struct.unpack_from("<HHHHIIIHH", header, 6)
        if at < end:
            overlapping = True
        elif at > end + 24:
            # Up to 24 bytes are a data descriptor of the member before.
            odd.add("data-between-members")
        if entry.packed != _ALL_ONES:
            end = at + 30 + name + extra + entry.packed
        if flags & _MASKED_HEADERS:
            continue
        if sample.read(at + 30, name) != entry.name:
            odd.add("names-differ")
        if method != entry.method:
            odd.add("methods-differ")
        if (flags ^ entry.flags) & (_ENCRYPTED | _SIZES_FOLLOW):
            odd.add("flags-differ")
        local, stated = (packed, unpacked, crc), (entry.packed, entry.unpacked, entry.crc)
        if local != stated and not flags & _SIZES_FOLLOW and _ALL_ONES not in local[:2]:
            odd.add("sizes-differ")
    if found and end > directory_at:
        overlapping = True
    elif found and directory_at > end + 24 + 16:
        odd.add("data-between-members")
    return overlapping
