"""The system call filter: what ``syscalls`` lists may pass, some of it only with harmless arguments."""

import ctypes
import errno
import os
import struct

from caseway_kit.sandbox import kernel
from caseway_kit.sandbox.syscalls import ARCHITECTURES, numbers

_LOAD, _EQUAL, _ABOVE, _BITS, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER, _ARCH = 0, 4
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_REFUSE = 0x00050000 | errno.EPERM
_ABSENT = 0x00050000 | errno.ENOSYS
_CLONE_THREAD = 0x00010000
_NEWEST_KNOWN = 470  # above lies what this list was written without: "not there" lets a library fall back

# Owner and signal settings are left out: they would let a descriptor send SIGIO to the parent.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032, 1034)
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIO(N)CLEX
_PRCTL = (
    kernel.PR_GET_DUMPABLE,
    kernel.PR_SET_NAME,
    kernel.PR_GET_NAME,
    kernel.PR_GET_SECCOMP,
    kernel.PR_GET_NO_NEW_PRIVS,
    kernel.PR_SET_VMA,
)


def build_filter(machine: str, pid: int) -> bytes:
    """The BPF program for a process of this id, which may send signals to itself only."""
    known = numbers(machine)
    checked = {
        "kill": _argument_in(0, (pid,)),
        "tgkill": _argument_in(0, (pid,)),
        "prlimit64": _argument_in(0, (0, pid)),
        "fcntl": _argument_in(1, _FCNTL),
        "ioctl": _argument_in(1, _IOCTL),
        "prctl": _argument_in(0, _PRCTL),
        "clone": [_load(_argument(0)), _jump(_BITS, _CLONE_THREAD, 0, 1), _return(_ALLOW), _return(_REFUSE)],
        # Its flags lie in memory that a filter can't read; glibc falls back to clone.
        "clone3": [_return(_ABSENT)],
    }
    program = [_load(_ARCH), _jump(_EQUAL, ARCHITECTURES[machine][1], 1, 0), _return(_KILL_PROCESS), _load(_NUMBER)]
    for name, block in checked.items():
        program += [_jump(_EQUAL, known[name], 0, len(block)), *block]
    for name, number in known.items():
        if name not in checked:
            program += [_jump(_EQUAL, number, 0, 1), _return(_ALLOW)]
    # The x32 calls of x86_64 start at 0x40000000 and seem absent too.
    program += [_jump(_ABOVE, _NEWEST_KNOWN, 0, 1), _return(_ABSENT), _return(_REFUSE)]
    return b"".join(program)


def install(pid: int) -> None:
    """Filters this thread and all it starts, for ever; OSError where the kernel has no seccomp filters."""
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call table for {machine}")
    program = build_filter(machine, pid)
    instructions = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions)))
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.byref(header))


def _argument(index: int) -> int:
    return 16 + 8 * index  # the low half; both machines are little-endian


def _argument_in(index: int, values: tuple[int, ...]) -> list[bytes]:
    tests = [_jump(_EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)]
    return [_load(_argument(index)), *tests, _return(_REFUSE), _return(_ALLOW)]


def _load(offset: int) -> bytes:
    return struct.pack("HBBI", _LOAD, 0, 0, offset)


def _jump(test: int, value: int, when_true: int, when_false: int) -> bytes:
    return struct.pack("HBBI", test, when_true, when_false, value)


def _return(action: int) -> bytes:
    return struct.pack("HBBI", _RETURN, 0, 0, action)
