"""The parent's side of the zygote: starts it, asks it for children, hears of their ends."""

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caseway_kit.sandbox import scratch
from caseway_kit.sandbox.budget import Budget
from caseway_kit.sandbox.deadline import within
from caseway_kit.sandbox.errors import SandboxUnavailable
from caseway_kit.sandbox.wire import LENGTH_BYTES, MESSAGE_BYTES, NotPlain, pack, read_length, unpack

# A module to import, or a function to call with plain arguments, before the children are made.
Preload = str | Sequence[str]

_PREPARE_SECONDS = 180
_START_SECONDS = 20
# OpenMP (of libarchive's BLAKE2) would bind its threads to cores, which no child may, and have them spin between jobs.
_OPENMP = {"KMP_AFFINITY": "disabled", "KMP_BLOCKTIME": "0", "OMP_STACKSIZE": "256K"}
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "MALLOC_ARENA_MAX": "2", **_OPENMP}
_numbers = itertools.count()


@dataclass
class Worker:
    pid: int
    connection: socket.socket
    folder: Path
    isolation: dict[str, Any]
    exited: asyncio.Future[int | None]  # minus the signal's number; None when nobody can know any more
    kill: Callable[[], None]
    zygote: "ZygoteProcess"
    jobs: int = 0
    cpu_when_idle: float = 0

    @property
    def alive(self) -> bool:
        return not self.exited.done()


class ZygoteProcess:
    def __init__(
        self, *, scratch_root: Path, paths: list[str], preload: list[Preload], ceiling: Budget, skip: frozenset[str]
    ) -> None:
        number = next(_numbers)
        self.folder = scratch_root / f"sandbox-{os.getpid()}-{number}"
        self._settings = {
            "folder": str(self.folder),
            "paths": paths,
            "preload": preload,
            "ceiling": ceiling.plain(),
            "skip": sorted(skip),
            # Different for every sandbox on a machine, so that children of one are strangers to those of another.
            "first_uid": ((os.getpid() << 8) + (number << 6)) % (1 << 29),
        }
        self._starting: dict[int, asyncio.Future[tuple[int, asyncio.Future[int | None]]]] = {}
        self._ends: dict[int, asyncio.Future[int | None]] = {}
        self._lost = False

    @property
    def alive(self) -> bool:
        return not self._lost

    async def start(self) -> None:
        try:
            self._open()
        except OSError as error:
            raise SandboxUnavailable(f"the sandbox's helper process can't be started: {error.strerror}") from error
        try:
            self._control.send(pack(self._settings))
            answer = unpack(await within(_PREPARE_SECONDS, self._receive()) or b"{}")
        except (OSError, NotPlain):  # a timeout too; or it has ended before it could be told anything
            answer = {}
        except BaseException:
            await self.close()
            raise
        if "ready" not in answer:
            await self.close()
            raise SandboxUnavailable(answer.get("refused", "the sandbox's helper process did not come up"))
        self._listener = asyncio.create_task(self._listen())

    def _open(self) -> None:
        with contextlib.ExitStack() as undo:
            remove_left_behind(self.folder.parent)
            undo.callback(remove_sandbox, self.folder)
            (self.folder / "root").mkdir(parents=True)
            self.folder.chmod(0o711)
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.callback(self._control.close)
            self._control.setblocking(False)
            with theirs:
                self._process = self._launch(theirs.fileno())
            undo.pop_all()

    async def fork(self, slot: int) -> Worker:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        started = self._starting[slot] = loop.create_future()
        try:
            with theirs:
                socket.send_fds(self._control, [pack({"start": slot})], [theirs.fileno()])
            pid, end, first = await within(_START_SECONDS, _begun(started, ours))
        except (OSError, EOFError, TimeoutError) as error:
            ours.close()
            raise SandboxUnavailable(f"no child could be started: {type(error).__name__}") from None
        except BaseException:
            ours.close()
            raise
        finally:
            self._starting.pop(slot, None)
        if "ready" not in first:
            ours.close()
            raise SandboxUnavailable(f"no parser runs here: {first.get('refused', 'the child gave no answer')}")
        return Worker(pid, ours, self.folder / f"{slot}", first["ready"], end, lambda: self._kill(pid), self)

    def _kill(self, pid: int) -> None:
        try:
            self._control.send(pack({"kill": pid}))
        except OSError:  # a zygote that takes no orders is of no use, and its end is the end of all its children
            self._process.kill()

    async def close(self) -> None:
        self._lost = True
        self._process.kill()
        with contextlib.suppress(AttributeError):
            self._listener.cancel()
        await asyncio.to_thread(self._process.wait)
        self._end_all()
        self._control.close()
        await asyncio.to_thread(remove_sandbox, self.folder)

    async def retire(self) -> None:
        """Close when the last child has ended; no new one may be asked for."""
        while self._ends and self.alive:
            await asyncio.wait(list(self._ends.values()), timeout=1)
        await self.close()

    def _launch(self, control: int) -> subprocess.Popen[bytes]:
        # From the event loop's own thread: the kernel kills the zygote when the thread that started it ends.
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-I", "-m", "caseway_kit.sandbox.child", str(control), str(os.getpid())],
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(control,),
            start_new_session=True,
        )

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await self._receive():
            message = unpack(data)
            if "started" in message:
                end = self._ends[message["started"]] = loop.create_future()
                if (starting := self._starting.get(message["slot"])) and not starting.done():
                    starting.set_result((message["started"], end))
                else:  # nobody waits for it any more
                    self._kill(message["started"])
            elif (ended := self._ends.pop(message["exited"], None)) and not ended.done():
                ended.set_result(message["status"])
        self._lost = True
        self._end_all()

    async def _receive(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._control, MESSAGE_BYTES)
        except OSError:
            return b""

    def _end_all(self) -> None:
        for end in self._ends.values():
            if not end.done():
                end.set_result(None)
        for starting in self._starting.values():
            if not starting.done():
                starting.set_exception(EOFError())
        self._ends.clear()


async def _begun(
    started: asyncio.Future[tuple[int, asyncio.Future[int | None]]], connection: socket.socket
) -> tuple[int, asyncio.Future[int | None], dict[str, Any]]:
    pid, end = await started
    return pid, end, await receive_frame(connection, at_most=MESSAGE_BYTES)


async def receive_frame(connection: socket.socket, *, at_most: int) -> dict[str, Any]:
    """EOFError when the child is gone, ``NotPlain`` when it sends what no honest child would."""
    loop = asyncio.get_running_loop()

    async def exactly(size: int) -> bytearray:
        data = bytearray()
        while len(data) < size:
            part = await loop.sock_recv(connection, min(size - len(data), 1 << 18))
            if not part:
                raise EOFError
            data += part
        return data

    size = read_length(bytes(await exactly(LENGTH_BYTES)))
    if size > at_most:
        raise OverflowError(size)
    data = bytes(await exactly(size))
    value = unpack(data)
    if not isinstance(value, dict):
        raise NotPlain("not an answer")
    return value


def remove_left_behind(scratch_root: Path) -> None:
    """Folders of sandboxes whose process was killed."""
    for folder in scratch_root.glob("sandbox-*-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            remove_sandbox(folder)


def remove_sandbox(folder: Path) -> None:
    with contextlib.suppress(OSError):
        scratch.empty(folder)
    shutil.rmtree(folder, ignore_errors=True)
