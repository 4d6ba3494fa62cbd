"""Bytes under analysis, wherever they lie: in memory while they are few, else behind an open descriptor.

A file is read by its descriptor only. Inside the sandbox nothing can be opened by a path, and no name that a sender
chose ever becomes one.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol, Self
from weakref import WeakSet

CHUNK = 256 * 1024
HELD_IN_MEMORY = 8 * 1024 * 1024
HELD_ON_DISK = 90 * 1024 * 1024
"""By all spools of this process together: less than what ends a child of the sandbox, with all that it has found."""

_on_disk: "WeakSet[IO[bytes]]" = WeakSet()


class Opened(Protocol):
    """An open file as the sandbox hands it over."""

    fd: int


class Content:
    """A finished run of bytes that can be read again and again; exactly one of ``data`` and ``fd`` is set."""

    def __init__(self, *, data: bytes | None = None, fd: int = -1, file: IO[bytes] | None = None) -> None:
        self.data = data
        self.fd = fd
        self._file = file  # keeps the descriptor open
        self.size = os.fstat(fd).st_size if data is None else len(data)

    @classmethod
    def of_bytes(cls, data: bytes) -> "Content":
        return cls(data=data)

    @classmethod
    def of_fd(cls, fd: int) -> "Content":
        """Of an open file that the caller closes; a small one is read at once."""
        content = cls(fd=fd)
        return cls(data=content.read(0, content.size)) if content.size <= HELD_IN_MEMORY else content

    @classmethod
    def of(cls, source: Opened | str | Path) -> "Content":
        return cls.of_path(source) if isinstance(source, str | Path) else cls.of_fd(source.fd)

    @classmethod
    def of_path(cls, path: str | Path) -> "Content":
        return cls.of_file(Path(path).open("rb"))

    @classmethod
    def of_file(cls, file: IO[bytes]) -> "Content":
        """Of a file that is closed with the content."""
        content = cls(fd=file.fileno(), file=file)
        if content.size > HELD_IN_MEMORY:
            return content
        with file:
            return cls(data=content.read(0, content.size))

    def chunks(self) -> Iterator[bytes]:
        start = 0
        while chunk := self.read(start, CHUNK):
            start += len(chunk)
            yield chunk

    def read(self, start: int, count: int) -> bytes:
        if self.data is not None:
            return self.data[start : start + count]
        parts: list[bytes] = []
        while count > 0 and (part := os.pread(self.fd, count, start)):
            parts.append(part)
            start += len(part)
            count -= len(part)
        return b"".join(parts)

    def head(self, count: int = 8192) -> bytes:
        return self.read(0, count)

    def tail(self, count: int) -> bytes:
        return self.read(max(0, self.size - count), count)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Spool:
    """Takes bytes as they come out and ends as a :class:`Content`; large ones go to a file without a name."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._chunks: list[bytes] = []
        self._held = 0
        self._file: IO[bytes] | None = None

    def write(self, chunk: bytes) -> None:
        """Raises OSError when scratch space has no room for more."""
        if self._file is not None:
            _check_room(len(chunk))
            self._file.write(chunk)
            return
        self._chunks.append(chunk)
        self._held += len(chunk)
        if self._held > HELD_IN_MEMORY:
            _check_room(self._held)
            # Nameless from the start, so that a child that is killed leaves nothing behind.
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - the content closes it
            _on_disk.add(self._file)
            for held in self._chunks:
                self._file.write(held)
            self._chunks = []

    def finish(self) -> Content:
        return Content.of_bytes(b"".join(self._chunks)) if self._file is None else Content.of_file(self._file)

    def discard(self) -> None:
        self._chunks = []
        if self._file is not None:
            self._file.close()


def _check_room(count: int) -> None:
    held = sum(os.fstat(file.fileno()).st_size for file in _on_disk if not file.closed)
    if held + count > HELD_ON_DISK:
        raise OSError(errno.ENOSPC, "no room for more on the disk")
