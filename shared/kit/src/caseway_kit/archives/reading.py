"""Members of any archive, streamed under the budget; links are named and never followed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from caseway_kit.archives import library
from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.filetypes import FileType, detect, is_tar
from caseway_kit.archives.passwords import PasswordNeeded, find_password, smallest_encrypted
from caseway_kit.archives.reader import EntryKind, Reader, Unreadable
from caseway_kit.archives.signatures import ONE_STREAM, ZIP_MAGICS
from caseway_kit.archives.ziplayout import ZipLayout, ends_as_zip, read_layout


class NotAnArchive(Exception):
    """The bytes are of no archive format that can be read."""


@dataclass(frozen=True)
class Member:
    """One entry. ``path`` is a name for people, never a place; ``chunks`` works until the next member is asked for."""

    index: int
    path: str
    kind: EntryKind
    size: int | None
    encrypted: bool
    _archive: "Archive" = field(repr=False, compare=False)
    _reader: Reader = field(repr=False, compare=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, counted against the budget. Raises PasswordNeeded, Unreadable or LimitReached on the way."""
        return self._archive.read(self._reader, encrypted=self.encrypted)


class Archive:
    """An open archive; made by :func:`open_archive`."""

    def __init__(self, content: Content, found: FileType, budget: Budget, *, name: str = "") -> None:
        self._content = content
        self._budget = budget
        self._typed: bytes | None = None
        self._is_zip = ends_as_zip(content) or content.head(4) in ZIP_MAGICS
        self.type = found
        self.opened_with: str | None = None
        self.encrypted = False
        self.tried = 0
        self.layout = read_layout(content, budget.limits.listed) if self._is_zip else ZipLayout()
        self._only_name = ""
        self._formats: tuple[str, ...] = library.ZIP_DIRECTORY if self._is_zip else library.FORMATS
        if not self._is_zip and found.mime in ONE_STREAM and not self._holds_tar():
            self._formats = library.RAW
            self._only_name = _inner_name(name, found.mime)

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
            for member in self._walk(self._formats, first=0):
                seen = member.index + 1
                yield member
        except Unreadable as error:
            broken = error
        if self._is_zip and (broken or self.ambiguous):
            # What a reader sees that ignores the directory; the caller tells repeats by their content, and whether
            # the zip is broken is the directory's side to say.
            with suppress(Unreadable):
                yield from self._walk(library.ZIP_LOCAL_HEADERS, first=seen)
        if broken is not None:
            raise broken

    def unlock(self, passwords: Sequence[str]) -> None:
        """Raises PasswordNeeded when the archive is encrypted and no password opens it."""
        if self.layout.empty:
            return
        limits = self._budget.limits
        target = smallest_encrypted(self._open, limits.listed)
        if target is None:
            return
        self.encrypted = True
        if not self._is_zip:
            raise PasswordNeeded(tried=0, supported=False)
        self.opened_with, self._typed, self.tried = find_password(self._open, target, passwords, limits)

    def read(self, reader: Reader, *, encrypted: bool) -> Iterator[bytes]:
        if encrypted and self._typed is None:
            raise PasswordNeeded(tried=self.tried)
        return self._read(reader, encrypted=encrypted)

    def _read(self, reader: Reader, *, encrypted: bool) -> Iterator[bytes]:
        got_any = False
        try:
            while chunk := reader.read():
                got_any = True
                self._budget.spend_bytes(len(chunk))
                yield chunk
        except Unreadable as error:
            if encrypted and not got_any:
                raise PasswordNeeded(tried=self.tried) from error
            raise

    def _walk(self, formats: Sequence[str], *, first: int) -> Iterator[Member]:
        with Reader(self._content, formats, self._filters, self._typed) as reader:
            for entry in reader.entries():
                index = first + entry.index
                self._budget.check_listed(index)
                self._budget.check_time()
                path = self._only_name or entry.path or f"member {index}"
                yield Member(index, path, entry.kind, entry.size, entry.encrypted, self, reader)

    def _open(self, typed: bytes | None) -> Reader:
        return Reader(self._content, self._formats, self._filters, typed)

    @property
    def _filters(self) -> tuple[str, ...]:
        return () if self._is_zip else library.FILTERS

    def _holds_tar(self) -> bool:
        """Asked by its signature: to the library every stream of zeros is an empty tar."""
        try:
            with Reader(self._content, library.RAW, library.FILTERS) as reader:
                return any(is_tar(reader.read()[:512]) for _ in reader.entries())
        except Unreadable:
            return False


@contextmanager
def open_archive(
    content: Content, *, budget: Budget, passwords: Sequence[str] = (), name: str = "", found: FileType | None = None
) -> Iterator[Archive]:
    """An archive with its password found. Raises NotAnArchive, PasswordNeeded or Unreadable.

    With PasswordNeeded the members can't be read; their names are told by :func:`list_locked`.
    """
    archive = _archive(content, budget, name, found)
    archive.unlock(passwords)
    yield archive


def open_members(
    content: Content, *, budget: Budget, passwords: Sequence[str] = (), name: str = ""
) -> Iterator[Member]:
    """The members of an archive, for a caller that needs nothing else of it."""
    with open_archive(content, budget=budget, passwords=passwords, name=name) as archive:
        yield from archive.members()


def list_locked(content: Content, *, budget: Budget, name: str = "") -> Iterator[Member]:
    """The members' names of an archive that no password opened, where its directory is not encrypted too."""
    yield from _archive(content, budget, name, None).members()


def _archive(content: Content, budget: Budget, name: str, found: FileType | None) -> Archive:
    found = found or detect(content, name)
    if not found.members:
        raise NotAnArchive(found.mime)
    return Archive(content, found, budget, name=name)


def _inner_name(name: str, mime: str) -> str:
    """The name of what a single compressed stream holds."""
    for suffix in ONE_STREAM[mime]:
        if name.lower().endswith(suffix.lower()) and len(name) > len(suffix):
            inner = name[: -len(suffix)]
            return inner + ".tar" if suffix.startswith(".t") else inner
    return name or "content"
