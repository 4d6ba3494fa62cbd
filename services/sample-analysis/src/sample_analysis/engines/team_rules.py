"""The rules and lists that teams add: checked in a child, then compiled once before the children are made."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yara_x

from caseway_kit.sandbox import Sample
from sample_analysis.engines import listed
from sample_analysis.engines.listed import BadList, Lists
from sample_analysis.team_files import is_rules, list_kind

PROBLEMS_KEPT = 20


@dataclass
class TeamSet:
    """What is in force in this process."""

    rules: yara_x.Rules | None = None
    version: str = ""
    lists: Lists = field(default_factory=Lists)


in_force = TeamSet()


def load(path: str) -> None:
    """Put a checked snapshot in force: ``{file name: text}`` as JSON. Called before any child is made."""
    texts = json.loads(Path(path).read_bytes())
    rules, problems = _compiled(texts)
    if problems:
        raise ValueError(problems[0])
    in_force.rules, in_force.version = rules, version_of(texts, rules=True)
    in_force.lists = listed.read(_lists(texts), version_of(texts, rules=False))


def check(sample: Sample) -> dict[str, Any]:
    """``{"problems": […]}``: what makes this snapshot unfit to be loaded, in the compiler's own words."""
    texts = json.loads(sample.read())
    _, problems = _compiled(texts)
    try:
        listed.read(_lists(texts), "")
    except BadList as error:
        problems.append(str(error))
    return {"problems": problems[:PROBLEMS_KEPT]}


def version_of(texts: Mapping[str, str], *, rules: bool) -> str:
    """The hash of the rules' files, or of the lists'; empty when there are none."""
    names = sorted(name for name in texts if is_rules(name) is rules)
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{texts[name]}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:12] if names else ""


def _compiled(texts: Mapping[str, str]) -> tuple[yara_x.Rules | None, list[str]]:
    sources = [(name, text) for name, text in sorted(texts.items()) if is_rules(name)]
    if not sources:
        return None, []
    # What a rule file names is not read: neither files of this machine nor those of another team.
    compiler = yara_x.Compiler(includes_enabled=False)
    problems = []
    for name, source in sources:
        compiler.new_namespace(name.rpartition(".")[0])
        try:
            compiler.add_source(source, origin=name)
        except yara_x.CompileError as error:
            problems.append(str(error)[:2000])
    return compiler.build(), problems


def _lists(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if list_kind(name)}
