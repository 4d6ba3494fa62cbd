"""What the gates look at: files of the working tree, and of the commit that a change is compared with."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caseway_contracts.schemas import ROOT

REPOSITORY = ROOT.parents[1]
EXAMPLES = ROOT / "examples"


def examples() -> dict[str, bytes]:
    return {
        str(file.relative_to(EXAMPLES)): file.read_bytes() for file in sorted(EXAMPLES.rglob("*")) if file.is_file()
    }


def codeowners() -> str:
    file = REPOSITORY / "CODEOWNERS"
    return file.read_text() if file.exists() else ""


def services() -> list[str]:
    return sorted(folder.name for folder in (REPOSITORY / "services").iterdir() if folder.is_dir())


def documents() -> dict[str, Mapping[str, Any] | None]:
    found: dict[str, Mapping[str, Any] | None] = {}
    for service in services():
        folder = REPOSITORY / "services" / service
        document = folder / "asyncapi.json"
        if document.exists():
            found[service] = json.loads(document.read_text())
        elif any(folder.glob("src/*/handlers.py")) or any(folder.glob("src/*/main.py")):
            found[service] = None
    return found


def base() -> str | None:
    """The commit to compare with: ``CONTRACTS_BASE``, or else the main branch. LookupError: the first names none."""
    named = os.environ.get("CONTRACTS_BASE")
    for name in [named] if named else ["origin/main", "main"]:
        if commit := _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            return commit.strip()
    if named:
        raise LookupError(f"CONTRACTS_BASE={named} names no commit here")
    return None


def files_at(commit: str, folder: Path) -> dict[str, str]:
    """Path below ``folder`` → text, as that commit has it."""
    prefix = f"{folder.relative_to(REPOSITORY)}/"
    names = (_git("ls-tree", "-r", "--name-only", commit, "--", prefix) or "").splitlines()
    return {name.removeprefix(prefix): _git("show", f"{commit}:{name}") or "" for name in names}


def _git(*arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None or not (REPOSITORY / ".git").exists():
        return None
    # S603: the arguments are this module's own, and a name from the environment that git itself checks
    answer = subprocess.run([git, "-C", str(REPOSITORY), *arguments], capture_output=True, check=False)  # noqa: S603
    return answer.stdout.decode() if answer.returncode == 0 else None
