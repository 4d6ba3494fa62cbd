"""The folder of the teams' rules, with the real sandbox: it is there that rules are checked and compiled."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caseway_kit.sandbox import Sandbox
from sample_analysis.engine_client import BUDGET, PRELOAD, Engines
from sample_analysis.team_folder import TeamFolder

RULE = 'rule of_a_team { meta: verdict = "suspicious" strings: $a = "MARK" condition: $a }'


@pytest.fixture
async def jail(open_folder: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(workers=1, scratch=open_folder, preload=[PRELOAD], ceiling=BUDGET) as sandbox:
        yield sandbox


@pytest.fixture
async def engines(jail: Sandbox) -> Engines:
    engines = Engines(jail)
    await engines.prepare()
    return engines


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


@pytest.fixture
def team(jail: Sandbox, engines: Engines, open_folder: Path, rules: Path) -> TeamFolder:
    return TeamFolder(
        rules, sandbox=jail, scratch=open_folder, preload=[PRELOAD], budget=BUDGET, renewed=engines.prepare
    )


async def rules_that_match(engines: Engines, open_folder: Path) -> list[str]:
    sample = open_folder / "sample.bin"
    sample.write_bytes(b"a MARK in a file")
    found = await engines.analyze(sample, evidence_id="e", name="a.txt", kind="file", passwords=[])
    return [reason["rule"] for reason in found["files"][0]["reasons"]]


async def test_rules_come_into_force_and_go_without_a_restart(
    team: TeamFolder, rules: Path, engines: Engines, open_folder: Path
) -> None:
    before = engines.versions
    assert await rules_that_match(engines, open_folder) == []
    (rules / "team.yar").write_text(RULE)
    (rules / "notes.txt").write_text("no list of anything")
    await team.look()
    assert (team.files, team.refused) == (("team.yar",), None)
    assert await rules_that_match(engines, open_folder) == ["of_a_team"]
    assert [version for version in engines.versions if version.startswith("team-rules/")]
    (rules / "team.yar").unlink()
    await team.look()
    assert await rules_that_match(engines, open_folder) == []
    assert engines.versions == before


async def test_bad_rule_is_refused_by_name_and_the_set_before_stays(
    team: TeamFolder, rules: Path, engines: Engines, open_folder: Path
) -> None:
    (rules / "team.yar").write_text(RULE)
    await team.look()
    in_force = engines.versions
    (rules / "broken.yar").write_text("rule broken { condition: no_such_thing }")
    (rules / "blocklist.txt").write_text("not a hash\n")
    await team.look()
    assert team.refused is not None
    assert [name for name in ("broken.yar", "blocklist.txt") if any(name in one for one in team.refused.problems)] == [
        "broken.yar",
        "blocklist.txt",
    ]
    assert (engines.versions, team.files) == (in_force, ("team.yar",))
    assert await rules_that_match(engines, open_folder) == ["of_a_team"]
    (rules / "broken.yar").unlink()
    (rules / "blocklist.txt").unlink()
    await team.look()
    assert team.refused is None


async def test_folder_that_cannot_be_read_changes_nothing(team: TeamFolder, rules: Path) -> None:
    (rules / "team.yar").write_bytes(b"rule \xff\xfe")
    await team.look()
    assert team.refused is not None
    assert "team.yar is not UTF-8" in team.refused.problems
    shutil.rmtree(rules)
    await team.look()
    assert team.files == ()
