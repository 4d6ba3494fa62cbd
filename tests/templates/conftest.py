import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAME = "packet-captures"
COPIED = ("shared", "services", "deploy", "templates", "tests/architecture")
FILES = ("pyproject.toml", ".importlinter", "CODEOWNERS")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to make services in."""
    copy = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info", "node_modules")
    for folder in COPIED:
        shutil.copytree(ROOT / folder, copy / folder, ignore=ignored)
    for file in FILES:
        shutil.copy(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="session")
def run(tree: Path) -> Run:
    """Runs a module of ours in the copy, whose contracts and new service come before what is installed."""
    paths = [tree / folder / "src" for folder in (f"services/{NAME}", "shared/contracts", "deploy/embedded")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}

    def run(*arguments: str, python: Path = Path(sys.executable)) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [python, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def service(tree: Path, run: Run) -> Path:
    """The folder of a service that was just made."""
    made = run("templates/new_service.py", NAME)
    assert made.returncode == 0, made.stderr
    return tree / "services" / NAME


@pytest.fixture(scope="session")
def installed(service: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the service besides all that ours has."""
    folder = tmp_path_factory.mktemp("environment")
    python = folder / "bin/python"
    uv = [sys.executable, "-m", "uv", "--quiet", "--offline"]
    subprocess.run([*uv, "venv", "--allow-existing", "--python", sys.executable, str(folder)], check=True)
    [packages] = folder.glob("lib/*/site-packages")
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    install = ["pip", "install", "--python", str(python), "--no-deps", "--no-build-isolation", "-e", str(service)]
    subprocess.run([*uv, *install], check=True)
    return python
