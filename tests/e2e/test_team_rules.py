"""Rules that a team adds while the system runs."""

import json
from typing import Any

import pytest
from embedded_system import Client, System, by, eventually
from evidence import aes_zip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RULE = """rule seen_by_a_team {
  meta: verdict = "suspicious" says = "A mark of ours"
  strings: $a = "TEAM-MARK"
  condition: $a
}"""


def engines(system: System) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(system.caseway("engines", "--json").stdout)
    return found


def test_rule_is_in_force_without_a_restart_and_a_bad_one_is_named(system: System, customer: Client) -> None:
    rules = system.data / "rules"
    (rules / "team.yar").write_text(RULE)
    eventually(lambda: engines(system)["team"], lambda team: team == {"files": ["team.yar"], "problems": []})
    archive = aes_zip({"a.txt": b"a TEAM-MARK here"}, "infected")
    sr = customer.opened(attachments=[("samples.zip", archive, None)])
    files = customer.completed(sr)["analysis"]["files"]
    found = by(files, name="a.txt")
    assert (found["verdict"], found["reasons"][0]["says"]) == ("suspicious", "A mark of ours")
    (rules / "broken.yar").write_text("rule broken { condition: no_such_thing }")
    try:
        eventually(lambda: engines(system)["team"], lambda team: any("broken.yar" in one for one in team["problems"]))
    finally:
        (rules / "broken.yar").unlink()
        (rules / "team.yar").unlink()
    eventually(lambda: engines(system)["team"], lambda team: team == {"files": [], "problems": []})
