import re
from importlib.resources import files
from pathlib import Path

import pytest

from portal.pages import assets
from portal.pages.nav import PROFILE, TOP
from portal.phrases import phrases

TEMPLATES = sorted((Path(str(files("portal"))) / "templates").rglob("*.html"))
NAMED = re.compile(r"""\bt\(\s*"([^"]+)"\s*[,)]""")
STATIC = re.compile(r"""\bstatic\("([^"]+)"\)""")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_and_file_that_a_template_names_is_there(path: Path) -> None:
    source = path.read_text("utf-8")
    say = phrases()
    several = {key.rpartition(".")[0] for key in say if key.endswith((".one", ".other"))}
    assert [key for key in NAMED.findall(source) if key not in say and key not in several] == []
    assert [name for name in STATIC.findall(source) if assets.find(name) is None] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_needs_what_the_policy_forbids(path: Path) -> None:
    source = path.read_text("utf-8")
    assert re.findall(r"<style|\bstyle=|<script(?![^>]*\bsrc=)|\bon[a-z]+=|javascript:|\|\s*safe\b", source) == []


def test_every_item_of_the_menus_has_a_text() -> None:
    say = phrases()
    assert [item.key for item in (*TOP, *PROFILE) if f"nav.{item.key}" not in say] == []
