"""What the YARA rules say: the project's own and the teams'. A set's version is the hash of its text."""

import hashlib
from functools import cache
from importlib.resources import files

import yara_x

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import Reason
from caseway_kit.archives import Content
from sample_analysis.engines import team_rules
from sample_analysis.engines.tree import Node

SCANNED_BYTES = 64 * 1024 * 1024
SECONDS = 20
_VERDICTS: dict[str, Verdict] = {"malicious": "malicious", "suspicious": "suspicious"}


def scan(node: Node, content: Content, where: str = "") -> None:
    """Put what the rules find into ``node``; ``where`` names the part of it that ``content`` is."""
    head = content.head(SCANNED_BYTES)
    if content.size > SCANNED_BYTES:
        node.cut_short("scanned-bytes", f"Only the first {SCANNED_BYTES // 1024 // 1024} MiB were scanned with rules.")
    for engine, version, scanner in scanners():
        try:
            results = scanner.scan(head)
        except yara_x.TimeoutError:
            node.cut_short("scan-time", f"The rules were stopped after {SECONDS} seconds.")
        else:
            _tell(node, results, engine, version, where)


def _tell(node: Node, results: yara_x.ScanResults, engine: str, version: str, where: str) -> None:
    told = {reason.rule for reason in node.reasons if reason.engine == engine}
    for rule in results.matching_rules:
        if rule.identifier in told:
            continue
        about = dict(rule.metadata)
        node.found(
            Reason(
                engine=engine,
                version=version,
                rule=rule.identifier,
                where=", ".join(filter(None, (where, _first_match(rule)))),
                says=str(about.get("says") or about.get("description") or rule.identifier),
            ),
            _VERDICTS.get(str(about.get("verdict")), "unknown"),
        )


def rules_version() -> str:
    return _rules()[1]


def _first_match(rule: yara_x.Rule) -> str:
    offsets = [match.offset for pattern in rule.patterns for match in pattern.matches]
    return f"offset {min(offsets)}" if offsets else ""


@cache
def _rules() -> tuple[yara_x.Rules, str]:
    sources = sorted(
        (rule.name, rule.read_text()) for rule in files("sample_analysis.rules").iterdir() if rule.name.endswith(".yar")
    )
    compiler = yara_x.Compiler()
    digest = hashlib.sha256()
    for name, source in sources:
        compiler.new_namespace(name.removesuffix(".yar"))
        compiler.add_source(source, origin=name)
        digest.update(source.encode())
    return compiler.build(), digest.hexdigest()[:12]


@cache
def scanners() -> list[tuple[str, str, yara_x.Scanner]]:
    own, version = _rules()
    made = [("caseway-rules", version, yara_x.Scanner(own))]
    if team_rules.in_force.rules is not None:
        made.append(("team-rules", team_rules.in_force.version, yara_x.Scanner(team_rules.in_force.rules)))
    for _, _, scanner in made:
        scanner.set_timeout(SECONDS)
    return made
