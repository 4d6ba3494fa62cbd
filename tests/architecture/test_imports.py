import ast
import configparser
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

CONTRACTS_MAY_IMPORT = {"pydantic", "pydantic_core", "caseway_contracts"}
ONLY_IN = {"yaml": "topics.py", "httpx": "clients.py"}

FRAMEWORKS = {"faststream", "aiokafka", "motor", "pymongo", "bson", "fastapi", "starlette"}
# Where a service meets the world. Everything else in it is its use cases and its rules.
EDGES = {"main", "handlers", "api", "pages", "web"}


@pytest.fixture(scope="session")
def rules(root: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(root / ".importlinter")
    return parser


def test_import_rules_hold(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(root / ".importlinter"), no_cache=True)

    assert status == 0, capsys.readouterr().out


def test_import_rules_know_every_package(root: Path, rules: configparser.ConfigParser) -> None:
    packages = {file.parent.name for file in root.glob("*/*/src/*/__init__.py")}

    assert set(rules["importlinter"]["root_packages"].split()) == packages


@pytest.mark.parametrize(
    ("section", "option"),
    [("independence", "modules"), ("shared", "forbidden_modules"), ("drivers", "source_modules")],
)
def test_import_rules_name_every_service(
    rules: configparser.ConfigParser, services: set[str], section: str, option: str
) -> None:
    named = set(rules[f"importlinter:contract:{section}"][option].split())

    assert {service.replace("-", "_") for service in services} <= named


def test_contracts_import_pydantic_and_little_else(root: Path) -> None:
    package = root / "shared/contracts/src/caseway_contracts"
    allowed = CONTRACTS_MAY_IMPORT | sys.stdlib_module_names

    strays = [
        f"{file.relative_to(package)} imports {name}"
        for file in sorted(package.rglob("*.py"))
        for name in sorted(_imported(file) - allowed)
        if str(file.relative_to(package)) != ONLY_IN.get(name)
    ]

    assert strays == []


def test_use_cases_and_rules_know_no_framework(service: Path) -> None:
    strays = [
        f"{file.relative_to(service)} imports {name}"
        for file in sorted(service.glob("src/**/*.py"))
        if not _is_edge(file.relative_to(service / "src"))
        for name in sorted(_imported(file) & FRAMEWORKS)
    ]

    assert strays == []


def _is_edge(module: Path) -> bool:
    """``handlers.py``, ``cases_api.py``, anything in a package ``api``."""
    return any(part in EDGES or part.rpartition("_")[2] in EDGES for part in module.with_suffix("").parts[1:])


def _imported(file: Path) -> set[str]:
    """Top-level packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found
