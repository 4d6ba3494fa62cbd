"""Run inside the sandbox: an analysis, and what it took."""

import resource
import time
from pathlib import Path
from typing import Any

from caseway_kit.archives import Spool
from caseway_kit.archives.content import Opened
from sample_analysis.engines import analyze

_held: list[int] = []
_write = Spool.write


def _counted(spool: Spool, chunk: bytes) -> None:
    _held.append(len(chunk))
    _write(spool, chunk)


setattr(Spool, "write", _counted)  # noqa: B010 - every byte that may go to the disk is counted


def measured(source: Opened | str | Path, name: str, limits: dict[str, Any]) -> dict[str, Any]:
    _held.clear()
    started = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = analyze(source, "evidence", name, limits=limits)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.process_time() - started
    return {"report": report, "seconds": seconds, "memory_growth": (after - before) * 1024, "held": sum(_held)}
