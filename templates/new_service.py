"""Makes a service out of ``templates/service``: ``python templates/new_service.py NAME [--root DIR]``.

The template stands as the project does: what is at a path in it goes to that path, under the new name.
What it makes is complete: it has its topics, its owner and its place in the embedded system, and all checks pass.
"""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

TEMPLATES = Path(__file__).parent
EXAMPLE = "example-service"
TOPICS = Path("shared/contracts/src/caseway_contracts/topics")
GENERATED = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}

Edit = Callable[[str], str]


class Refused(Exception):
    """Nothing was written; the message says why."""


class NewService:
    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.package = name.replace("-", "_")
        self.root = root
        members = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
        services = [member.removeprefix("services/") for member in members if member.startswith("services/")]
        self.last = services[-1]

    def check(self) -> None:
        from caseway_contracts.evidence import KNOWN_KINDS

        if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name) or len(self.name) > 40:
            raise Refused(
                f"{self.name!r}: small letters, digits and single hyphens, at most 40, such as packet-captures"
            )
        if (self.root / "services" / self.name).exists():
            raise Refused(f"services/{self.name} is there already")
        if self.package in KNOWN_KINDS:
            raise Refused(f"evidence of the kind {self.package} is analysed by sample-analysis; take another name")
        if self.package in sys.stdlib_module_names or importlib.util.find_spec(self.package) is not None:
            raise Refused(f"a package {self.package} is installed already; take another name")

    def files(self) -> dict[Path, str]:
        """The new files, by their path below the root."""
        template = TEMPLATES / "service"
        made = {
            source.relative_to(template): source
            for source in sorted(template.rglob("*"))
            if source.is_file() and not GENERATED & set(source.parts)
        }
        return {Path(self._renamed(str(path))): self._renamed(source.read_text()) for path, source in made.items()}

    def edits(self) -> dict[Path, str]:
        """The files that list every service, with this one added."""
        edits: dict[str, list[Edit]] = {
            "pyproject.toml": [
                _before('"deploy/embedded"', f'"services/{self.name}", '),
                _before('"deploy/embedded/tests"', f'"services/{self.name}/tests", '),
            ],
            ".importlinter": [_after_each_line(f"    {self.last.replace('-', '_')}", f"    {self.package}")],
            "CODEOWNERS": [
                _after_line(f"/services/{self.last}/", f"{f'/services/{self.name}/':<45} @caseway/{self.name}"),
                _after_line(f"/{TOPICS}/{self.last}-*.yaml", f"/{TOPICS}/{self.name}-*.yaml  @caseway/{self.name}"),
                _after_line(
                    f"/{TOPICS}/analyses.yaml",
                    f"/{TOPICS}/analyses-{self.name}.yaml  @caseway/{self.name} @caseway/contracts",
                ),
            ],
            f"{TOPICS}/cases.yaml": [_substituted(r"(?m)^(consumers: \[.*)\]$", rf"\1, {self.name}]")],
            "deploy/embedded/src/caseway_embedded/services.py": [
                _before('    Service("portal"', f'    Service("{self.name}", "{self.package}"),\n')
            ],
        }
        changed = {}
        for path, steps in edits.items():
            text = (self.root / path).read_text()
            for step in steps:
                try:
                    text = step(text)
                except LookupError as error:
                    raise Refused(f"{path} does not look as it used to: no {error}") from None
            changed[Path(path)] = text
        return changed

    def finish(self) -> None:
        """What depends on the name: the order of imports, the length of lines, the AsyncAPI document."""
        folder = self.root / "services" / self.name
        self._run("ruff", "check", "--quiet", "--fix", "--select", "I", str(folder))
        self._run("ruff", "format", "--quiet", str(folder))
        (folder / "asyncapi.json").write_text(self._run("caseway_kit.asyncapi", self.name))

    def _run(self, module: str, *arguments: str) -> str:
        paths = [f"services/{self.name}/src", "shared/contracts/src", "shared/kit/src"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(self.root / path) for path in paths)}
        # S603: our own interpreter, with arguments made above
        answer = subprocess.run(  # noqa: S603
            [sys.executable, "-m", module, *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        return answer.stdout.decode()

    def _renamed(self, text: str) -> str:
        for old, new in {
            EXAMPLE: self.name,
            EXAMPLE.replace("-", "_"): self.package,
            EXAMPLE.replace("-", "_").upper(): self.package.upper(),
            EXAMPLE.replace("-", " "): self.name.replace("-", " "),
        }.items():
            text = text.replace(old, new)
        return text


def _before(anchor: str, added: str) -> Edit:
    return _substituted(re.escape(anchor), lambda found: added + found[0])


def _after_line(start: str, line: str) -> Edit:
    return _substituted(rf"(?m)^{re.escape(start)}.*\n", lambda found: f"{found[0]}{line}\n")


def _after_each_line(known: str, line: str) -> Edit:
    return _substituted(rf"(?m)^{re.escape(known)}\n", lambda found: f"{found[0]}{line}\n", every=True)


def _substituted(pattern: str, by: str | Callable[[re.Match[str]], str], *, every: bool = False) -> Edit:
    def edit(text: str) -> str:
        changed, count = re.subn(pattern, by, text, count=0 if every else 1)
        if not count:
            raise LookupError(pattern)
        return changed

    return edit


def make(name: str, root: Path) -> list[Path]:
    """The files outside of the new folder that are new or changed."""
    service = NewService(name, root)
    service.check()
    written = {**service.files(), **service.edits()}
    for path, text in written.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    service.finish()
    return [path for path in written if not path.is_relative_to(Path("services") / name)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Start a service of your own: an analyser of one kind of evidence.")
    parser.add_argument("name", help="such as packet-captures")
    parser.add_argument("--root", type=Path, default=TEMPLATES.parent, help="the project; this one when left out")
    arguments = parser.parse_args()
    try:
        touched = make(arguments.name, arguments.root.resolve())
    except Refused as refusal:
        sys.exit(str(refusal))
    sys.stdout.write(f"services/{arguments.name} is there, and these files know of it:\n")
    sys.stdout.writelines(f"  {path}\n" for path in touched)
    sys.stdout.write("Next: make setup check, then CONTRIBUTING.md, “Add a service in one sitting”.\n")


if __name__ == "__main__":
    main()
