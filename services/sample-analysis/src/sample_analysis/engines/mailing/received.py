"""The way that a mail says it took, newest hop first as it stands in the mail, told here oldest first."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

HOPS = 100
LONG_GAP = 24 * 3600
BACKWARDS = 15 * 60
_READ = 4096
_FROM = re.compile(r"(?i)\bfrom\s{1,20}([^\s;()]{1,255})")
_BY = re.compile(r"(?i)\bby\s{1,20}([^\s;()]{1,255})")
_WITH = re.compile(r"(?i)\bwith\s{1,20}([A-Za-z0-9-]{1,30})")
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F:.]{3,45})\]|\b(\d{1,3}(?:\.\d{1,3}){3})\b")


@dataclass(frozen=True)
class Hop:
    sender: str
    address: str
    receiver: str
    protocol: str
    at: datetime | None


def chain(lines: list[str]) -> list[Hop]:
    return [_hop(line[:_READ]) for line in reversed(lines[:HOPS])]


def _hop(line: str) -> Hop:
    text, _, date = line.rpartition(";")
    text = text or line
    before_by = text[: found.start()] if (found := _BY.search(text)) else text
    return Hop(_first(_FROM, text), _address(before_by), _first(_BY, text), _first(_WITH, text).upper(), _time(date))


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1).rstrip(".,").lower() if match else ""


def _address(text: str) -> str:
    for match in _ADDRESS.finditer(text):
        try:
            return str(ipaddress.ip_address(match.group(1) or match.group(2)))
        except ValueError:
            continue
    return ""


def _time(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def gaps(hops: list[Hop]) -> list[int | None]:
    """Seconds between each hop and the one before it."""
    found: list[int | None] = [None] if hops else []
    for earlier, later in pairwise(hops):
        found.append(round((later.at - earlier.at).total_seconds()) if earlier.at and later.at else None)
    return found
