"""Rules and lists that teams add beside the project's own."""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.archives import Content
from caseway_kit.sandbox import Sample
from sample_analysis.engines import near, team_rules, tlsh, versions, yara
from sample_analysis.engines.hashing import hashes

Examine = Callable[..., Any]
TeamSet = Callable[[dict[str, str]], None]

RULE = """rule our_family { meta: verdict = "malicious" description = "A family of ours" strings: $a = "family-mark"
condition: $a }"""


def problems(tmp_path: Path, files: dict[str, str]) -> list[str]:
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(files))
    with path.open("rb") as file:
        found: list[str] = team_rules.check(Sample(file.fileno()))["problems"]
    return found


def test_rules_of_a_team_judge_beside_our_own(examine: Examine, team_set: TeamSet, eicar: bytes) -> None:
    team_set({"family.yar": RULE, "facts.yara": "rule has_digits { strings: $a = /[0-9]{4}/ condition: $a }"})
    report = examine(b"xx family-mark 2026", "a.txt")
    assert report.root.verdict == "malicious"
    assert [(reason.engine, reason.rule, reason.says) for reason in report.root.reasons] == [
        ("team-rules", "has_digits", "has_digits"),
        ("team-rules", "our_family", "A family of ours"),
    ]
    [stated] = [version for version in report.plain["engines"] if version.startswith("team-rules/")]
    assert {reason.version for reason in report.root.reasons} == {stated.partition("/")[2]}
    assert examine(eicar, "eicar.com").root.verdict == "malicious"


def test_changed_rules_are_another_version(team_set: TeamSet) -> None:
    team_set({"family.yar": RULE})
    before = versions()
    team_set({"family.yar": RULE.replace("family-mark", "other-mark")})
    assert before != versions()
    team_set({})
    assert not [version for version in versions() if version.startswith(("team-rules", "lists"))]


def test_safelisted_file_is_clean(examine: Examine, team_set: TeamSet, eicar: bytes) -> None:
    team_set({"safelist-own.txt": f"# ours\n\n{hashlib.sha256(eicar).hexdigest().upper()}  test file\n"})
    report = examine(eicar, "eicar.com")
    assert (report.root.verdict, [reason.rule for reason in report.root.reasons]) == ("clean", ["known-good"])


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_blocklisted_file_is_malicious_wherever_it_lies(
    examine: Examine, team_set: TeamSet, make_zip: Callable[[dict[str, bytes]], bytes], name: str
) -> None:
    team_set({"blocklist.txt": f"{hashlib.new(name, b'harmless').hexdigest()}, Test.Family"})
    report = examine(make_zip({"folder/a.txt": b"harmless", "b.txt": b"other"}), "a.zip")
    assert (report.file("folder/a.txt").verdict, report.root.verdict) == ("malicious", "malicious")
    [reason] = report.file("folder/a.txt").reasons
    assert (reason.engine, reason.rule) == ("lists", "known-bad")
    assert "(Test.Family)" in reason.says


def test_variant_of_a_listed_file_is_suspicious(examine: Examine, team_set: TeamSet) -> None:
    known = random.Random(7).randbytes(20_000)
    digest = hashes(Content.of_bytes(known))["tlsh"]
    team_set({"near-families.txt": f"{digest} Test.Family\n"})
    variant = known[:9_000] + b"another configuration" + known[9_021:]
    report = examine(variant, "a.bin")
    assert report.root.verdict == "suspicious"
    assert "(Test.Family): TLSH distance" in report.root.reasons[0].says
    assert examine(random.Random(8).randbytes(20_000), "b.bin").root.verdict == "unknown"


def test_all_distances_at_once_are_those_of_one_by_one() -> None:
    samples = [random.Random(seed).randbytes(5_000 + 300 * seed) for seed in range(40)]
    samples += [sample[:-50] + b"x" * 50 for sample in samples]
    digests = [str(hashes(Content.of_bytes(sample))["tlsh"]) for sample in samples]
    index = near.Near([(digest, str(place)) for place, digest in enumerate(digests[:40])])
    for digest in digests[40:]:
        distance, place = min((tlsh.distance(digest, known), place) for place, known in enumerate(digests[:40]))
        assert index.nearest(digest) == ((distance, str(place)) if distance <= near.NEAR else None)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yar", "rule x { condition: no_such_thing }", "a.yar"),
        ("a.yar", 'include "/etc/passwd"', "a.yar"),
        ("a.yar", "\x00\x01", "a.yar"),
        ("blocklist.txt", "ok\n", "blocklist.txt, line 1"),
        ("blocklist.txt", f"{'a' * 64} fine\n{'b' * 63} short", "blocklist.txt, line 2"),
        ("safelist.txt", "d41d8cd98f00b204e9800998ecf8427e", "SHA-256 only"),
        ("near.txt", "T1ZZZ", "no TLSH digest"),
        ("dkim.txt", "sel.example.com v=DKIM1; p=AAAA", "expected selector._domainkey.domain"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    [problem] = problems(tmp_path, {"good.yar": RULE, name: text})
    assert says in problem


def test_every_rule_that_the_peer_refuses_is_refused_here(tmp_path: Path, corpora: Path) -> None:
    sources = sorted((corpora / "yarax-compiler" / "errors").glob("*.in"))
    accepted = [path.name for path in sources if not problems(tmp_path, {"a.yar": path.read_text()})]
    assert len(sources) >= 70
    assert accepted == []


def test_scan_of_a_catastrophic_rule_ends_at_its_limit(
    examine: Examine, team_set: TeamSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yara, "SECONDS", 1)
    pairs = "for all i in (0..filesize - 1) : (for all j in (0..filesize - 1) : (uint8(i) == uint8(j)))"
    slow = f"rule slow {{ condition: {pairs} }}"
    team_set({"slow.yar": slow})
    report = examine(b"a" * 400_000, "a.bin")
    assert "scan-time" in report.limits()
