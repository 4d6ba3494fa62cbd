import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

FIRST_START = "the first start fetches and prepares Kafka: about half a minute"


class Progress:
    """What is starting, as it happens: a live line on a terminal, plain lines anywhere else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._waiting: dict[str, None] = {}
        self._started = time.monotonic()
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.pause()

    def pause(self) -> None:
        if self._status:
            self._status.stop()
            self._status = None

    def report(self, name: str, what: str, detail: str) -> None:
        if what == "starting":
            self._waiting[name] = None
            if not self._status:
                self._print(f"  {name:<16} starting")
        elif what == "ready":
            self._waiting.pop(name, None)
            self._print(f"  {name:<16} [green]ready[/] after {detail}")
        else:
            self._waiting[name] = None
            self._print(f"  {name:<16} [red]died[/]: {detail}")
        if self._status:
            self._status.update(f"waiting for {', '.join(self._waiting)}" if self._waiting else "almost there")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
