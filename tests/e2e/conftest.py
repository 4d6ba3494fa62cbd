import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_system import Client, System

from caseway_kit.testing.ports import held_port


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One whole system for all end-to-end tests; CASEWAY_TEST_SYSTEM names the data folder of one that runs already."""
    if running := os.environ.get("CASEWAY_TEST_SYSTEM"):
        system = System(Path(tmp_path_factory.mktemp("system")))
        system.data = Path(running)
        yield system
        system.hang_up()
        return
    with held_port() as port:
        system = System(Path(tmp_path_factory.mktemp("system")), port=port)
        system.up("--no-demo")
        yield system
        system.down()


@pytest.fixture
def customer(system: System) -> Client:
    return system.client("customer")


@pytest.fixture
def other_customer(system: System) -> Client:
    return system.client("other_customer")
