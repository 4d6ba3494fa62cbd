"""Programs of macOS: what their headers state."""

import struct

from caseway_kit.archives import Content
from sample_analysis.engines.inspection import Inspection

COMMANDS = 2000
COMMAND_BYTES = 1024 * 1024
ARCHITECTURES = 16
_MACHINES = {7: "x86", 0x01000007: "x86-64", 12: "ARM", 0x0100000C: "ARM64", 18: "PowerPC", 0x01000012: "PowerPC64"}
_KINDS = {1: "object file", 2: "program", 6: "library", 8: "bundle", 10: "file of symbols", 11: "kernel extension"}
_MAGICS = {
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xfe\xed\xfa\xcf": (">", True),
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xcf\xfa\xed\xfe": ("<", True),
}
_LIBRARIES = {0x0C, 0x80000018, 0x8000001F}
_SIGNATURE, _ENCRYPTION, _ENCRYPTION_64 = 0x1D, 0x21, 0x2C


def inspect(inspection: Inspection) -> None:
    content = inspection.content
    head = content.head(8)
    if head[:4] in (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"):
        count = int.from_bytes(head[4:8], "big")
        inspection.tell("universal-program", f"It holds a program for {count} kinds of machine.")
        size = 32 if head[3] == 0xBF else 20
        for index in range(min(count, ARCHITECTURES)):
            entry = content.read(8 + index * size, size)
            if len(entry) == size:
                _one(inspection, content, *struct.unpack_from(">QQ" if size == 32 else ">II", entry, 8)[:1])
    else:
        _one(inspection, content, 0)


def _one(inspection: Inspection, content: Content, start: int) -> None:
    head = content.read(start, 32)
    form = _MAGICS.get(head[:4])
    if form is None or len(head) < 28:
        inspection.tell(
            "not-a-program", "It begins like a program of macOS, but its header is not whole.", f"offset {start}"
        )
        return
    order, wide = form
    machine, _sub, kind, count, size, _flags = struct.unpack_from(f"{order}6I", head, 4)
    commands = content.read(start + (32 if wide else 28), min(size, COMMAND_BYTES))
    libraries, signed, encrypted = _commands(commands, order, count)
    made_for = _MACHINES.get(machine, hex(machine))
    says = f"A {_KINDS.get(kind, 'file')} for macOS ({made_for}) that uses {len(libraries)} libraries."
    inspection.tell("program", says, ", ".join(libraries[:12]))
    if signed:
        inspection.tell("signed", "It carries a code signature, which was not checked.", f"offset {start}")
    else:
        inspection.tell("not-signed", "It is not signed.", f"offset {start}" if start else "")
    if encrypted:
        inspection.tell("section-packed", "A part of it is encrypted.", f"offset {start}")


def _commands(data: bytes, order: str, count: int) -> tuple[list[str], bool, bool]:
    libraries: list[str] = []
    signed = encrypted = False
    at = 0
    for _ in range(min(count, COMMANDS)):
        if at + 8 > len(data):
            break
        kind, size = struct.unpack_from(f"{order}II", data, at)
        if size < 8:
            break
        if kind in _LIBRARIES and at + 12 <= len(data):
            (name,) = struct.unpack_from(f"{order}I", data, at + 8)
            libraries.append(data[at + name : at + size].split(b"\x00")[0].decode("utf-8", "replace"))
        signed |= kind == _SIGNATURE
        if kind in (_ENCRYPTION, _ENCRYPTION_64) and at + 20 <= len(data):
            encrypted |= struct.unpack_from(f"{order}I", data, at + 16)[0] != 0
        at += size
    return libraries, signed, encrypted
