"""Where samples lie while they are looked at: a folder of this process alone, without names or extensions."""

import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TextIO

from caseway_contracts.base import ObjectRef
from caseway_kit.errors import OutageError
from caseway_kit.objects import Objects

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LOCK = ".in-use"


class Scratch:
    """Made at the start, with what killed processes left behind swept away; removed at the end."""

    def __init__(self, root: Path, objects: Objects) -> None:
        self._objects = objects
        root.mkdir(mode=0o711, parents=True, exist_ok=True)
        if root.stat().st_uid != os.geteuid():
            raise PermissionError(f"the scratch folder {root} belongs to somebody else")
        _sweep(root)
        self.folder, self._lock = _take_folder(root)
        self.folder.chmod(0o711)  # the sandbox's users pass through it to their own folders

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    @asynccontextmanager
    async def fetched(self, ref: ObjectRef) -> AsyncIterator[Path]:
        """The object as a file with its hash checked; raises ObjectMissing, ObjectDamaged and OutageError."""
        path = self.folder / secrets.token_hex(16)
        try:
            await self._fetch(ref, path)
            yield path
        finally:
            path.unlink(missing_ok=True)

    async def _fetch(self, ref: ObjectRef, path: Path) -> None:
        try:
            await self._objects.fetch(ref.key, path, ref.sha256)
        except OSError as error:
            if error.errno in _FULL:
                raise OutageError("scratch space", "it is full") from error
            raise


def _take_folder(root: Path) -> tuple[Path, TextIO]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=root))
        # Another process that starts may sweep it, until its lock is held.
        with suppress(FileNotFoundError):
            lock = (folder / _LOCK).open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_in_place(lock, folder / _LOCK):
                return folder, lock
            lock.close()


def _is_in_place(lock: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sweep(root: Path) -> None:
    for folder in root.glob("run-*"):
        # One without a lock file is being made at this moment, or was left so: the next start will know.
        with suppress(OSError), (folder / _LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
