"""What a child does to itself before it may see a sample. The order matters: each step takes a right that the next
would otherwise need, and the filter comes last because it forbids all the steps before it.
"""

import os
import resource
import signal
from pathlib import Path

from caseway_kit.sandbox import kernel
from caseway_kit.sandbox.budget import Budget
from caseway_kit.sandbox.isolation import Isolation
from caseway_kit.sandbox.landlock import landlock_abi, restrict_paths
from caseway_kit.sandbox.rooms import readable_paths
from caseway_kit.sandbox.seccomp import install

CONNECTION, STATM = 3, 4
_OWN_FILES = 7  # the three standard ones, the connection, statm, the scratch folder and the sample
_THREADS = 64


class LockdownRefused(Exception):
    """A layer without which no parser runs could not be put up."""


def lock_down(
    isolation: Isolation,
    *,
    parent: int,
    uid: int,
    folder: Path,
    ceiling: Budget,
    skip: frozenset[str],
    threads_of_machine: int,
) -> str:
    """The path by which this process reaches its scratch folder."""
    os.chdir(folder)
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    isolation.uid, isolation.switched_uid = uid, uid != os.getuid()
    if not isolation.switched_uid:
        isolation.missing["own user id"] = "only root may give one, and only where others are mapped"
    # The limit counts the user's threads, and under the service's own user these are the service's as well.
    _limit_all(ceiling, threads=_THREADS if isolation.switched_uid else threads_of_machine + _THREADS)
    _become(uid)
    kernel.drop_capabilities()
    try:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        raise LockdownRefused(f"no_new_privs could not be set: {error.strerror}") from None
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    # A change of uid clears it, so it can't be set earlier.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    workplace = _workplace(folder, opened)
    _landlock(isolation, workplace, skip)
    try:
        install(os.getpid())
    except OSError as error:
        raise LockdownRefused(
            f"the kernel took no seccomp filter ({error.strerror}): parsers could open sockets and start programs"
        ) from None
    isolation.seccomp = kernel.prctl(kernel.PR_GET_SECCOMP) == 2
    return workplace


def limit_job(budget: Budget, *, sample_size: int) -> None:
    """Soft limits for the next job; the hard ones hold against a parser that raises these."""
    address_space, data = used_memory()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(usage.ru_utime + usage.ru_stime + budget.cpu_seconds) + 1
    _soft(resource.RLIMIT_CPU, seconds)
    _soft(resource.RLIMIT_AS, address_space + budget.memory_bytes + sample_size)
    _soft(resource.RLIMIT_DATA, data + budget.memory_bytes)
    _soft(resource.RLIMIT_NOFILE, _OWN_FILES + budget.files)
    _soft(resource.RLIMIT_FSIZE, budget.written_bytes)


def unlimit_memory() -> None:
    """Between jobs: packing an answer must not fail for what the job has left behind."""
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (hard, hard))


def used_memory() -> tuple[int, int]:
    """Address space and data of this process in bytes, by the descriptor that was opened while /proc was in sight."""
    pages = [int(word) for word in os.pread(STATM, 200, 0).split()]
    return pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()


def _limit_all(ceiling: Budget, *, threads: int) -> None:
    # Twice the memory leaves room for a mapped sample and for what earlier jobs left behind.
    address_space, data = used_memory()
    hard = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: address_space + 2 * ceiling.memory_bytes,
        resource.RLIMIT_DATA: data + 2 * ceiling.memory_bytes,
        resource.RLIMIT_NOFILE: _OWN_FILES + ceiling.files,
        resource.RLIMIT_FSIZE: ceiling.written_bytes,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_NPROC: threads,
    }
    for kind, value in hard.items():
        allowed = _at_most(value, resource.getrlimit(kind)[1])
        resource.setrlimit(kind, (allowed, allowed))


def _become(uid: int) -> None:
    if uid == os.getuid():  # an unprivileged service: there is no other to become
        return
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _workplace(folder: Path, opened: int) -> str:
    if os.access(folder, os.W_OK):
        os.close(opened)
        return str(folder)
    # A folder above it is closed to this user; the descriptor leads there without walking through.
    path = f"/proc/self/fd/{opened}"
    if not os.access(path, os.W_OK):
        raise LockdownRefused(f"the scratch folder {folder} cannot be reached by uid {os.getuid()}")
    return path


def _landlock(isolation: Isolation, folder: str, skip: frozenset[str]) -> None:
    abi = 0 if "landlock" in skip else landlock_abi()
    if not abi:
        isolation.missing["Landlock"] = "switched off" if "landlock" in skip else "this kernel has none"
        return
    try:
        restrict_paths(abi, readable=readable_paths(), writable=folder)
    except OSError as error:
        isolation.missing["Landlock"] = str(error.strerror)
    else:
        isolation.landlock_abi = abi


def _soft(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (_at_most(value, hard), hard))


def _at_most(value: int, highest: int) -> int:
    return value if highest == resource.RLIM_INFINITY else min(value, highest)
