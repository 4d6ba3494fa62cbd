"""Members of any archive, streamed under the budget; links are named and never followed."""

import ctypes
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from caseway_kit.archives import library
from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import CHUNK, Content
from caseway_kit.archives.filetypes import FileType, detect, is_tar
from caseway_kit.archives.library import lib
from caseway_kit.archives.passwords import candidates
from caseway_kit.archives.signatures import ZIP_MAGICS
from caseway_kit.archives.ziplayout import ZipLayout, ends_as_zip, read_layout

NAME_KEPT = 1024
VERIFIED_BYTES = 4 * 1024 * 1024
READ_BLOCK = 128 * 1024

_ONE_STREAM = {
    "application/gzip": (".gz", ".tgz"),
    "application/x-bzip2": (".bz2", ".tbz2"),
    "application/x-xz": (".xz", ".txz"),
    "application/zstd": (".zst", ".tzst"),
    "application/x-lz4": (".lz4",),
    "application/x-lzip": (".lz",),
    "application/x-lzma": (".lzma",),
    "application/x-compress": (".Z",),
}

MemberKind = Literal["file", "directory", "link", "other"]


class NotAnArchive(Exception):
    """The bytes are of no archive format that can be read."""


class PasswordNeeded(Exception):
    """No password that was tried opens the archive; ``supported`` is False where none could."""

    def __init__(self, *, tried: int, supported: bool = True) -> None:
        super().__init__("no password opens the archive")
        self.tried = tried
        self.supported = supported


class Unreadable(Exception):
    """The archive, or one of its members, is damaged; what came out before stands."""


@dataclass(frozen=True)
class Member:
    """One entry. ``path`` is a name for people, never a place; ``chunks`` works until the next member is asked for."""

    index: int
    path: str
    kind: MemberKind
    size: int | None
    encrypted: bool
    _archive: "Archive" = field(repr=False, compare=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, counted against the budget. Raises PasswordNeeded, Unreadable or LimitReached on the way."""
        return self._archive.read_member(self)


class Archive:
    """An open archive; made by :func:`open_archive`."""

    def __init__(self, sample: Content, found: FileType, budget: Budget, *, name: str = "") -> None:
        self._sample = sample
        self._budget = budget
        self._raw_name = _inner_name(name, found.mime) if found.mime in _ONE_STREAM else None
        self._buffer = ctypes.create_string_buffer(READ_BLOCK)
        self._typed: bytes | None = None
        self.type = found
        self.opened_with: str | None = None
        self.encrypted = False
        self.tried = 0
        self._zip = ends_as_zip(sample) or sample.head(4) in ZIP_MAGICS
        self._tar_inside: bool | None = None
        self.layout = read_layout(sample, budget.limits.listed) if self._zip else ZipLayout()

    @property
    def ambiguous(self) -> tuple[str, ...]:
        """Why different readers would take different members out of this zip; empty if they would not."""
        return self.layout.oddities

    def members(self) -> Iterator[Member]:
        """Each entry in the archive's order. Raises Unreadable where it breaks off, LimitReached at its cap."""
        if self.layout.empty:
            return
        seen, broken = 0, None
        try:
            with self._reader(self._typed) as handle:
                for member in self._walk(handle, first=0):
                    seen = member.index + 1
                    yield member
        except Unreadable as error:
            broken = error
        if self._zip and (broken or self.ambiguous):
            for member in self._by_local_headers(seen):
                seen = member.index + 1
                yield member
        if broken is not None:
            raise broken

    def _by_local_headers(self, first: int) -> Iterator[Member]:
        """What a reader that ignores the directory would see; the caller tells repeats by their content."""
        try:
            with self._reader(self._typed, library.ZIP_LOCAL_HEADERS) as handle:
                yield from self._walk(handle, first=first)
        except Unreadable:
            # The directory's side is what counts as broken or not.
            return

    def read_member(self, member: Member) -> Iterator[bytes]:
        locked = member.encrypted and self._typed is None
        if locked:
            raise PasswordNeeded(tried=self.tried)
        return self._read(member.encrypted)

    def try_passwords(self, passwords: Sequence[str]) -> None:
        """Find the password by reading the smallest encrypted member to its checksum.

        ZipCrypto's own check is one byte: it takes one wrong password in 256 for right.
        """
        if self.layout.empty:
            return
        target = self._smallest_encrypted()
        if target is None:
            return
        self.encrypted = True
        limits = self._budget.limits
        started = time.monotonic()
        if not self._zip:
            raise PasswordNeeded(tried=0, supported=False)
        for word, typed in candidates(passwords):
            if self.tried >= limits.password_tries or time.monotonic() - started > limits.password_seconds:
                break
            self.tried += 1
            if self._opens(target, typed):
                self.opened_with, self._typed = word, typed
                return
        raise PasswordNeeded(tried=self.tried)

    def _smallest_encrypted(self) -> int | None:
        """Index of the member to try on. One of no bytes has no checksum worth the name."""
        best: tuple[bool, int, int] | None = None
        with self._reader(None) as handle:
            try:
                for member in self._walk(handle, first=0, counted=False):
                    if member.encrypted and member.kind == "file":
                        size = member.size if member.size is not None else 1 << 62
                        best = min(best or (True, 1 << 63, 0), (size < 4, size, member.index))
                    if member.index >= self._budget.limits.listed:
                        break
            except Unreadable:
                # Members after the damage are lost either way.
                pass
            if best is None and lib.archive_read_has_encrypted_entries(handle) == 1:
                return 0
        return None if best is None else best[2]

    def _opens(self, target: int, typed: bytes) -> bool:
        with self._reader(typed) as handle:
            try:
                for member in self._walk(handle, first=0, counted=False):
                    if member.index == target:
                        return self._verify(handle)
            except Unreadable:
                return False
        return False

    def _verify(self, handle: int) -> bool:
        total = 0
        while (count := lib.archive_read_data(handle, self._buffer, READ_BLOCK)) > 0:
            total += count
            if total >= VERIFIED_BYTES:
                return True
        return bool(count == 0)

    def _walk(self, handle: int, *, first: int, counted: bool = True) -> Iterator[Member]:
        self._handle = handle
        entry = ctypes.c_void_p()
        index = first
        while True:
            code = lib.archive_read_next_header(handle, ctypes.byref(entry))
            if code == library.EOF:
                return
            if code < library.WARN:
                raise Unreadable("the archive breaks off")
            if counted:
                self._budget.check_listed(index)
                self._budget.check_time()
            if code != library.RETRY:
                yield self._member(entry, index)
            index += 1

    def _member(self, entry: ctypes.c_void_p, index: int) -> Member:
        filetype = lib.archive_entry_filetype(entry)
        kind: MemberKind = "other"
        if filetype == library.LINK or lib.archive_entry_hardlink(entry) is not None:
            kind = "link"
        elif filetype == library.DIRECTORY:
            kind = "directory"
        elif filetype in (library.REGULAR, 0):
            kind = "file"
        return Member(
            index=index,
            path=self._raw_name or _name(entry) or f"member {index}",
            kind=kind,
            size=int(lib.archive_entry_size(entry)) if lib.archive_entry_size_is_set(entry) else None,
            encrypted=bool(lib.archive_entry_is_encrypted(entry)),
            _archive=self,
        )

    def _read(self, encrypted: bool) -> Iterator[bytes]:
        handle, got_any = self._handle, False
        while True:
            count = lib.archive_read_data(handle, self._buffer, READ_BLOCK)
            if count == 0:
                return
            if count < 0:
                if encrypted and not got_any:
                    raise PasswordNeeded(tried=self.tried)
                raise Unreadable("the member is damaged")
            got_any = True
            self._budget.spend_bytes(count)
            yield self._buffer.raw[:count] if count == READ_BLOCK else ctypes.string_at(self._buffer, count)

    @contextmanager
    def _reader(self, typed: bytes | None, formats: Sequence[str] = ()) -> Iterator[int]:
        handle = lib.archive_read_new()
        if not handle:
            raise MemoryError
        try:
            for name in formats or self._formats():
                getattr(lib, f"archive_read_support_format_{name}")(handle)
            for name in () if self._zip else library.FILTERS:
                getattr(lib, f"archive_read_support_filter_{name}")(handle)
            if typed is not None:
                lib.archive_read_add_passphrase(handle, typed)
            if self._sample.data is not None:
                code = lib.archive_read_open_memory(handle, self._sample.data, self._sample.size)
            else:
                os.lseek(self._sample.fd, 0, os.SEEK_SET)
                code = lib.archive_read_open_fd(handle, self._sample.fd, CHUNK)
            if code < library.WARN:
                raise Unreadable("the archive cannot be opened")
            yield handle
        finally:
            lib.archive_read_free(handle)

    def _formats(self) -> tuple[str, ...]:
        if self._zip:
            return library.ZIP_DIRECTORY
        if self._raw_name is None:
            return library.FORMATS
        # Asked by its signature: to the library every stream of zeros is an empty tar.
        if self._tar_inside is None:
            self._tar_inside = False
            with self._reader(None) as handle:
                entry = ctypes.c_void_p()
                if lib.archive_read_next_header(handle, ctypes.byref(entry)) == library.OK:
                    count = max(0, lib.archive_read_data(handle, self._buffer, 512))
                    self._tar_inside = is_tar(self._buffer.raw[:count])
            if self._tar_inside:
                self._raw_name = None
        return library.FORMATS if self._tar_inside else library.RAW


@contextmanager
def open_archive(
    sample: Content, *, budget: Budget, passwords: Sequence[str] = (), name: str = "", found: FileType | None = None
) -> Iterator[Archive]:
    """An archive with its password found. Raises NotAnArchive, PasswordNeeded or Unreadable.

    With ``PasswordNeeded`` the members can't be read; their names are told by :func:`list_locked`.
    """
    archive = _archive(sample, budget, name, found)
    archive.try_passwords(passwords)
    yield archive


def open_members(sample: Content, *, budget: Budget, passwords: Sequence[str] = (), name: str = "") -> Iterator[Member]:
    """The members of an archive, for a caller that needs nothing else of it."""
    with open_archive(sample, budget=budget, passwords=passwords, name=name) as archive:
        yield from archive.members()


def list_locked(sample: Content, *, budget: Budget, name: str = "") -> Iterator[Member]:
    """The members' names of an archive that no password opened, where its directory is not encrypted too."""
    yield from _archive(sample, budget, name, None).members()


def _archive(sample: Content, budget: Budget, name: str, found: FileType | None) -> Archive:
    found = found or detect(sample, name)
    if not found.members:
        raise NotAnArchive(found.mime)
    return Archive(sample, found, budget, name=name)


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


def _inner_name(name: str, mime: str) -> str:
    """The name of what a single compressed stream holds."""
    for suffix in _ONE_STREAM[mime]:
        if name.lower().endswith(suffix.lower()) and len(name) > len(suffix):
            inner = name[: -len(suffix)]
            return inner + ".tar" if suffix.startswith(".t") else inner
    return name or "content"
