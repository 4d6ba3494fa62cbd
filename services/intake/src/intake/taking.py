"""Takes chosen members out of an archive and packs them into a protected zip; runs in the sandbox, plain data out.

A member is named by the id that the analysis gave it: made of where it stands, so that it is found again there.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, NAMESPACE_URL, UUID, uuid5

from caseway_kit.archives import (
    Budget,
    Content,
    LimitReached,
    Limits,
    Member,
    NotAnArchive,
    PasswordNeeded,
    Unreadable,
    detect,
    open_archive,
    protected_zip,
)

PASSWORD = "infected"  # noqa: S105 - the field's own word for samples
# What passes through the sandbox's answer, as text, with room to spare.
MOST_BYTES = 16 * 1024 * 1024
DEPTH = 6


@dataclass
class _Hunt:
    wanted: set[str]
    evidence_id: UUID
    passwords: Sequence[str]
    budget: Budget
    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    size: int = 0

    def missing(self) -> set[str]:
        return self.wanted - self.found.keys()


class TooMuch(Exception):
    """More bytes are wanted than are handed over at once."""


def take(source: Any, name: str, sha256: str, evidence_id: str, wanted: Sequence[str], passwords: Sequence[str]) -> Any:
    """``zip``: the members in base64, ``found``: the ids of those that are in it, ``too_much``: it would be too big."""
    with Content.of(source) as content:
        limits = Limits(seconds=20, cpu_seconds=20, password_seconds=5)
        budget = Budget(limits=limits, piece_bytes=content.size)
        hunt = _Hunt(set(wanted), _uuid(evidence_id), passwords, budget)
        try:
            _search(hunt, content, name, uuid5(NAMESPACE_OID, sha256), 0)
        except TooMuch:
            return {"zip": None, "found": [], "too_much": True}
        except LimitReached:
            pass  # what was not reached is missing
    if not hunt.found:
        return {"zip": None, "found": [], "too_much": False}
    zipped = protected_zip(dict(_named(list(hunt.found.values()))), PASSWORD)
    return {"zip": base64.b64encode(zipped).decode(), "found": sorted(hunt.found), "too_much": False}


def member_id(evidence_id: UUID, engine_id: UUID) -> str:
    return str(uuid5(evidence_id, str(engine_id)))


def _search(hunt: _Hunt, content: Content, name: str, above: UUID, depth: int) -> None:
    found = detect(content, name)
    if found.family not in ("archive", "disk-image") or not found.members:
        return
    try:
        with open_archive(content, budget=hunt.budget, passwords=hunt.passwords, name=name, found=found) as archive:
            for member in archive.members():
                if member.kind == "file":
                    _look(hunt, member, above, depth)
                if not hunt.missing():
                    return
    except (NotAnArchive, PasswordNeeded, Unreadable):
        return


def _look(hunt: _Hunt, member: Member, above: UUID, depth: int) -> None:
    engine_id = uuid5(above, f"{member.index}/{member.path}".encode("utf-8", "backslashreplace").decode())
    public_id = member_id(hunt.evidence_id, engine_id)
    if public_id in hunt.missing():
        data = b"".join(_chunks(hunt, member))
        hunt.found[public_id] = (member.path, data)
        hunt.size += len(data)
    elif depth + 1 < DEPTH:
        data = b"".join(member.chunks())
        with Content.of_bytes(data) as inner:
            _search(hunt, inner, member.path, engine_id, depth + 1)


def _chunks(hunt: _Hunt, member: Member) -> Iterator[bytes]:
    size = hunt.size
    for chunk in member.chunks():
        size += len(chunk)
        if size > MOST_BYTES:
            raise TooMuch
        yield chunk


def _named(members: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Each under a name of its own that leads out of no folder."""
    seen: set[str] = set()
    for path, data in members:
        parts = [re.sub(r"[\x00-\x1f\x7f:]", "_", part) for part in re.split(r"[\\/]", path)]
        stem = "/".join(part for part in parts if part.strip(". ")) or "file"
        name, number = stem, 1
        while name.casefold() in seen:
            number += 1
            name = f"{number}-{stem}"
        seen.add(name.casefold())
        yield name, data


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_URL, text)
