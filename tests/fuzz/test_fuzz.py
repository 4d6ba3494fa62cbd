"""Damaged inputs, made from the corpora: no parser lets anything out but results, and none takes memory without end.

5 seconds a target, 60 with ``CI`` (20 for RAR and 7z), as many as ``FUZZ_SECONDS`` says in ``make fuzz``; ``FUZZ_SEED``
repeats a run.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.testing.corpora import corpora

WORKER = Path(__file__).with_name("fuzz_worker.py")
SECONDS = float(os.environ.get("FUZZ_SECONDS") or (60 if os.environ.get("CI") else 5))
SHORT = float(os.environ.get("FUZZ_SECONDS") or (20 if os.environ.get("CI") else 5))
# The short ones last: they fill the core that an odd number of long ones leaves free.
TARGETS = dict.fromkeys(("mail", "zip", "ole", "pdf", "url"), SECONDS) | dict.fromkeys(("rar", "7z"), SHORT)
SEED = os.environ.get("FUZZ_SEED", "1")
# Every input has its own limit of 10 seconds; what takes minutes hangs.
PATIENCE = SECONDS + 300
MOST_GROWN_MIB = 1024

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5 * PATIENCE)]


def fuzz(target: str, folder: Path, inputs: list[str]) -> dict[str, Any]:
    command = [sys.executable, str(WORKER), target, str(TARGETS[target]), SEED, str(folder), *inputs]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return {"error": f"it hangs with {folder}/{target}.input"}
    if done.returncode:
        return {"error": f"ended with {done.returncode} at {folder}/{target}.input: {done.stderr[-3000:]}"}
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[dict[str, Any]]"]]:
    """All targets, as many side by side as there are cores."""
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        inputs = [str(corpora())]
    except pytest.skip.Exception:
        inputs = []  # the seeds that are built must do
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {target: pool.submit(fuzz, target, folder, inputs) for target in TARGETS}


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_inputs_are_results(target: str, runs: dict[str, "Future[dict[str, Any]]"]) -> None:
    said = runs[target].result()
    print(said)  # noqa: T201 - shown where the test fails, and by `make fuzz`
    assert "error" not in said, said["error"]
    assert said["count"] > 0
    assert said["grown_mib"] < MOST_GROWN_MIB
