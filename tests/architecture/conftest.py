import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that take a ``service`` run for each service that there is."""
    if "service" in metafunc.fixturenames:
        folders = sorted(folder for folder in (ROOT / "services").iterdir() if folder.is_dir())
        metafunc.parametrize("service", folders, ids=[folder.name for folder in folders])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def services(root: Path) -> set[str]:
    return {folder.name for folder in (root / "services").iterdir() if folder.is_dir()}


@pytest.fixture(scope="session")
def tracked(root: Path) -> list[Path]:
    """Files under version control that stand in the working tree."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True)
    return [file for name in listed.stdout.decode().split("\0") if name and (file := root / name).is_file()]
