from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from embedded_system import System


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Callable[..., System]]:
    """Start a system of the test's own, with extra environment for its services. It accepts a load from one account as
    fast as it can: a part that dies has work in hand."""
    started: list[System] = []

    def up(**environment: str) -> System:
        system = System(tmp_path, port=port, CASEWAY_TESTING="1", INTAKE_SUBMISSIONS_PER_MINUTE="100000", **environment)
        started.append(system)
        system.up("--no-demo")
        return system

    yield up
    for system in started:
        system.down()
