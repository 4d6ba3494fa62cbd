"""Run a command that dies when the process that asked for it dies, even by kill -9.

Executed as a script (``python -I -S leash.py PARENT_PID COMMAND…``), not imported: the kernel's
parent-death signal has to be set between fork and exec, and Python code there is unsafe in a
process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the signal was armed.
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - a shell is what this must not be


if __name__ == "__main__":
    main()
