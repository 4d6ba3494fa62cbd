"""A service started the way it is started everywhere else: by its module and its environment."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import httpx

from caseway_kit.testing.ports import LOOPBACK
from caseway_kit.testing.waiting import PATIENCE, eventually

TAIL = 4_000


class ServiceProcess:
    """Blocks while it starts and ends, also inside an async test."""

    def __init__(self, package: str, *, port: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.objects = (folder / "objects").as_uri()
        self.url = f"http://{LOOPBACK}:{port}"
        self._module = f"{package}.main"
        self._log = folder / "service.log"
        self._environment = {
            "CASEWAY_OBJECTS": self.objects,
            f"{package.upper()}_SCRATCH": str(self.scratch),
            f"{package.upper()}_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self._added: dict[str, str] = {}
        self._ready = False
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, probe: str = "readyz", **added: str) -> None:
        """Have it run with what is ``added`` to its environment; one that runs so already is kept."""
        if not self.runs() or added != self._added:
            self.stop()
            self.launch(**added)
        with httpx.Client(base_url=self.url, timeout=10, trust_env=False) as http:
            self._ready = eventually(lambda: self._answers(http, probe))

    def launch(self, **added: str) -> None:
        """Start it and don't wait until it is ready."""
        self._added, self._ready = added, False
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", self._module],
                env={**os.environ, **self._environment, **added},
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        """End it in order, so that the next one need not wait until Kafka misses this one's consumers."""
        if self._process is None or not self.runs():
            return
        if self._ready:
            self._process.terminate()
            self._ends(0)
        else:  # it may not have begun to listen for a signal that asks
            self.kill()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self.is_killed()

    def is_killed(self) -> None:
        """Wait until it has died by ``kill -9``: ours, or that of the fault that it was started with."""
        self._ends(-signal.SIGKILL)

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def memory(self) -> int:
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _answers(self, http: httpx.Client, probe: str) -> bool:
        assert self.runs(), self.log[-TAIL:]
        try:
            answer = http.get(f"/{probe}")
        except httpx.TransportError:
            return False
        return answer.is_success

    def _ends(self, code: int) -> None:
        assert self._process is not None
        try:
            found = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            found = None
        assert found == code, f"ended with {found}: {self.log[-TAIL:]}"


MakeService: TypeAlias = Callable[..., ServiceProcess]
"""``make_service("url-rating", CASEWAY_JWKS=…)``: what it needs besides what every service does."""
