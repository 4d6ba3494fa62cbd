"""The members of an ambiguous zip that its usual reading leaves out, each as a small zip of its own."""

import struct
from collections.abc import Iterator

from caseway_kit.archives.budget import LimitReached
from caseway_kit.archives.content import Content
from caseway_kit.archives.zipentries import DESCRIPTOR, ENCRYPTED, LOCAL, Entry, data_at, read_local
from caseway_kit.archives.ziplayout import ZipLayout

LARGEST_PIECE = 64 * 1024 * 1024
MOST_BYTES = 512 * 1024 * 1024
_DIRECTORY_MARK = b"PK\x05\x06" + bytes(18)
_ROOM_BEHIND = len(DESCRIPTOR) + 20


def pieces(sample: Content, layout: ZipLayout) -> Iterator[Content]:
    """Every reading of a member on which its header and the directory disagree, then what the directory is silent of.

    Of each piece only the first member counts. Raises LimitReached.
    """
    room = MOST_BYTES
    for piece in _all(sample, layout):
        room -= piece.size
        if room < 0:
            raise LimitReached("other-readings", "Not every way to read this ambiguous zip was followed to its end.")
        yield piece


def _all(sample: Content, layout: ZipLayout) -> Iterator[Content]:
    for entry in layout.disputed:
        yield _as_it_lies(sample, entry.at)
        if not entry.flags & ENCRYPTED:
            yield from _as_listed(sample, entry)
    for at in layout.unlisted:
        yield _as_it_lies(sample, at)


def _as_it_lies(sample: Content, at: int) -> Content:
    """From its header on, which may or may not know how long the member is."""
    local = read_local(sample, at)
    length = LARGEST_PIECE
    if local is not None and not local.sizes_follow:
        length = min(length, data_at(at, local) + local.packed + _ROOM_BEHIND - at)
    return Content.of_bytes(sample.read(at, length))


def _as_listed(sample: Content, entry: Entry) -> Iterator[Content]:
    """The member under each of its names, with nothing but what the directory says of it."""
    local = read_local(sample, entry.at)
    if local is None:
        return
    data = sample.read(data_at(entry.at, local), min(entry.packed, LARGEST_PIECE))
    size = min(entry.unpacked, 0xFFFFFFFE)
    for spoken in dict.fromkeys((*entry.names, *local.names)):
        name = spoken.rstrip(b"/\\") or b"member"
        header = struct.pack("<HHHHHIIIHH", 20, 0, entry.method, 0, 0, entry.crc, len(data), size, len(name), 0)
        yield Content.of_bytes(LOCAL + header + name + data + _DIRECTORY_MARK)
