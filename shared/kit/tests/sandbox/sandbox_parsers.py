"""Parsers for the tests: honest ones, and ones that do what a sample which took over its parser would do."""

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from caseway_kit.sandbox import Budget, Sample

libc = ctypes.CDLL(None, use_errno=True)
_ARM = os.uname().machine == "aarch64"


def hello(name: str) -> str:
    return f"hello {name}"


_born_with: list[str] = []


def load(path: str) -> None:
    """Called before the children are made: later no child can open the file."""
    _born_with[:] = [Path(path).read_text()]


def born_with() -> list[str]:
    return _born_with


def wait_and_tell(seconds: float) -> list[str]:
    time.sleep(seconds)
    return _born_with


def echo(value: Any) -> Any:
    return value


def double(sample: Sample, output: BinaryIO) -> int:
    return sum(written for _ in range(2) if (written := output.write(sample.read())))


def pid() -> int:
    return os.getpid()


def facts_of(sample: Sample, word: str, budget: Budget) -> dict[str, Any]:
    with sample.open() as first, sample.open() as second:
        first.seek(2)
        return {
            "size": sample.size,
            "read": sample.read().decode(),
            "seeked": first.read().decode(),
            "whole": second.read().decode(),
            "mapped": bytes(sample.map()).decode(),
            "copied": sample.copy().read_text(),
            "word": word,
            "cpu_seconds": budget.cpu_seconds,
        }


def find_no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def length_of(sample: Sample, _: str) -> int:
    return len(sample.read())


def raise_error(text: str) -> None:
    raise LookupError(text)


def open_missing() -> None:
    Path("/nowhere/secret-name").read_bytes()


def leave() -> None:
    raise SystemExit(3)


def not_plain() -> object:
    return {"bytes": b"\x00"}


def spin() -> None:
    while True:
        pass


def spin_unlimited() -> None:
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)
    spin()


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def take_memory(size: int) -> int:
    return len(bytearray(size))


def take_memory_unlimited(size: int) -> int:
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)
    return len(bytearray(size))


def take_shared_memory(size: int) -> int:
    held = [mmap.mmap(-1, 1 << 26) for _ in range(size >> 26)]
    return len(held)


def large(size: int) -> str:
    return "x" * size


def write(size: int, name: str = "big") -> None:
    block = bytes(1 << 20)
    with Path(name).open("wb") as file:
        for _ in range(size >> 20):
            file.write(block)


def write_many(count: int, size: int) -> None:
    for number in range(count):
        write(size, f"file-{number}")
    time.sleep(30)


def write_nameless(count: int, size: int) -> None:
    files = [tempfile.TemporaryFile() for _ in range(count)]  # noqa: SIM115 - all stay open together
    for file in files:
        file.write(bytes(size))
        file.flush()
    time.sleep(30)


def write_nameless_and_give(size: int, output: BinaryIO) -> None:
    with tempfile.TemporaryFile() as file:
        for one in (file, output):
            one.write(bytes(size))
            one.flush()
        time.sleep(1)


def write_and_read_temporary() -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file").write_text("kept")
        return (Path(folder) / "file").read_text()


def open_many(count: int) -> int:
    return len([os.open("/dev/null", os.O_RDONLY) for _ in range(count)])


def leave_deep_folders(depth: int) -> None:
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    Path("file").touch()
    Path("link").symlink_to("/etc")


def names_here() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def where() -> str:
    return str(Path.cwd())


def environment() -> dict[str, str]:
    return dict(os.environ)


def read(path: str) -> str:
    return Path(path).read_bytes().decode("latin-1")


def overwrite(path: str) -> None:
    Path(path).write_text("overwritten")


def overwrite_sample(sample: Sample) -> list[str]:
    attempts = {
        "write": lambda: os.write(sample.fd, b"x"),
        "truncate": lambda: os.ftruncate(sample.fd, 0),
        "reopen": lambda: os.write(os.open(f"/proc/self/fd/{sample.fd}", os.O_WRONLY), b"x"),
        "map": lambda: mmap.mmap(sample.fd, 0, prot=mmap.PROT_READ | mmap.PROT_WRITE),
    }
    return _succeeded(attempts)


def start_processes() -> list[str]:
    return _succeeded(
        {
            "fork": os.fork,
            "forkpty": os.forkpty,
            "vfork": lambda: _call(220 if _ARM else 58, signal.SIGCHLD),
            "clone": lambda: _call(220 if _ARM else 56, signal.SIGCHLD, 0, 0, 0, 0),
            "clone3": lambda: _call(435, ctypes.create_string_buffer(bytes(64)), 64),
            "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
            "system": lambda: _unless(min(abs(os.system("true")), 1), 1),
        }
    )


def start_programs() -> list[str]:
    return _succeeded(
        {
            "execve": lambda: os.execve("/usr/bin/true", ["true"], {}),
            "execveat": lambda: _call(281 if _ARM else 322, -100, b"/usr/bin/true", None, None, 0),
        }
    )


def open_sockets() -> list[str]:
    families = {"inet": 2, "inet6": 10, "unix": 1, "netlink": 16, "packet": 17, "vsock": 40}
    attempts: dict[str, Callable[[], object]] = {
        name: partial(socket.socket, family, socket.SOCK_DGRAM) for name, family in families.items()
    }
    attempts["socketpair"] = socket.socketpair
    attempts["io_uring"] = lambda: _call(425, 8, ctypes.create_string_buffer(bytes(120)))
    attempts["connect"] = lambda: socket.create_connection(("127.0.0.1", 22), timeout=1)
    attempts["dns"] = lambda: socket.getaddrinfo("example.com", 80)
    return _succeeded(attempts)


def connect_to(port: int) -> list[str]:
    return _succeeded({"connect": lambda: socket.create_connection(("127.0.0.1", port), timeout=1)})


def keep_secret_here() -> None:
    Path("secret").write_text("of another case")
    time.sleep(60)


def parent() -> int:
    return os.getppid()


def touch_process(victim: int) -> list[str]:
    buffer = ctypes.create_string_buffer(64)
    arm = {"ptrace": 117, "readv": 270, "writev": 271, "tkill": 130, "queue": 138, "prlimit": 261}
    intel = {"ptrace": 101, "readv": 310, "writev": 311, "tkill": 200, "queue": 129, "prlimit": 302}
    numbers = arm if _ARM else intel
    return _succeeded(
        {
            "ptrace": lambda: _call(numbers["ptrace"], 16, victim, 0, 0),
            "process_vm_readv": lambda: _call(numbers["readv"], victim, buffer, 1, buffer, 1, 0),
            "process_vm_writev": lambda: _call(numbers["writev"], victim, buffer, 1, buffer, 1, 0),
            # Signal 0 asks only whether a signal could be sent: harmless should the wall not hold.
            "kill": lambda: os.kill(victim, 0),
            "kill group": lambda: os.kill(-victim, 0),
            "kill everything": lambda: os.kill(-1, 0),
            "tkill": lambda: _call(numbers["tkill"], victim, 0),
            "sigqueue": lambda: _call(numbers["queue"], victim, 0, buffer),
            "pidfd": lambda: os.pidfd_open(victim),
            "prlimit": lambda: resource.prlimit(victim, resource.RLIMIT_NOFILE),
            "owner of a descriptor": lambda: fcntl.fcntl(3, 8, victim),
        }
    )


def change_system() -> list[str]:
    Path("mine").touch()
    return _succeeded(
        {
            "chmod": lambda: Path("mine").chmod(0o777),
            "chown": lambda: os.chown("mine", 0, 0),
            "mount": lambda: _call(40 if _ARM else 165, b"none", b".", b"tmpfs", 0, None),
            "unshare": lambda: _call(97 if _ARM else 272, 0x10000000),
            "setns": lambda: _call(268 if _ARM else 308, 3, 0),
            "chroot": lambda: os.chroot("."),
            "setuid": lambda: os.setuid(0),
            "keyctl": lambda: _call(219 if _ARM else 250, 0, -3, 0),
            "bpf": lambda: _call(280 if _ARM else 321, 0, None, 0),
            "perf": lambda: _call(241 if _ARM else 298, None, 0, -1, -1, 0),
            "memfd": lambda: os.memfd_create("x"),
            "shmget": lambda: _call(194 if _ARM else 29, 0, 4096, 0o1600),
            "userfaultfd": lambda: _call(282 if _ARM else 323, 0),
            "dumpable": lambda: _unless(libc.prctl(4, 1, 0, 0, 0), -1),
            "fifo": lambda: os.mkfifo("fifo"),
        }
    )


def raise_limits() -> list[str]:
    attempts: dict[str, Callable[[], object]] = {}
    for name in ("RLIMIT_AS", "RLIMIT_DATA", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE"):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        attempts[name] = partial(resource.setrlimit, kind, (hard + 1, hard + 1))
    return _succeeded(attempts)


def signals_held() -> dict[str, Any]:
    return {
        "dumpable": libc.prctl(3, 0, 0, 0, 0),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "leader": os.getsid(0) == os.getpid(),
        "descriptors": [fd for fd in range(64) if _is_open(fd)],
    }


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> None:
    os.abort()


def vanish() -> None:
    os._exit(0)


def answer(data: str) -> None:
    """Speaks for itself on the connection, as code that took the child over would."""
    os.write(3, data.encode("latin-1"))
    time.sleep(30)


def tiny_values(count: int) -> list[list[Any]]:
    return [[]] * count


def start_thread() -> int:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(threading.active_count()))
    thread.start()
    thread.join()
    return results[0]


def start_many_threads(most: int) -> int:
    threading.stack_size(64 * 1024)
    end = threading.Event()
    started = 0
    with contextlib.suppress(RuntimeError):
        for _ in range(most):
            threading.Thread(target=end.wait, daemon=True).start()
            started += 1
    end.set()
    return started


def leave_spinning_thread() -> int:
    threading.Thread(target=spin, daemon=True).start()
    return os.getpid()


def _succeeded(attempts: Mapping[str, Callable[[], object]]) -> list[str]:
    done = []
    for name, attempt in attempts.items():
        with contextlib.suppress(OSError, ValueError):
            attempt()
            done.append(name)
    return done


def _call(number: int, *args: object) -> int:
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return _unless(libc.syscall(ctypes.c_long(number), *words), -1)


def _unless(result: int, failure: int) -> int:
    if result == failure:
        raise OSError(ctypes.get_errno() or errno.EPERM, "refused")
    return result


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
