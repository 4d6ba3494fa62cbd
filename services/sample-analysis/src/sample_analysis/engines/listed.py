"""The teams' own lists: known good and known bad files by hash or near to a listed one, and keys of DKIM."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from caseway_contracts.results import Reason
from sample_analysis.engines.near import Near
from sample_analysis.engines.tree import Node
from sample_analysis.team_files import list_kind

_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_ENTRY = re.compile(r"([0-9A-Za-z]{1,80})(?:[\s,;]{1,8}(.{0,500}))?")
_DKIM_KEY = re.compile(r"(\S{1,500}\._domainkey\.\S{1,255})\s{1,20}(\S.{0,4000})")


class BadList(Exception):
    """A line that is no entry; the message says which and why."""


@dataclass
class Lists:
    """``blocked`` by any of its hashes; ``safe`` by sha256 alone, as the others can be had for two files at once."""

    safe: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    near: Near = field(default_factory=lambda: Near(()))
    dkim_keys: dict[str, str] = field(default_factory=dict)
    """The text of a key record by its name (``selector._domainkey.domain``)."""
    version: str = ""

    def judge(self, node: Node) -> bool:
        """Put what the lists say into ``node``; True when there is nothing more to find out."""
        hashes = [str(node.facts.get(name, "")) for name in ("sha256", "sha1", "md5")]
        if hashes[0] in self.safe:
            node.own = "clean"
            node.reasons.append(self._reason("known-good", "This very file is on the list of known files.", hashes[0]))
            return True
        for listed in filter(self.blocked.__contains__, hashes):
            says = f"This very file is on the list of known bad files{_called(self.blocked[listed])}."
            node.found(self._reason("known-bad", says, listed), "malicious")
            break
        digest = node.facts.get("tlsh")
        if digest and (found := self.near.nearest(str(digest))):
            says = f"Nearly the same as a known bad file{_called(found[1])}: TLSH distance {found[0]}."
            node.found(self._reason("near-known-bad", says, str(digest)), "suspicious")
        return False

    def _reason(self, rule: str, says: str, where: str) -> Reason:
        return Reason(engine="lists", version=self.version, rule=rule, where=where, says=says)


def read(texts: Mapping[str, str], version: str) -> Lists:
    """``texts`` by file name: an entry a line, a hash and what it is called, or a key record. Raises BadList."""
    lists = Lists(version=version)
    near: list[tuple[str, str]] = []
    for name, text in sorted(texts.items()):
        kind = list_kind(name)
        if kind == "dkim":
            lists.dkim_keys |= _dkim_keys(name, text)
            continue
        for line, value, label in _entries(name, text):
            if kind == "near":
                try:
                    Near([(value, label)])
                except ValueError:
                    raise BadList(f"{name}, line {line}: {value[:80]!r} is no TLSH digest") from None
                near.append((value, label))
            elif not _HASH.fullmatch(value.lower()):
                raise BadList(f"{name}, line {line}: {value[:80]!r} is no MD5, SHA-1 or SHA-256")
            elif kind == "safelist" and len(value) != 64:
                raise BadList(f"{name}, line {line}: a safelist takes SHA-256 only, as MD5 and SHA-1 can be forged")
            else:
                (lists.safe if kind == "safelist" else lists.blocked)[value.lower()] = label
    lists.near = Near(near)
    return lists


def _entries(name: str, text: str) -> Iterable[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.split("#", 1)[0].strip()
        if not entry:
            continue
        if not (match := _ENTRY.fullmatch(entry)):
            raise BadList(f"{name}, line {number}: expected a hash and a name")
        yield number, match[1], (match[2] or "").strip()


def _dkim_keys(name: str, text: str) -> dict[str, str]:
    keys = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not (entry := line.strip()) or entry.startswith("#"):
            continue
        if not (match := _DKIM_KEY.fullmatch(entry)):
            raise BadList(f"{name}, line {number}: expected selector._domainkey.domain and the text of its record")
        keys[match[1].lower()] = match[2].strip('" ')
    return keys


def _called(name: str) -> str:
    return f" ({name})" if name else ""
