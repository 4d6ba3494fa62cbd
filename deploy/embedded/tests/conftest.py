import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from embedded_stand_in.stack import Stack, Until


@pytest.fixture(scope="session")
def until() -> Until:
    """Ask again until the answer is true; the answer."""

    def ask(question: Callable[[], Any], patience: float = 60) -> Any:
        deadline = time.monotonic() + patience
        while not (answer := question()):
            assert time.monotonic() < deadline, "it has not become true"
            time.sleep(0.05)
        return answer

    return ask


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, until: Until) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), until)
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def caseway() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "caseway_embedded.cli.main", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def status(caseway: Callable[..., "subprocess.CompletedProcess[str]"]) -> Callable[[Stack], dict[str, Any]]:
    def read(stack: Stack) -> dict[str, Any]:
        seen: dict[str, Any] = json.loads(caseway("status", "--json", "--data", str(stack.data.root)).stdout)
        return seen

    return read
