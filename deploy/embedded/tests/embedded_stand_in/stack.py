import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from caseway_embedded.data_dir import DataDir, port_is_free

Until = Callable[[Callable[[], Any]], Any]


class Stack:
    """A system with a stand-in service, under a supervisor in a process of its own."""

    def __init__(self, root: Path, until: Until, **env: str) -> None:
        self.data = DataDir(root)
        self.data.create()
        self._until = until
        known = self.data.read_json("ports.json").get("caddy")
        self.port: int = known or next(port for port in range(18_080, 19_000) if port_is_free(port))
        self.output = self.data.log("supervisor")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded_stand_in.supervise", str(root), str(self.port)],
                env={**os.environ, **env, "PYTHONPATH": str(Path(__file__).parents[1])},
                stdout=output,
                stderr=output,
            )

    @property
    def state(self) -> dict[str, Any]:
        state = self.data.state()
        return state if state.get("supervisor") == self.process.pid else {"ready": False}

    def wait_until_ready(self) -> None:
        self._until(lambda: self.state["ready"] or self.process.poll() is not None)
        assert self.state["ready"], self.output.read_text()

    def row(self, name: str) -> dict[str, Any]:
        state = self.state
        row: dict[str, Any] = {**state["parts"], **state["services"]}[name]
        return row

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self, name: str) -> None:
        """kill -9, then wait until another process has its place and is ready."""
        before = self.row(name)
        os.kill(before["pid"], signal.SIGKILL)
        self._until(lambda: self.row(name)["pid"] not in (None, before["pid"]) and self.state["ready"])
        assert self.row(name)["port"] == before["port"]

    def stop(self, signum: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(signum)
        return self.process.wait(90)
