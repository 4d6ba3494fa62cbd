"""The kernel's own word (inotify) on what happens in folders while somebody else works."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Self

# Modified, attributes, closed after writing, moved away and here, made, removed; and of what is ours alone, opened.
_CHANGED = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200
_OPENED = 0x1 | 0x20
_OVERFLOW = 0x4000


class FolderWatch:
    """``ours``: folders of nobody else, with all in them, where opening is told too; ``shared``: only what changes."""

    def __init__(self, *, ours: Iterable[Path], shared: Iterable[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watched: dict[int, Path] = {}
        for path in shared:
            self._watch(path, _CHANGED)
        for folder in ours:
            for path in (folder, *folder.rglob("*")):
                self._watch(path, _CHANGED | _OPENED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def seen(self) -> list[Path]:
        """Since it was asked last."""
        found = []
        while events := self._read():
            while events:
                number, mask, _, length = struct.unpack("iIII", events[:16])
                assert not mask & _OVERFLOW
                name = events[16 : 16 + length].rstrip(b"\x00")
                found.append(self._watched[number] / os.fsdecode(name))
                events = events[16 + length :]
        return found

    def _watch(self, path: Path, mask: int) -> None:
        number = self._libc.inotify_add_watch(self._fd, os.fsencode(path), mask)
        if number < 0:
            raise OSError(ctypes.get_errno(), "cannot be watched", str(path))
        self._watched[number] = path

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return b""
