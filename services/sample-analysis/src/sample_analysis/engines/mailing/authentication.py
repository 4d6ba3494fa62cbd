"""What a mail states about its authentication. Whoever wrote the mail can have written any line below the first hop.

Only what stands above the topmost ``Received`` line, or is by the host that wrote that line, was added by the receiver.
"""

import re
from dataclasses import dataclass, field
from email.message import Message

from sample_analysis.engines.mail_parts import headers, safely

_METHOD = re.compile(r"(?i)\b(spf|dkim|dmarc|arc|compauth)\s{0,8}=\s{0,8}([a-z]{2,20})\b")
_DOMAIN = re.compile(r"(?i)\b(?:header\.(?:d|i|from)|smtp\.(?:mailfrom|helo))\s{0,8}=\s{0,8}@?([^\s;]{1,255})")
_COMMENT = re.compile(r"\([^()]{0,500}\)")
_BY = re.compile(r"(?i)\bby\s{1,20}([^\s;()]{1,255})")
_LINES = 20


@dataclass
class Stated:
    """``by``: the host that says so, empty where no line can be trusted to be the receiver's."""

    results: dict[str, str] = field(default_factory=dict)
    by: str = ""
    arc: str = ""


def stated(mail: Message) -> Stated:
    found = Stated()
    trusted = _trusted_lines(mail)
    for host, line in trusted:
        found.by = found.by or host
        for method, result in _METHOD.findall(_COMMENT.sub(" ", line)):
            found.results.setdefault(method.lower(), result.lower())
    if not found.results:
        _from_others(mail, found)
    seals = headers(mail, "ARC-Seal")[:_LINES]
    validations = [
        match.group(1).lower() for seal in seals if (match := re.search(r"(?i)\bcv\s{0,4}=\s{0,4}(\w+)", seal))
    ]
    found.arc = found.results.pop("arc", "") or (validations[0] if validations else "")
    return found


def _trusted_lines(mail: Message) -> list[tuple[str, str]]:
    """Of the topmost host that states results, as long as it is the one that the mail came to last."""
    items = safely(lambda: [(name.lower(), str(value)[:16384]) for name, value in mail.items()], [])
    received = next((number for number, (name, _) in enumerate(items) if name == "received"), None)
    receiver = _host(_BY, items[received][1]) if received is not None else ""
    lines: list[tuple[str, str]] = []
    for number, (name, value) in enumerate(items):
        if name != "authentication-results":
            continue
        host = _COMMENT.sub(" ", value).partition(";")[0].split()
        by = host[0].lower() if host else ""
        above = received is None or number < received
        if lines and by != lines[0][0]:
            break
        if above or _same_organisation(by, receiver):
            lines.append((by, value.partition(";")[2]))
        if len(lines) >= _LINES:
            break
    return lines


def _from_others(mail: Message, found: Stated) -> None:
    """Where nobody states results in the usual line: the topmost ``Received-SPF``, above the first hop only."""
    items = safely(lambda: [name.lower() for name, _ in mail.items()], [])
    if "received-spf" in items and (
        "received" not in items or items.index("received-spf") <= items.index("received") + 1
    ):
        line = next(iter(headers(mail, "Received-SPF")), "")
        if result := re.match(r"\s{0,8}([A-Za-z]{2,20})\b", line):
            found.results["spf"] = result.group(1).lower()


def _host(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text[:4096])
    return match.group(1).rstrip(".,").lower() if match else ""


def _same_organisation(one: str, other: str) -> bool:
    return bool(one and other) and (one == other or one.split(".")[-2:] == other.split(".")[-2:])
