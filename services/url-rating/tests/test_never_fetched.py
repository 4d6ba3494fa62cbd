"""A submitted URL is only ever a string: nothing in the package could open one."""

import ast
import json
from pathlib import Path

import pytest

import url_rating
from caseway_kit.testing.corpora import corpora
from url_rating.canonical import FOUND_LIMIT, InvalidUrl, canonicalize

CLIENTS = {"http", "httpx", "requests", "aiohttp", "urllib", "urllib3", "socket", "dns", "ftplib", "subprocess"}
MODULES = sorted(Path(str(url_rating.__file__)).parent.rglob("*.py"))


def imported(module: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize(
    "module", sorted(Path(str(url_rating.__file__)).parent.rglob("*.py")), ids=lambda one: one.name
)
def test_no_module_knows_a_client(module: Path) -> None:
    assert imported(module) & CLIENTS == set()


def test_urls_that_lead_inside_are_strings_like_any_other() -> None:
    vectors = json.loads((corpora("own-vectors") / "ssrf.json").read_text())
    assert len(vectors) > 20
    for vector in vectors:
        try:
            canonical = canonicalize(vector["url"], limit=FOUND_LIMIT)
        except InvalidUrl:
            continue
        assert canonicalize(str(canonical)) == canonical, vector
