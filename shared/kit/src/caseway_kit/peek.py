"""A first look at an attachment while its sender still waits: facts only, from which intake makes its refusals.

It runs in the sandbox with a small budget. What it can't see (members of members, what comes after its time) is
left to the analysis.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

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
    named_susceptible,
    open_archive,
)
from caseway_kit.archives.content import Opened
from caseway_kit.archives.filetypes import FileType
from caseway_kit.archives.reading import Archive, list_locked
from caseway_kit.archives.ziplayout import ends_as_zip
from caseway_kit.forwarded import is_forwarded

State = Literal[
    "open", "not_archive", "needs_password", "wrong_password", "unsupported_encryption", "unreadable", "empty"
]

SECONDS = 1.5
MEMBER_READ = 2 * 1024 * 1024
NAMES_TOLD = 1000
ATTK_REPORTS = ("scanreport.xml", "assessreport.xml")
# Zips that are one thing to their user: their members are not what was sent.
ARCHIVE_FAMILIES = ("archive", "disk-image")


@dataclass
class _Seen:
    names: list[str] = field(default_factory=list)
    files: int = 0
    mails: int = 0
    reports: int = 0
    looked_at: int = 0
    susceptible: list[dict[str, Any]] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    damaged: bool = False
    locked: bool = False
    partial: bool = False


def peek(
    source: Opened | str, name: str = "", passwords: Sequence[str] = (), seconds: float = SECONDS
) -> dict[str, Any]:
    """What an attachment is, plain data.

    ``state``: ``open``, ``not_archive``, ``needs_password`` (none was given), ``wrong_password``,
    ``unsupported_encryption``, ``unreadable`` or ``empty``; ``kind``: ``file``, ``email`` or ``attk_log``;
    ``susceptible``: what must not be sent bare, each with ``name``, ``why`` and ``protected``.
    """
    with Content.of(source) as sample:
        return _peek(sample, name, passwords, seconds)


def _peek(sample: Content, name: str, passwords: Sequence[str], seconds: float) -> dict[str, Any]:
    limits = Limits(seconds=seconds, password_seconds=seconds / 2, unpacked_bytes=128 * 1024 * 1024)
    budget = Budget(limits=limits, piece_bytes=sample.size)
    found = detect(sample, name)
    seen = _Seen()
    state: State = "not_archive"
    opened_with: str | None = None
    encrypted, oddities = False, tuple[str, ...]()
    if found.family in ARCHIVE_FAMILIES and found.members:
        try:
            with open_archive(sample, budget=budget, passwords=passwords, name=name, found=found) as archive:
                opened_with, encrypted, oddities = archive.opened_with, archive.encrypted, archive.ambiguous
                state = _look_inside(archive, seen)
        except PasswordNeeded as needed:
            encrypted = True
            state = "wrong_password" if passwords else "needs_password"
            if not needed.supported:
                state = "unsupported_encryption"
            elif found.mime == "application/zip" and not ends_as_zip(sample):
                # It breaks off: the right password would not open it either.
                state = "unreadable"
            _list_names(sample, name, budget, seen)
        except (Unreadable, NotAnArchive):
            state = "unreadable"
        except LimitReached:
            state, seen.partial = "open", True
    elif found.family == "archive":
        # Known by its signature, but of a format that nothing here can open.
        state = "unreadable"
    elif sample.size == 0:
        state = "empty"
    if (why := _why_susceptible(found, name)) is not None:
        seen.susceptible.append({"name": name, "why": why, "protected": False})
    if found.family == "mail" and is_forwarded(sample):
        seen.forwarded.append(name)
    return {
        "type": found.mime,
        "family": found.family,
        "kind": _kind(found, seen),
        "size": sample.size,
        "state": state,
        "archive": state != "not_archive" and found.family in ARCHIVE_FAMILIES,
        "encrypted": encrypted,
        "opened_with": opened_with,
        "opened_by": None if opened_with is None else "customer" if opened_with in passwords else "standard",
        "members": seen.names[:NAMES_TOLD],
        "member_count": seen.files,
        "susceptible": seen.susceptible[:NAMES_TOLD],
        "susceptible_unprotected": any(not each["protected"] for each in seen.susceptible),
        "mails": seen.mails,
        "forwarded": seen.forwarded[:NAMES_TOLD],
        "ambiguous": list(oddities),
        "damaged": seen.damaged,
        "partial": seen.partial,
    }


def _look_inside(archive: Archive, seen: _Seen) -> State:
    try:
        for member in archive.members():
            _look_at(member, seen)
    except Unreadable:
        seen.damaged = True
    except LimitReached:
        seen.partial = True
    if seen.files == 0:
        return "unreadable" if seen.damaged else "open" if seen.partial else "empty"
    return "unreadable" if seen.damaged and not seen.looked_at and not seen.locked else "open"


def _look_at(member: Member, seen: _Seen) -> None:
    if member.kind != "file":
        return
    seen.files += 1
    if len(seen.names) < NAMES_TOLD:
        seen.names.append(member.path)
    if member.path.replace("\\", "/").rpartition("/")[2].lower() in ATTK_REPORTS:
        seen.reports += 1
    found = FileType("application/octet-stream", "unknown")
    try:
        sample = Content.of_bytes(_beginning(member))
        found = detect(sample, member.path)
        seen.looked_at += 1
        if found.family == "mail":
            seen.mails += 1
            if is_forwarded(sample):
                seen.forwarded.append(member.path)
    except PasswordNeeded:
        seen.locked = True
    except Unreadable:
        seen.damaged = True
    if (why := _why_susceptible(found, member.path)) is not None:
        seen.susceptible.append({"name": member.path, "why": why, "protected": member.encrypted})


def _beginning(member: Member) -> bytes:
    """Enough of a member to know it by; the rest is passed over without being unpacked, where the format can."""
    out = bytearray()
    for chunk in member.chunks():
        out += chunk
        if len(out) >= MEMBER_READ:
            break
    return bytes(out)


def _list_names(sample: Content, name: str, budget: Budget, seen: _Seen) -> None:
    try:
        for member in list_locked(sample, budget=budget, name=name):
            if member.kind == "file":
                seen.files += 1
                if len(seen.names) < NAMES_TOLD:
                    seen.names.append(member.path)
    except Unreadable:
        # An encrypted directory: there are no names to tell.
        return
    except LimitReached:
        seen.partial = True


def _why_susceptible(found: FileType, name: str) -> str | None:
    if found.susceptible:
        return found.family
    # A mail, a picture or plain text stays one whatever it is called; a script has no other mark than its name.
    claimed = named_susceptible(name)
    return claimed if found.family not in ("image", "mail") else None


def _kind(found: FileType, seen: _Seen) -> str:
    if found.family == "mail" or (seen.mails and seen.mails == seen.files):
        return "email"
    return "attk_log" if seen.reports else "file"
