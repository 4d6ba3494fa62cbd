"""CPU seconds and memory of running processes, each named one together with all that it started."""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psutil

LOOK_SECONDS = 0.5


class Meter:
    """Measures from entering to leaving; ``peak`` is the most memory seen, in bytes."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.before: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self.cpu: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.before = resident(self._pids)
        self._started = processor(self._pids)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()
        ended = processor(self._pids)
        self.cpu = {name: ended[name] - self._started[name] for name in self._pids}

    def _look(self) -> None:
        while True:
            for name, size in resident(self._pids).items():
                self.peak[name] = max(self.peak.get(name, 0), size)
            if self._left.wait(LOOK_SECONDS):
                return


def resident(pids: Mapping[str, int]) -> dict[str, int]:
    """Pages that processes share are counted with each of them."""
    return {name: sum(map(_resident, family)) for name, family in _families(pids).items()}


def proportional(pids: Mapping[str, int]) -> dict[str, int]:
    """Shared pages are divided among those that share them; a process that we may not look into counts as resident."""
    return {name: sum(map(_proportional, family)) for name, family in _families(pids).items()}


def processor(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: sum(map(_processor, family)) for name, family in _families(pids).items()}


def _families(pids: Mapping[str, int]) -> dict[str, set[psutil.Process]]:
    """What a named process started is its own, but for other named ones and what those started."""
    whole = {name: _family(pid) for name, pid in pids.items()}
    named = {
        name: {other for other in whole if other != name and any(one.pid == pids[other] for one in family)}
        for name, family in whole.items()
    }
    return {name: family.difference(*(whole[other] for other in named[name])) for name, family in whole.items()}


def _family(pid: int) -> set[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return {process, *process.children(recursive=True)}
    except psutil.NoSuchProcess:
        return set()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return _resident(process)
    except psutil.NoSuchProcess:
        return 0


def _processor(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # What children used that have ended is with their parent, so nothing is lost when one of them goes.
    return float(used.user + used.system + used.children_user + used.children_system)
