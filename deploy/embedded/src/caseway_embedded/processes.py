import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LEASH = Path(__file__).with_name("leash.py")
LARGE_LOG = 32 * 1024 * 1024


@dataclass(frozen=True)
class Command:
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


class Process:
    """A child with a log file, in a session of its own, that can't outlive the thread that started it.

    Linux ties the parent-death signal to the parent's *thread*: start processes from the main thread.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, command: Command, log: Path) -> "Process":
        with _open_log(log) as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command.argv,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                env=dict(command.env), cwd=command.cwd, start_new_session=True,
            )  # fmt: skip
        return cls(process)

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self, grace: float) -> None:
        """SIGTERM, then SIGKILL to the whole session when the grace is over; returns when the child is gone."""
        if self.exit_code is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(grace):
                    await self._process.wait()
            except TimeoutError:
                self._kill_group()
                await self._process.wait()
        self._kill_group()

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _open_log(log: Path) -> BinaryIO:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGE_LOG:
        log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


def last_lines(log: Path, count: int = 20) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:])
