"""What else a sample is, to a program that looks for another beginning than the first."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caseway_kit.archives import signatures
from caseway_kit.archives.budget import LimitReached
from caseway_kit.archives.content import CHUNK, HELD_IN_MEMORY, Content, Spool
from caseway_kit.archives.filetypes import Family, FileType, is_tar, type_of_zip
from caseway_kit.archives.zipend import find_directory
from caseway_kit.archives.zipentries import data_at, read_local

# Of each format, of which the header is then looked at.
CANDIDATES = 1000
SEARCHED = 64 * 1024 * 1024
_SCRIPT_SEARCHED = 4 * 1024 * 1024
_PDF_WITHIN = 1024
_HIDES_ARCHIVES: frozenset[Family] = frozenset({"image", "media", "executable", "unknown", "shortcut"})
_HIDES_SCRIPTS: frozenset[Family] = frozenset({"image", "media", "shortcut"})
_BY_PLACE = ("application/x-tar", "application/x-iso9660-image", "application/x-apple-diskimage")
_MARKUP: tuple[tuple[bytes, FileType], ...] = (
    (b"<?php", FileType("text/x-php", "script")),
    (b"<hta:application", FileType("application/hta", "script")),
    (b"<script", FileType("text/html", "text")),
)


@dataclass(frozen=True)
class Side:
    """A type that begins at ``at``; zips, tars and images of disks are read from the whole sample."""

    type: FileType
    at: int = 0


def other_sides(sample: Content, found: FileType, check_time: Callable[[], None] = lambda: None) -> Iterator[Side]:
    """Raises what ``check_time`` raises, and LimitReached where too much looks like the beginning of an archive."""
    head = sample.head()
    if not head.startswith(signatures.ZIP_MAGICS) and _closes_as_zip(sample, found):
        yield Side(type_of_zip(sample))
    if found.mime != "application/pdf" and found.family not in ("text", "mail", "script"):
        at = head[:_PDF_WITHIN].find(b"%PDF-")
        if at > 0 and at != _first_data(sample):
            yield Side(FileType("application/pdf", "document"), at)
    if found.mime in _BY_PLACE:
        yield from _first_signature(head, found)
    elif not found.members or found.zip:
        yield from _behind_its_beginning(sample, head)
    if found.family in _HIDES_SCRIPTS and found.mime != "image/svg+xml":
        text = sample.read(0, _SCRIPT_SEARCHED).lower()
        yield from (Side(written, text.find(mark)) for mark, written in _MARKUP if mark in text)
    if found.family in _HIDES_ARCHIVES or found.mime == "application/pdf":
        yield from _packed_behind(sample, check_time)


def part(sample: Content, at: int) -> Content:
    """From ``at`` to the end. Raises OSError when scratch space has no room for it."""
    if sample.size - at <= HELD_IN_MEMORY:
        return Content.of_bytes(sample.read(at, sample.size - at))
    spool = Spool()
    while chunk := sample.read(at, CHUNK):
        spool.write(chunk)
        at += len(chunk)
    return spool.finish()


def _closes_as_zip(sample: Content, found: FileType) -> bool:
    place = find_directory(sample)
    if place is None or not place.count or not place.plausible:
        return False
    # The last member of another container, stored as it is, is no side of the whole.
    inside = (found.members and not found.zip) or sample.head(8) == signatures.OLE_MAGIC
    return place.ends == sample.size or not inside


def _first_data(sample: Content) -> int:
    """Where a zip's first member has its data: a document stored there is a member like others."""
    local = read_local(sample, 0)
    return data_at(0, local) if local is not None else -1


def _first_signature(head: bytes, found: FileType) -> Iterator[Side]:
    for at, magic, mime, family, members in signatures.TABLE:
        if at == 0 and head.startswith(magic) and mime != found.mime:
            yield Side(FileType(mime, family, members))
            return
    if head.startswith(b"MZ"):
        yield Side(FileType("application/vnd.microsoft.portable-executable", "executable"))


def _behind_its_beginning(sample: Content, head: bytes) -> Iterator[Side]:
    if is_tar(head) or head[257:262] == b"ustar":
        yield Side(FileType("application/x-tar", "archive", members=True))
    if sample.read(signatures.ISO_AT, 5) == b"CD001":
        yield Side(FileType("application/x-iso9660-image", "disk-image", members=True))


def _packed_behind(sample: Content, check_time: Callable[[], None]) -> Iterator[Side]:
    data, left_out = sample.read(0, SEARCHED), False
    for magic, mime, begins in _PACKED:
        at, tried = data.find(magic, 1), 0
        while at > 0 and tried < CANDIDATES:
            check_time()
            if begins(data[at : at + 64], sample.size - at):
                yield Side(FileType(mime, "archive", members=True), at)
                break
            at, tried = data.find(magic, at + 1), tried + 1
        left_out = left_out or (at > 0 and tried == CANDIDATES)
    if left_out:
        says = f"Only the first {CANDIDATES:,} places that look like the beginning of an archive were tried."
        raise LimitReached("archive-beginnings", says)


def _is_7z(start: bytes, _left: int) -> bool:
    return len(start) >= 32 and zlib.crc32(start[12:32]) == struct.unpack_from("<I", start, 8)[0]


def _is_rar(start: bytes, _left: int) -> bool:
    return start.startswith(b"Rar!\x1a\x07\x01\x00") or (start[6:7] == b"\x00" and start[9:10] == b"\x73")


def _is_cab(start: bytes, left: int) -> bool:
    return len(start) >= 36 and start[24:26] == b"\x03\x01" and 36 <= struct.unpack_from("<I", start, 8)[0] <= left


_PACKED: tuple[tuple[bytes, str, Callable[[bytes, int], bool]], ...] = (
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", _is_7z),
    (b"Rar!\x1a\x07", "application/vnd.rar", _is_rar),
    (b"MSCF\x00\x00\x00\x00", "application/vnd.ms-cab-compressed", _is_cab),
)
