"""The filter's decisions for both machines, worked out by a small interpreter of its instructions."""

import errno
import struct

import pytest

from caseway_kit.sandbox.seccomp import build_filter
from caseway_kit.sandbox.syscalls import ARCHITECTURES, numbers

PID = 4242
ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, ABSENT = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

FORBIDDEN = {
    "x86_64": {"socket": 41, "fork": 57, "vfork": 58, "execve": 59, "ptrace": 101, "tkill": 200, "chmod": 90},
    "aarch64": {"socket": 198, "execve": 221, "ptrace": 117, "tkill": 130, "fchmodat": 53, "mount": 40},
}
ON_BOTH = {"execveat": (322, 281), "unshare": (272, 97), "bpf": (321, 280), "memfd_create": (319, 279)}


def decide(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<iIQ6Q", number, arch or ARCHITECTURES[machine][1], 0, *words)
    program = list(struct.iter_unpack("HBBI", build_filter(machine, PID)))
    loaded = at = 0
    while True:
        code, when_true, when_false, value = program[at]
        at += 1
        if code == 0x20:
            [loaded] = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            holds = {0x15: loaded == value, 0x25: loaded > value, 0x45: bool(loaded & value)}[code]
            at += when_true if holds else when_false


@pytest.fixture(params=sorted(ARCHITECTURES))
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_parsers_need_passes(machine: str) -> None:
    for name in ("read", "openat", "mmap", "futex", "exit_group", "recvmsg", "getrandom"):
        assert decide(machine, numbers(machine)[name]) == ALLOW, name


def test_what_is_not_listed_is_refused(machine: str) -> None:
    forbidden = FORBIDDEN[machine] | {name: both[ARCHITECTURES[machine][0]] for name, both in ON_BOTH.items()}
    for name, number in forbidden.items():
        assert decide(machine, number) == REFUSE, name


def test_another_architecture_is_killed(machine: str) -> None:
    assert decide(machine, 0, arch=0x40000003) == KILL


def test_signals_and_limits_reach_the_process_itself_only(machine: str) -> None:
    known = numbers(machine)
    for name in ("kill", "tgkill", "prlimit64"):
        assert decide(machine, known[name], PID) == ALLOW, name
        assert decide(machine, known[name], PID + 1) == REFUSE, name
    assert decide(machine, known["kill"], 0) == REFUSE
    assert decide(machine, known["kill"], 2**64 - 1) == REFUSE


def test_clone_makes_threads_only(machine: str) -> None:
    known = numbers(machine)
    assert decide(machine, known["clone"], 0x3D0F00) == ALLOW
    assert decide(machine, known["clone"], 17) == REFUSE
    assert decide(machine, known["clone3"]) == ABSENT


def test_settings_of_descriptors_and_processes_are_picked(machine: str) -> None:
    known = numbers(machine)
    set_owner, sti, pdeathsig = 8, 0x5412, 1
    assert decide(machine, known["fcntl"], 3, 1) == ALLOW
    assert decide(machine, known["fcntl"], 3, set_owner) == REFUSE
    assert decide(machine, known["ioctl"], 0, sti) == REFUSE
    assert decide(machine, known["prctl"], pdeathsig) == REFUSE


def test_calls_of_later_kernels_seem_absent(machine: str) -> None:
    assert decide(machine, 900) == ABSENT
