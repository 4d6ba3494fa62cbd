"""The zygote: `python -I -m caseway_kit.sandbox.child FD PARENT`.

It imports what parsers need once, builds the walls once, then forks a child whenever the parent asks, so that a new
child costs milliseconds. It never sees a sample. A child locks itself down (``lockdown``) and works (``work``).
"""

import contextlib
import fcntl
import gc
import importlib
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from caseway_kit.sandbox import kernel
from caseway_kit.sandbox.budget import Budget
from caseway_kit.sandbox.isolation import Isolation
from caseway_kit.sandbox.lockdown import CONNECTION, STATM, LockdownRefused, lock_down
from caseway_kit.sandbox.reach import keep_modules_in_reach
from caseway_kit.sandbox.rooms import enter_namespaces, enter_own_root
from caseway_kit.sandbox.wire import MESSAGE_BYTES, pack, unpack
from caseway_kit.sandbox.work import send, serve

_FIRST_UID = 1 << 30
_NOBODY = 65534


class Zygote:
    def __init__(self, control: socket.socket, settings: dict[str, Any]) -> None:
        self._control = control
        self._folder = Path(settings["folder"])
        self._ceiling = Budget(**settings["ceiling"])
        self._skip = frozenset(settings["skip"])
        self._uids = range(0) if "uid" in self._skip or os.geteuid() != 0 else _mapped_uids()
        self._first_uid = settings["first_uid"]
        self._isolation = Isolation()
        self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
        self._kept: list[int] = []
        self._threads = 0
        self._children: set[int] = set()

    def prepare(self, *, preload: list[str | list[str]]) -> None:
        with contextlib.suppress(OSError):  # before anything else on this machine, should memory run out
            Path("/proc/self/oom_score_adj").write_text("1000")
        self._threads = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
        # A user namespace can be entered only while there is one thread, so before any import.
        own_mounts = enter_namespaces(self._isolation, skip=self._skip)
        for wanted in preload:
            _load(wanted)
        if own_mounts:
            enter_own_root(self._isolation, folder=self._folder / "root", writable=self._folder)
        if self._uids and not self._isolation.own_root:
            self._kept = keep_modules_in_reach()
        # A child of the same user could otherwise write to this process by /proc, where nothing else hides that.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        gc.collect()
        gc.freeze()

    def serve(self) -> None:
        """Until the parent closes the control socket; all children die with this process."""
        wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        control = self._control.fileno()
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([control, wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if control in ready:
                data, fds, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 1)
                if not data:
                    return
                self._obey(unpack(data), fds)

    def _obey(self, message: dict[str, Any], fds: list[int]) -> None:
        if "kill" in message:
            if message["kill"] in self._children:  # not reaped yet, so the number is still its own
                os.kill(message["kill"], signal.SIGKILL)
            return
        slot = message["start"]
        uid = self._uid(slot)
        folder = self._folder / f"{slot}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if uid != os.geteuid():
            os.chown(folder, uid, uid)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_child(fds[0], zygote, uid, folder)
        os.close(fds[0])
        self._children.add(pid)
        self._control.sendall(pack({"started": pid, "slot": slot}))

    def _be_child(self, connection_fd: int, zygote: int, uid: int, folder: Path) -> None:
        try:
            signal.set_wakeup_fd(-1)
            os.setsid()
            connection = self._keep_only(connection_fd)
            try:
                workplace = lock_down(
                    self._isolation,
                    parent=zygote,
                    uid=uid,
                    folder=folder,
                    ceiling=self._ceiling,
                    skip=self._skip,
                    threads_of_machine=self._threads,
                )
            except (LockdownRefused, OSError) as error:
                send(connection, pack({"refused": str(error)}))
                os._exit(1)
            send(connection, pack({"ready": self._isolation.plain()}))
            serve(connection, workplace)
        finally:
            os._exit(0)

    def _keep_only(self, connection_fd: int) -> socket.socket:
        statm = os.open("self/statm", os.O_RDONLY, dir_fd=self._proc)
        null = os.open("/dev/null", os.O_RDWR)
        # Above the numbers that they are moved to, lest one overwrites another.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 200) for fd in (null, null, null, connection_fd, statm)]
        for number, fd in enumerate(high):
            os.dup2(fd, number)
        first = STATM + 1
        for fd in (*sorted(self._kept), os.sysconf("SC_OPEN_MAX")):
            os.closerange(first, fd)
            first = fd + 1
        return socket.socket(fileno=CONNECTION)

    def _uid(self, slot: int) -> int:
        own = _FIRST_UID + self._first_uid + slot
        return own if own in self._uids else _NOBODY if _NOBODY in self._uids else os.geteuid()

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._children.discard(pid)
            self._control.sendall(pack({"exited": pid, "status": os.waitstatus_to_exitcode(status)}))


def _load(wanted: str | list[str]) -> None:
    if isinstance(wanted, str):
        importlib.import_module(wanted)
        return
    module, _, function = wanted[0].partition(":")
    getattr(importlib.import_module(module), function)(*wanted[1:])


def _mapped_uids() -> range:
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    first, _, count = max(([int(word) for word in line.split()] for line in lines), key=lambda entry: entry[2])
    return range(first, first + count)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[2]):
        return
    settings = unpack(control.recv(MESSAGE_BYTES))
    sys.path += settings["paths"]
    try:
        zygote = Zygote(control, settings)
        zygote.prepare(preload=settings["preload"])
    except Exception as error:
        control.sendall(pack({"refused": f"the sandbox could not be prepared: {type(error).__name__}: {error}"[:2000]}))
        return
    control.sendall(pack({"ready": True}))
    zygote.serve()


if __name__ == "__main__":
    main()
