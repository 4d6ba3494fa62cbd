"""Zips made field by field, so that their two accounts of a member can differ."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Forged:
    """A member; ``local`` and ``central`` are the fields in which that header says something else."""

    name: bytes
    data: bytes
    method: int = 0
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)
    descriptor: bytes = b""
    attributes: int = 0

    @property
    def packed(self) -> bytes:
        if self.method == 0:
            return self.data
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        return deflate.compress(self.data) + deflate.flush()

    def says(self, other: Mapping[str, Any]) -> dict[str, Any]:
        crc, packed = zlib.crc32(self.data), len(self.packed)
        plain = {"name": self.name, "flags": 0, "method": self.method, "crc": crc, "extra": b""}
        return {**plain, "packed": packed, "unpacked": len(self.data), **other}


def local_part(member: Forged) -> bytes:
    says = member.says(member.local)
    header = struct.pack(
        "<4sHHHHHIIIHH",
        b"PK\x03\x04",
        20,
        says["flags"],
        says["method"],
        0,
        0,
        says["crc"],
        says["packed"],
        says["unpacked"],
        len(says["name"]),
        len(says["extra"]),
    )
    spoken: bytes = says["name"] + says["extra"]
    return header + spoken + member.packed + member.descriptor


def central_part(member: Forged, at: int, comment: bytes = b"") -> bytes:
    says = member.says(member.central)
    header = struct.pack(
        "<4sHHHHHHIIIHHHHHII",
        b"PK\x01\x02",
        says.get("made_by", 20),
        20,
        says["flags"],
        says["method"],
        0,
        0,
        says["crc"],
        says["packed"],
        says["unpacked"],
        len(says["name"]),
        len(says["extra"]),
        len(comment),
        0,
        0,
        member.attributes,
        says.get("at", at),
    )
    spoken: bytes = says["name"] + says["extra"]
    return header + spoken + comment


def end_part(count: int, size: int, at: int, comment: bytes = b"", other: Mapping[str, int] = NOTHING) -> bytes:
    says = {"here": count, "count": count, "size": size, "at": at, "comment": len(comment), **other}
    return (
        struct.pack(
            "<4sHHHHIIH", b"PK\x05\x06", 0, 0, *(says[key] for key in ("here", "count", "size", "at", "comment"))
        )
        + comment
    )


def end64_part(count: int, size: int, at: int, end64_at: int, sector: bytes = b"", **other: int) -> bytes:
    """The second end record and its locator."""
    says = {"here": count, "count": count, "size": size, "at": at, **other}
    numbers = (says[key] for key in ("here", "count", "size", "at"))
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44 + len(sector), 45, 45, 0, 0, *numbers) + sector
    return record + struct.pack("<4sIQI", b"PK\x06\x07", 0, end64_at, 1)


def forge(
    members: Sequence[Forged],
    *,
    base: int = 0,
    comment: bytes = b"",
    end: Mapping[str, int] = NOTHING,
    wide: bool = False,
) -> bytes:
    """A zip that begins ``base`` bytes into what it will be part of; ``end``: what its end record says otherwise."""
    body, directory = bytearray(), bytearray()
    for member in members:
        directory += central_part(member, base + len(body))
        body += local_part(member)
    at = base + len(body)
    tail = b""
    if wide:
        tail = end64_part(len(members), len(directory), at, at + len(directory))
    count = min(len(members), 0xFFFF)
    return bytes(body + directory + tail + end_part(count, len(directory), at, comment, end))


def unicode_path(original: bytes, name: bytes, *, version: int = 1, crc: int | None = None) -> bytes:
    says = struct.pack("<BI", version, zlib.crc32(original) if crc is None else crc) + name
    return struct.pack("<HH", 0x7075, len(says)) + says
