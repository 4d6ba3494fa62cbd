"""The project's own YARA rules, compiled once a process; their version is the hash of their text."""

import hashlib
from functools import cache
from importlib.resources import files

import yara_x

from caseway_contracts.kinds import Verdict
from caseway_contracts.results import Reason
from caseway_kit.archives import Content
from sample_analysis.engines.tree import Node

SCANNED_BYTES = 64 * 1024 * 1024
SECONDS = 20
_VERDICTS: dict[str, Verdict] = {"malicious": "malicious", "suspicious": "suspicious"}


def scan(node: Node, content: Content, where: str = "") -> None:
    """Put what the rules find into ``node``; ``where`` names the part of it that ``content`` is."""
    try:
        results = _scanner().scan(content.head(SCANNED_BYTES))
    except yara_x.TimeoutError:
        node.cut_short("scan-time", f"The rules were stopped after {SECONDS} seconds.")
        return
    if content.size > SCANNED_BYTES:
        node.cut_short("scanned-bytes", f"Only the first {SCANNED_BYTES // 1024 // 1024} MiB were scanned with rules.")
    told = {reason.rule for reason in node.reasons}
    for rule in results.matching_rules:
        if rule.identifier in told:
            continue
        about = dict(rule.metadata)
        node.found(
            Reason(
                engine="caseway-rules",
                version=rules_version(),
                rule=rule.identifier,
                where=", ".join(filter(None, (where, _first_match(rule)))),
                says=str(about.get("says", rule.identifier)),
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
def _scanner() -> yara_x.Scanner:
    scanner = yara_x.Scanner(_rules()[0])
    scanner.set_timeout(SECONDS)
    return scanner
