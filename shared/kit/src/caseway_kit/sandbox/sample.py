import io
import mmap
import os
import tempfile
from pathlib import Path


class Sample:
    """The bytes under analysis, as a parser gets them: read-only, by an open descriptor, never by their own path."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = os.fstat(fd).st_size

    def open(self) -> io.BufferedReader:
        """A file object with a position of its own; any number may be open."""
        return io.BufferedReader(_Window(self.fd))

    def read(self, size: int = -1, offset: int = 0) -> bytes:
        end = self.size if size < 0 else min(self.size, offset + size)
        parts = []
        while offset < end and (part := os.pread(self.fd, min(end - offset, 1 << 24), offset)):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def map(self) -> mmap.mmap | bytes:
        """The whole sample as a buffer that costs no memory of the budget."""
        return mmap.mmap(self.fd, 0, prot=mmap.PROT_READ) if self.size else b""

    def copy(self) -> Path:
        """A copy in the scratch folder, for a library that insists on a path; it counts as written bytes."""
        path = Path(tempfile.gettempdir()) / f"sample-{self.fd}"
        with path.open("wb") as copy:
            offset = 0
            while offset < self.size and (sent := os.sendfile(copy.fileno(), self.fd, offset, self.size - offset)):
                offset += sent
        return path


class _Window(io.RawIOBase):
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if position < 0:
            raise OSError(22, "negative seek position")
        self._position = position
        return position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed's Buffer is 3.12's
        count = os.preadv(self._fd, [buffer], self._position)
        self._position += count
        return count
