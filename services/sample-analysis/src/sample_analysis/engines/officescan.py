"""Logs of the OfficeScan agent that ride along in a package: fields between ``<;>``, one record a line.

Fields and codes: log2timeline/plaso, parsers/trendmicroav.py and formatters/trendmicroav.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from caseway_kit.archives import Content
from sample_analysis.engines.text_streams import decoded, lines

SEPARATOR = "<;>"
NAMES = frozenset({"pccnt35.log", "ofcurlf.log"})
_TICK_LINES = 1024

_SCANS = {"0": "a manual scan", "1": "real-time scan", "2": "a scheduled scan", "3": "Scan Now", "4": "damage cleanup"}
_ACTIONS = {
    0: "cleaned",
    1: "moved to quarantine",
    2: "deleted",
    3: "renamed",
    4: "access was denied",
    5: "cleaning failed",
    6: "moving failed",
    7: "deleting failed",
    8: "renaming failed",
    10: "cleaning failed, moved to quarantine",
    11: "cleaning failed, deleted",
    12: "cleaning failed, renamed",
    13: "access was denied",
    14: "cleaning and moving failed",
    15: "cleaning and deleting failed",
    16: "cleaning and renaming failed",
    25: "passed without an action",
}


@dataclass(frozen=True)
class Detection:
    """The agent's scan found a threat in a file."""

    threat: str
    path: str
    says: str


@dataclass(frozen=True)
class Visit:
    """The agent's web reputation judged an address."""

    url: str
    blocked: bool
    says: str


def is_one(name: str, content: Content) -> bool:
    """By its name, or by a first line with the separators of one."""
    return name in NAMES or (name.endswith(".log") and next(decoded(content), "")[:4096].count(SEPARATOR) >= 9)


def records(content: Content, tick: Callable[[], None]) -> Iterator[Detection | Visit]:
    """``tick`` is called now and then and may stop the reading with an exception of its own."""
    for number, line in enumerate(lines(content)):
        if number % _TICK_LINES == 0:
            tick()
        fields = [field.strip() for field in line.split(SEPARATOR)]
        if len(fields) >= 12 and "://" in fields[3]:
            yield _visit(fields)
        elif len(fields) >= 8 and fields[0].isdigit() and fields[2]:
            yield _detection(fields)


def _detection(fields: list[str]) -> Detection:
    scan = _SCANS.get(fields[4], "a scan")
    action = _ACTIONS.get(_number(fields[3], 10), f"action code {fields[3][:8]}")
    path = fields[6].rstrip("\\") + "\\" + fields[7] if fields[7] and not fields[6].endswith(fields[7]) else fields[6]
    says = f"OfficeScan found {fields[2][:200]} by {scan} on {fields[0][:8]}: {action}."
    return Detection(threat=fields[2], path=path, says=says)


def _visit(fields: list[str]) -> Visit:
    blocked = fields[2] == "1"
    done = "blocked" if blocked else "let through and noted"
    says = (
        f"Web reputation {done} this address on {fields[0][:8]}: category {_number(fields[4], 16)}"
        f" ({fields[5][:80]}), score {fields[9][:4]}."
    )
    return Visit(url=fields[3], blocked=blocked, says=says)


def _number(text: str, base: int) -> int:
    try:
        return int(text[:8], base)
    except ValueError:
        return -1
