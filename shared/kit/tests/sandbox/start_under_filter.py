"""Starts a sandbox on a machine that forbids some system calls, and says how that went.

Arguments: scratch folder, then names: "seccomp" (no filters), "container" (no namespaces, no Landlock).
"""

import asyncio
import ctypes
import os
import struct
import sys
from pathlib import Path

import structlog

from caseway_kit.sandbox import Sandbox, SandboxUnavailable, kernel

ARM = os.uname().machine == "aarch64"
PRCTL, UNSHARE = (167, 97) if ARM else (157, 272)
LANDLOCK_CREATE = 444
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050001


def forbid(what: str) -> None:
    steps = [(LOAD, 0, 0, 0)]
    if what == "seccomp":
        steps += [(EQUAL, 0, 3, PRCTL), (LOAD, 0, 0, 16), (EQUAL, 0, 1, kernel.PR_SET_SECCOMP), (RETURN, 0, 0, REFUSE)]
    else:
        steps += [(EQUAL, 1, 0, UNSHARE), (EQUAL, 0, 1, LANDLOCK_CREATE), (RETURN, 0, 0, REFUSE)]
    steps.append((RETURN, 0, 0, ALLOW))
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(held)))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.byref(header))


async def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    forbid(sys.argv[2])
    sandbox = Sandbox(workers=1, scratch=Path(sys.argv[1]), paths=[Path(__file__).parent], preload=["sandbox_parsers"])
    try:
        async with sandbox:
            sys.stdout.write(await sandbox.run("sandbox_parsers:hello", "world") + "\n")
            sys.stdout.write(f"{await sandbox.run('sandbox_parsers:open_sockets')}\n")
            sys.stdout.write("\n".join(sandbox.isolation.sentences()) + "\n")
    except SandboxUnavailable as refused:
        sys.stdout.write(f"{refused}\n")


asyncio.run(main())
