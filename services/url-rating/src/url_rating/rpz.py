"""Reads a response policy zone, the form in which DNS block lists are exchanged: a zone file whose names are those to
block. ``*.name`` and ``name`` are one entry, as an entry of ours covers what is below it."""

import re
from collections.abc import Iterable

from url_rating.list_rows import NOTHING, Refused, Row

# Policies that let a name through; what else a policy says (nothing, drop, another address) blocks it.
_LET_THROUGH = ("rpz-passthru.", "rpz-tcp-only.")
_RECORDS = frozenset({"CNAME", "A", "AAAA", "TXT"})
_OF_THE_ZONE = frozenset({"SOA", "NS", "RRSIG", "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", "DS"})
_CLASSES = frozenset({"IN", "CH", "HS"})
_TTL = re.compile(r"\d[\dsmhdw]*", re.IGNORECASE)
_IPV4 = re.compile(r"32\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})")
_TRIGGERS = ("rpz-client-ip", "rpz-nsip", "rpz-nsdname")


class RpzReader:
    """Remembers the zone's name, and parentheses that are still open."""

    def __init__(self) -> None:
        self._origin = ""
        self._owner = ""
        self._open = 0

    def __call__(self, line: str) -> Iterable[Row]:
        text = line.partition(";")[0].rstrip()
        words = text.split()
        inside = self._open > 0
        self._open = max(0, self._open + text.count("(") - text.count(")"))
        if not words or inside:
            return NOTHING
        if words[0].startswith("$"):
            return self._directive(words)
        if not text[0].isspace():
            self._owner = words.pop(0)
        return self._record(words)

    def _directive(self, words: list[str]) -> Iterable[Row]:
        if words[0].upper() == "$ORIGIN" and len(words) > 1:
            self._origin = words[1].strip(".").casefold()
        return NOTHING

    def _record(self, words: list[str]) -> Iterable[Row]:
        while words and (words[0].upper() in _CLASSES or _TTL.fullmatch(words[0])):
            words.pop(0)
        kind = words[0].upper() if words else ""
        if kind == "SOA" and not self._origin:
            self._origin = self._owner.strip(".@").casefold()
        if kind in _OF_THE_ZONE:
            return NOTHING
        if kind not in _RECORDS or len(words) < 2:
            raise Refused("not a record")
        if kind == "CNAME" and words[1].casefold() in _LET_THROUGH:
            return NOTHING
        return (Row(self._name()),)

    def _name(self) -> str:
        name = self._owner.casefold()
        if name.endswith("."):
            name = name.rstrip(".").removesuffix(f".{self._origin}" if self._origin else "")
        name = name.removeprefix("*.")
        head, _, trigger = name.rpartition(".")
        if trigger == "rpz-ip":
            if not (address := _IPV4.fullmatch(head)):
                raise Refused("not one IPv4 address")
            return ".".join(reversed(address.groups()))
        if trigger in _TRIGGERS or name in ("", "@", "*", self._origin):
            raise Refused("not about a name")
        return name
