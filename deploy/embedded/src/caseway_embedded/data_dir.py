import fcntl
import json
import os
import random
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

# Below the kernel's range for outgoing connections (32768 and up), so that a remembered port is
# seldom taken by somebody's client when the system starts again.
PORTS = range(20_000, 32_000)


class StackError(Exception):
    """Something that stops the stack and that its user can do something about; the message says what."""


def default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("caseway"))


def cache_dir() -> Path:
    chosen = os.environ.get("CASEWAY_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("caseway"))


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
    Path(name).replace(path)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class DataDir:
    """Where one embedded system keeps everything that has to survive a restart."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def __truediv__(self, name: str) -> Path:
        return self.root / name

    def create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for name in ("logs", "mailbox", "objects", "rules"):
            (self.root / name).mkdir(exist_ok=True)

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    def folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def emptied(self, name: str) -> Path:
        """A folder without what a kill -9 left in it."""
        shutil.rmtree(self.root / name, ignore_errors=True)
        return self.folder(name)

    # One supervisor a data folder. The kernel drops the lock with the process, so none goes stale.

    @contextmanager
    def locked(self) -> Iterator[None]:
        self.create()
        file = (self.root / "lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StackError(self.in_use_by(self.holder())) from None
        with file:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for what services take apart, outside of this one: a parser runs as a user without rights,
        and this folder, or the home above it, may be closed to everybody else."""
        note = self.root / "scratch"
        if note.exists():  # what a kill -9 left
            shutil.rmtree(note.read_text(), ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="caseway-scratch-"))
        folder.chmod(0o711)
        write_atomically(note, str(folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            note.unlink(missing_ok=True)

    def in_use_by(self, holder: int | None) -> str:
        return (
            f"{self.root} is in use by process {holder or 'unknown'}. See it with `caseway status`, "
            "stop it with `caseway down`, or choose another folder with --data."
        )

    def holder(self) -> int | None:
        """The process that holds this folder, or None when nobody does."""
        path = self.root / "lock"
        if not path.exists():
            return None
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return int(text) if text else None
        return None

    def port(self, name: str, *, wanted: int | None = None) -> int:
        """The port that ``name`` had before, so that addresses stay the same over restarts; a free one at first."""
        known = self.read_json("ports.json")
        remembered = wanted or known.get(name)
        if remembered and (wanted or self._becomes_free(remembered)):
            port = int(remembered)
        else:
            port = self._free_port(set(known.values()))
        if known.get(name) != port:
            write_atomically(self.root / "ports.json", json.dumps(known | {name: port}, indent=2))
        return port

    def _free_port(self, taken: set[int]) -> int:
        while True:
            port = random.choice(PORTS)  # noqa: S311 - not a secret
            if port not in taken and port_is_free(port):
                return port

    def _becomes_free(self, port: int, patience: float = 3) -> bool:
        # After a kill -9 of a supervisor the kernel needs a moment to take its children's ports back.
        deadline = time.monotonic() + patience
        while not port_is_free(port):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def secret(self, name: str) -> str:
        """A password made at first use and kept where only this user can read it."""
        known = self.read_json("secrets.json")
        if name not in known:
            known[name] = secrets.token_urlsafe(24)
            write_atomically(self.root / "secrets.json", json.dumps(known, indent=2), mode=0o600)
        return str(known[name])

    def read_json(self, name: str) -> dict[str, Any]:
        path = self.root / name
        return json.loads(path.read_text()) if path.exists() else {}

    def write_state(self, state: dict[str, Any]) -> None:
        write_atomically(self.root / "state.json", json.dumps(state, indent=2))

    def state(self) -> dict[str, Any]:
        return self.read_json("state.json")
