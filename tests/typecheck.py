"""Checks types, strictly, in groups of files: mypy refuses two modules of one name, and every tests folder has its own
``conftest``. Files belong to the nearest folder above them that has one, else to their ``src`` or ``tests`` folder."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

MEMBERS = ("shared/*", "services/*", "deploy/*")
ROOTS = (*(f"{member}/{part}" for member in MEMBERS for part in ("src", "tests")), "tests")


def groups() -> dict[Path, list[Path]]:
    found = defaultdict(list)
    for root in sorted(root for pattern in ROOTS for root in Path().glob(pattern)):
        for file in sorted(root.rglob("*.py")):
            above = [folder for folder in file.parents if folder == root or root in folder.parents]
            own = next((folder for folder in above if (folder / "conftest.py").exists()), root)
            found[own].append(file)
    return found


def main() -> int:
    failed = 0
    for folder, files in groups().items():
        print(f"  {folder}", flush=True)  # noqa: T201 - progress
        # Fakes of a tests folder serve the folders below it too.
        above = [str(root) for root in folder.parents if root.name == "tests" and root != Path("tests")]
        environment = {**os.environ, "MYPYPATH": os.pathsep.join(["tests", *above])}
        command = [sys.executable, "-m", "mypy", "--no-error-summary", *map(str, files)]
        failed |= subprocess.run(command, env=environment, check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
