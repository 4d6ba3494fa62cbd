"""One pass over an archive by libarchive: its entries in order, and the bytes of the one it stands at."""

import ctypes
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from caseway_kit.archives import library
from caseway_kit.archives.content import CHUNK, Content
from caseway_kit.archives.library import lib

NAME_KEPT = 1024
MOST_FAILED = 100
PASSED_OVER = 4 * 1024 * 1024
_CHECKSUM = b"Checksum error"
_RAR5 = b"Rar!\x1a\x07\x01\x00"
_UNSUPPORTED = re.compile(rb"(?i)unsupported|not supported|unavailable|cannot be converted")
LARGEST_HOLE = 16 * 1024 * 1024

Filters = Sequence[str] | int
"""Those to choose from as often as they fit; or the number of one to use once, so that what is in it is a member."""
EntryKind = Literal["file", "directory", "link", "other"]


class Unreadable(Exception):
    """The archive, or one of its members, is damaged; what came out before stands.

    ``unsupported``: it may well be whole, but is made in a way that cannot be read here.
    """

    def __init__(self, says: str, *, unsupported: bool = False) -> None:
        super().__init__(says)
        self.unsupported = unsupported


@dataclass(frozen=True)
class Entry:
    index: int
    path: str
    kind: EntryKind
    size: int | None
    encrypted: bool


class Reader:
    """Opens ``content`` as one of ``formats``; raises Unreadable when none of them takes it."""

    def __init__(
        self, content: Content, formats: Sequence[str], filters: Filters = (), password: bytes | None = None
    ) -> None:
        self._content = content  # libarchive reads from its memory
        self._out = 0
        self._waiting = b""
        self._damaged = False
        self._broken = False
        self._readable = False
        self._solid_rar = _is_solid_rar5(content.head(64))
        self._handle = lib.archive_read_new()
        if not self._handle:
            raise MemoryError
        for name in formats:
            getattr(lib, f"archive_read_support_format_{name}")(self._handle)
        if isinstance(filters, int):
            lib.archive_read_append_filter(self._handle, filters)
        else:
            for name in filters:
                getattr(lib, f"archive_read_support_filter_{name}")(self._handle)
        if password is not None:
            lib.archive_read_add_passphrase(self._handle, password)

    def __enter__(self) -> Self:
        if self._content.data is not None:
            code = lib.archive_read_open_memory(self._handle, self._content.data, self._content.size)
        else:
            os.lseek(self._content.fd, 0, os.SEEK_SET)
            code = lib.archive_read_open_fd(self._handle, self._content.fd, CHUNK)
        if code < library.WARN:
            self.__exit__(None, None, None)
            raise Unreadable("the archive cannot be opened")
        return self

    def __exit__(self, _type: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        lib.archive_read_free(self._handle)
        self._handle = None

    @property
    def says_encrypted(self) -> bool:
        """Also where the names are encrypted, so that no entry is seen."""
        return bool(lib.archive_read_has_encrypted_entries(self._handle) == 1)

    @property
    def never_encrypted(self) -> bool:
        """Of a format that knows no encryption, once it stands at an entry."""
        return bool(lib.archive_read_has_encrypted_entries(self._handle) == library.ENCRYPTION_UNSUPPORTED)

    def entries(self) -> Iterator[Entry]:
        """Raises Unreadable where the archive breaks off."""
        entry = ctypes.c_void_p()
        index = failed = 0
        while (code := self._next(entry)) != library.EOF:
            if code == library.FAILED and failed < MOST_FAILED:
                # This entry is lost, those behind it need not be.
                failed += 1
                index += 1
                continue
            if code < library.WARN:
                raise self._unreadable("the archive breaks off")
            self._out, self._waiting, self._damaged = 0, b"", False
            if code != library.RETRY:
                found = _entry(entry, index)
                self._readable = found.kind != "directory" and not found.encrypted
                yield found
            index += 1
        if failed:
            raise self._unreadable("entries are damaged")

    def _next(self, entry: ctypes.c_void_p) -> int:
        if self._solid_rar:
            # The library, asked to pass over a damaged member of such an archive, never comes back.
            passed = 0
            with suppress(Unreadable):
                while self._readable and passed < PASSED_OVER and (chunk := self.read()):
                    passed += len(chunk)
            if self._broken:
                raise self._unreadable("the archive breaks off")
        return int(lib.archive_read_next_header(self._handle, ctypes.byref(entry)))

    def read(self) -> bytes:
        """The next bytes of the entry it stands at, none at its end. Raises Unreadable, after all that came out."""
        if self._handle is None:
            raise ValueError("the archive is closed")
        if self._waiting:
            chunk, self._waiting = self._waiting, b""
            return chunk
        if self._damaged:
            raise self._unreadable("the member is damaged")
        start, size, at = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_int64()
        while True:
            code = lib.archive_read_data_block(self._handle, ctypes.byref(start), ctypes.byref(size), ctypes.byref(at))
            if code == library.EOF:
                return b""
            if code < library.WARN:
                # Where only the checksum is wrong, all was unpacked, and what comes behind can be too.
                self._broken = _CHECKSUM not in (lib.archive_error_string(self._handle) or b"")
                self._readable = False
                raise self._unreadable("the member is damaged")
            # A checksum that is wrong is told together with the last bytes, which count all the same.
            self._damaged = code != library.OK
            if size.value and start.value:
                return self._placed(ctypes.string_at(start.value, size.value), at.value)
            if self._damaged:
                raise self._unreadable("the member is damaged")

    def _unreadable(self, says: str) -> Unreadable:
        why = lib.archive_error_string(self._handle) or b""
        return Unreadable(says, unsupported=_UNSUPPORTED.search(why) is not None)

    def _placed(self, chunk: bytes, at: int) -> bytes:
        """Zeros for the hole before ``chunk``, as a sparse file has; the rest of a large hole is not worth reading."""
        hole = min(max(0, at - self._out), LARGEST_HOLE)
        self._out = max(self._out, at) + len(chunk)
        if hole:
            self._waiting = chunk
            return bytes(hole)
        return chunk


def _is_solid_rar5(head: bytes) -> bool:
    if not head.startswith(_RAR5):
        return False
    numbers = _numbers(head[len(_RAR5) + 4 :])
    _, kind, flags = next(numbers, 0), next(numbers, 0), next(numbers, 0)
    for _ in range((flags & 1) + (flags >> 1 & 1)):
        next(numbers, 0)  # sizes of what comes behind
    return kind == 1 and bool(next(numbers, 0) & 4)


def _numbers(data: bytes) -> Iterator[int]:
    """As RAR 5 writes them."""
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0


def _entry(entry: ctypes.c_void_p, index: int) -> Entry:
    filetype = lib.archive_entry_filetype(entry)
    kind: EntryKind = "other"
    if filetype == library.LINK or lib.archive_entry_hardlink(entry) is not None:
        kind = "link"
    elif filetype == library.DIRECTORY:
        kind = "directory"
    elif filetype in (library.REGULAR, 0):
        kind = "file"
    return Entry(
        index=index,
        path=_name(entry),
        kind=kind,
        size=int(lib.archive_entry_size(entry)) if lib.archive_entry_size_is_set(entry) else None,
        encrypted=bool(lib.archive_entry_is_encrypted(entry)),
    )


def _name(entry: ctypes.c_void_p) -> str:
    utf8 = lib.archive_entry_pathname_utf8(entry)
    raw = utf8 if utf8 is not None else lib.archive_entry_pathname(entry)
    if raw is None:
        return ""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        # What a zip's names are in that does not say so.
        name = raw.decode("cp437")
    return str(name[:NAME_KEPT])
