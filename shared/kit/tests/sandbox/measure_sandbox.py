"""What the sandbox costs: `python measure_sandbox.py`, JSON on standard output."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

from caseway_kit.sandbox import Sandbox

_CALLS = 2000


async def measure(scratch: Path, *, workers: int = 2) -> dict[str, Any]:
    options: dict[str, Any] = {
        "scratch": scratch,
        "paths": [Path(__file__).parent],
        "preload": ["sandbox_parsers", "yara_x"],
    }
    sample = scratch / "sample"
    sample.write_bytes(os.urandom(69_000))
    begun = time.perf_counter()
    async with Sandbox(workers=workers, **options) as sandbox:
        start_seconds = time.perf_counter() - begun
        one = await _times(sandbox, _CALLS)
        with_sample = await _times(sandbox, _CALLS, "sandbox_parsers:length_of", sample=sample)
        begun = time.perf_counter()
        await asyncio.gather(*(sandbox.run("sandbox_parsers:hello", "x") for _ in range(_CALLS)))
        together = _CALLS / (time.perf_counter() - begun)
        large = await _times(sandbox, 20, "sandbox_parsers:large", 10_000_000)
    async with Sandbox(workers=workers, recycle_after=1, **options) as sandbox:
        fresh = await _times(sandbox, 100)
    return {
        "start_seconds": round(start_seconds, 3),
        "call_ms": _milliseconds(one),
        "call_with_sample_ms": _milliseconds(with_sample),
        "calls_per_second": round(together),
        "result_of_10_mb_ms": _milliseconds(large),
        "call_in_a_child_of_its_own_ms": _milliseconds(fresh),
        "workers": workers,
    }


async def _times(
    sandbox: Sandbox, calls: int, function: str = "sandbox_parsers:hello", argument: object = "x", **options: Any
) -> list[float]:
    times = []
    for _ in range(calls):
        begun = time.perf_counter()
        await sandbox.run(function, argument, **options)
        times.append(time.perf_counter() - begun)
    return times


def _milliseconds(times: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(times) * 1000, 3),
        "p99": round(sorted(times)[-1 - len(times) // 100] * 1000, 3),
    }


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(asyncio.run(measure(Path(folder))), indent=2) + "\n")
