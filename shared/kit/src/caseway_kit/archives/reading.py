"""Members of any archive, streamed under the budget; links are named and never followed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from caseway_kit.archives import library
from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.filetypes import FileType, detect, is_tar
from caseway_kit.archives.passwords import Keys, PasswordNeeded, opens_member, smallest_encrypted
from caseway_kit.archives.reader import Entry, EntryKind, Filters, Reader, Unreadable
from caseway_kit.archives.signatures import ONE_STREAM, RPM
from caseway_kit.archives.unlocking import Anew, open_anew
from caseway_kit.archives.ziplayout import ZipLayout, read_layout
from caseway_kit.archives.zippieces import pieces


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
    locked: bool
    """Whether it is to be decrypted still."""
    place: int | None
    """Where the usual reading of the archive finds it; None in another reading."""
    _archive: "Archive" = field(repr=False, compare=False)
    _reader: Reader = field(repr=False, compare=False)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, counted against the budget. Raises PasswordNeeded, Unreadable or LimitReached on the way."""
        return self._archive.read(self, self._reader)


class Archive:
    """An open archive; made by :func:`open_archive`."""

    def __init__(self, content: Content, found: FileType, budget: Budget, *, name: str = "") -> None:
        self._content = content
        self._budget = budget
        self._typed: bytes | None = None
        self._is_zip = found.zip
        self.type = found
        self.opened_with: str | None = None
        self.encrypted = False
        self._keys: Keys | None = None
        self._anew: Anew | None = None
        self.layout = read_layout(content, budget.limits.listed) if self._is_zip else ZipLayout()
        self._only_name = ""
        self._formats: tuple[str, ...] = library.ZIP_DIRECTORY if self._is_zip else library.FORMATS
        self._filters: Filters = library.FILTERS if found.mime == RPM else ()
        if not self._is_zip and found.mime in ONE_STREAM:
            self._filters, suffixes = ONE_STREAM[found.mime]
            if not self._holds_tar():
                self._formats = library.RAW
                self._only_name = _inner_name(name, suffixes)

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
            for member in self._walk(self._content, self._formats, first=0):
                seen = member.index + 1
                yield member
        except Unreadable as error:
            broken = error
        if self._is_zip and (broken or self.ambiguous):
            yield from self._other_readings(first=seen)
        if broken is not None:
            raise broken

    def _other_readings(self, *, first: int) -> Iterator[Member]:
        """What other readers see; the caller tells repeats by their content, and damage is the directory's to state."""
        with suppress(Unreadable):
            for member in self._walk(self._content, library.ZIP_LOCAL_HEADERS, first=first):
                first = member.index + 1
                yield member
        for piece in pieces(self._content, self.layout):
            with suppress(Unreadable):
                for member in self._walk(piece, library.ZIP_LOCAL_HEADERS, first=first):
                    first = member.index + 1
                    yield member
                    break

    def unlock(self, keys: Keys) -> None:
        """Raises PasswordNeeded when all of it is encrypted and no password opens it."""
        if self.layout.empty:
            return
        target, any_open = self._encrypted_member()
        if target is None:
            return
        self.encrypted = True
        self._keys = keys
        if not self._is_zip:
            self._anew = open_anew(self._content, self._formats, keys, self._budget, target, any_open=any_open)
            if self._anew is not None:
                self._content, self.opened_with = self._anew.content, self._anew.word
            return
        try:
            self.opened_with, self._typed = keys.find(opens_member(self._open, target))
        except PasswordNeeded:
            if not any_open and not self.layout.disputed:
                raise

    def _encrypted_member(self) -> tuple[int | None, bool]:
        """Which one to try passwords on, and whether others are open."""
        try:
            return smallest_encrypted(self._open, self._budget.limits.listed)
        except Unreadable:
            if not self._is_zip or not (self.layout.entries or self.layout.unlisted):
                raise
        # Without a directory that can be read, what the members' own headers say still can.
        self._formats = library.ZIP_LOCAL_HEADERS
        with suppress(Unreadable):
            return smallest_encrypted(self._open, self._budget.limits.listed)
        return None, True

    @property
    def tried(self) -> int:
        return self._keys.tried if self._keys else 0

    def read(self, member: "Member", reader: Reader) -> Iterator[bytes]:
        """The bytes of ``member``, at which ``reader`` stands."""
        if not member.locked:
            yield from self._counted(reader)
            return
        if self._keys is None:
            raise PasswordNeeded(tried=0, supported=False)
        if not self._is_zip:
            raise self._keys.needed()
        first = b""
        if self._typed is not None:
            with suppress(Unreadable):
                if not (first := reader.read()):
                    return
        if first:
            self._budget.spend_bytes(len(first))
            yield first
            yield from self._counted(reader)
        elif member.place is None:
            raise self._keys.needed()
        else:
            # Members of one zip can have passwords of their own.
            _, typed = self._keys.find(opens_member(self._open, member.place))
            with self._open(typed) as own:
                for entry in own.entries():
                    if entry.index == member.place:
                        yield from self._counted(own)
                        return

    def _counted(self, reader: Reader) -> Iterator[bytes]:
        while chunk := reader.read():
            self._budget.spend_bytes(len(chunk))
            yield chunk

    def _walk(self, content: Content, formats: Sequence[str], *, first: int) -> Iterator[Member]:
        with Reader(content, formats, self._filters, self._typed) as reader:
            for entry in reader.entries():
                index = first + entry.index
                self._budget.check_listed(index)
                self._budget.check_time()
                path = self._only_name or entry.path or f"member {index}"
                place = entry.index if formats is self._formats and content is self._content else None
                yield Member(
                    index,
                    path,
                    entry.kind,
                    entry.size,
                    self._was_encrypted(entry),
                    entry.encrypted,
                    place,
                    self,
                    reader,
                )

    def _was_encrypted(self, entry: Entry) -> bool:
        return entry.encrypted or (self._anew is not None and self._anew.was_encrypted(entry.index))

    def _open(self, typed: bytes | None) -> Reader:
        return Reader(self._content, self._formats, self._filters, typed)

    def _holds_tar(self) -> bool:
        """Asked by its signature: to the library every stream of zeros is an empty tar."""
        try:
            with Reader(self._content, library.RAW, self._filters) as reader:
                return any(is_tar(reader.read()[:512]) for _ in reader.entries())
        except Unreadable:
            return False


@contextmanager
def open_archive(
    content: Content,
    *,
    budget: Budget,
    passwords: Sequence[str] = (),
    guesses: Sequence[str] = (),
    name: str = "",
    found: FileType | None = None,
) -> Iterator[Archive]:
    """An archive with its password found. Raises NotAnArchive, PasswordNeeded or Unreadable.

    ``passwords`` are the customer's, ``guesses`` are tried after them.
    With PasswordNeeded the members can't be read; their names are told by :func:`list_locked`.
    """
    archive = _archive(content, budget, name, found)
    archive.unlock(Keys(passwords, guesses, budget.limits))
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


def _inner_name(name: str, suffixes: Sequence[str]) -> str:
    """The name of what a single compressed stream holds."""
    for suffix in suffixes:
        if name.lower().endswith(suffix.lower()) and len(name) > len(suffix):
            inner = name[: -len(suffix)]
            return inner + ".tar" if suffix.startswith(".t") else inner
    return name or "content"
