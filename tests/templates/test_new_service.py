"""What ``make new-service`` makes passes every check at once."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.integration
def test_its_own_tests_pass_also_those_that_start_it(service: Path, installed: Path, run: Run) -> None:
    passed = run("-m", "pytest", "-q", "-p", "no:cacheprovider", f"services/{service.name}/tests", python=installed)

    assert passed.returncode == 0, passed.stdout


def test_it_is_in_style(service: Path, run: Run) -> None:
    checked = run("-m", "ruff", "check", "--no-cache", f"services/{service.name}")
    formatted = run("-m", "ruff", "format", "--no-cache", "--check", f"services/{service.name}")

    assert (checked.returncode, formatted.returncode) == (0, 0), checked.stdout + formatted.stdout


def test_its_types_are_right(service: Path, run: Run) -> None:
    folders = [f"services/{service.name}/src", f"services/{service.name}/tests"]
    checked = run("-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache"), *folders)

    assert checked.returncode == 0, checked.stdout


def test_the_gates_of_the_contracts_let_it_in(service: Path, run: Run) -> None:
    passed = run("-m", "caseway_contracts.gates")

    assert passed.returncode == 0, passed.stdout


def test_it_follows_the_rules_for_every_service(service: Path, run: Run) -> None:
    chosen = f"{service.name} or import_rules_know or import_rules_name or orphan"
    passed = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, "tests/architecture")

    assert passed.returncode == 0, passed.stdout


def test_the_embedded_system_starts_it(service: Path, run: Run) -> None:
    listed = (
        "from importlib import util; from caseway_embedded.services import SERVICES; print(*(s.name for s in SERVICES))"
    )

    assert service.name in run("-c", listed).stdout.split()


@pytest.mark.parametrize("name", ["Packets", "attk-log", "email", "routing"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(tree: Path, run: Run, name: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*.toml")}
    refused = run("templates/new_service.py", "--", name)

    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in tree.rglob("*.toml")} == before
