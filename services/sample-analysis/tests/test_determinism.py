"""The same bytes give the same result, in whatever order, in whatever process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.testing.corpora import corpora

# Both workers share a machine that may have other things to do.
pytestmark = pytest.mark.timeout(600)

WORKER = Path(__file__).with_name("determined.py")
EVERY = 12
LARGEST = 300_000


def chosen(folder: Path) -> list[str]:
    """Each twelfth file of those that are read quickly, from every corpus."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size <= LARGEST)
    return [str(path.relative_to(folder)) for path in files[::EVERY]]


def worker(folder: Path, names: list[str], seed: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, str(WORKER), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Whatever hangs on the order of a set would come out otherwise.
        env=os.environ | {"PYTHONHASHSEED": seed},
    )
    assert process.stdin is not None
    process.stdin.write("".join(f"{name}\n" for name in names))
    process.stdin.close()
    return process


def results(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    with process.stdout as answers:
        found = {name: rest for name, *rest in map(json.loads, answers)}
    assert process.wait() == 0
    return found


def test_two_workers_find_the_same_in_another_order() -> None:
    folder = corpora()
    names = chosen(folder)
    first, second = worker(folder, names, "1"), worker(folder, names[::-1], "2")
    one, other = results(first), results(second)
    assert len(one) == len(names) > 100
    assert {name for name in names if one[name] != other[name]} == set()
