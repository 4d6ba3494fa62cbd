"""Crash points for tests: ``CASEWAY_FAULT=K5:every=10`` kills the process at every tenth passage of point K5.

The points are those of row F01 of the test catalogue. Refused unless ``CASEWAY_TESTING=1``.
"""

import itertools
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field

_FAULT = re.compile(r"(?P<point>K\d{1,2}):every=(?P<every>[1-9]\d*)$")


@dataclass(frozen=True)
class Fault:
    point: str
    every: int
    passages: Iterator[int] = field(default_factory=lambda: itertools.count(1))


_armed: list[Fault] = []


def arm(fault: str | None, *, testing: bool) -> None:
    """Set this process's crash point; ``None`` means none. Raises ValueError for a setting that makes no sense."""
    _armed.clear()
    if not fault:
        return
    if not testing:
        raise ValueError("CASEWAY_FAULT is refused unless CASEWAY_TESTING=1")
    match = _FAULT.match(fault)
    if match is None:
        raise ValueError("CASEWAY_FAULT must look like K5:every=10")
    _armed.append(Fault(match["point"], int(match["every"])))


def fault_point(point: str) -> None:
    """Die here, as from ``kill -9``, when a test asked for it."""
    for fault in _armed:
        if fault.point == point and next(fault.passages) % fault.every == 0:
            os.kill(os.getpid(), signal.SIGKILL)
