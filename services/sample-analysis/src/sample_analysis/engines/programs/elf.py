"""Programs of Linux and its like: what their headers state."""

import struct
from dataclasses import dataclass

from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.programs.bytes_at import entropy

HEAD_BYTES = 16 * 1024 * 1024
SEGMENTS = 512
_KINDS = {1: "object file", 2: "program", 3: "program or library", 4: "memory dump"}
_MACHINES = {2: "SPARC", 3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S390", 40: "ARM", 62: "x86-64"}
_MACHINES |= {183: "ARM64", 243: "RISC-V", 258: "LoongArch"}
_LOAD, _INTERPRETER = 1, 3
_PACKED = 7.2


@dataclass
class _Segment:
    kind: int
    flags: int
    offset: int
    address: int
    size: int
    held: int


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(HEAD_BYTES)
    if len(data) < 52 or data[4] not in (1, 2) or data[5] not in (1, 2):
        inspection.tell("not-a-program", "It begins like a program of Linux, but its header is not whole.")
        return
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    kind, machine = struct.unpack_from(f"{order}HH", data, 16)
    numbers = struct.unpack_from(f"{order}I{'QQQ' if wide else 'III'}I6H", data, 20)
    _version, entry, table, sections, _flags, _size, segment_size, segment_count, _, section_count, _ = numbers
    segments = _segments(data, table, segment_size, min(segment_count, SEGMENTS), wide, order)
    interpreter = next((_text(data, each) for each in segments if each.kind == _INTERPRETER), "")
    linked = f"loaded by {interpreter}" if interpreter else "complete in itself"
    says = f"A {_KINDS.get(kind, 'file')} for Linux or its like ({_MACHINES.get(machine, str(machine))}), {linked}."
    inspection.tell("program", says, f"{len(segments)} segments, {section_count} sections")
    if not section_count or not sections:
        inspection.tell("no-sections", "The table of its sections was taken away, which makes it harder to study.")
    for segment in segments:
        if segment.kind == _LOAD:
            _loaded(inspection, data, segment)
    starts_in = [each for each in segments if each.kind == _LOAD and each.address <= entry < each.address + each.size]
    if entry and segments and not starts_in:
        inspection.tell("entry-outside", "It starts at a place that is not loaded.", hex(entry))
    _overlay(inspection, data, segments, (sections, section_count), wide, order)


def _loaded(inspection: Inspection, data: bytes, segment: _Segment) -> None:
    if segment.flags & 3 == 3:
        inspection.tell("section-writes-code", "A segment can be written and run.", hex(segment.address))
    body = data[segment.offset : segment.offset + segment.held]
    if len(body) > 4096 and segment.flags & 1 and (measured := entropy(body)) > _PACKED:
        says = "A segment of code is packed or encrypted, as its bytes are spread like those of chance."
        inspection.tell("section-packed", says, f"{hex(segment.address)}: {measured:.2f} bits a byte")


def _segments(data: bytes, at: int, size: int, count: int, wide: bool, order: str) -> list[_Segment]:
    form = f"{order}{'IIQQQQQQ' if wide else '8I'}"
    found = []
    for index in range(count):
        place = at + index * size
        if size < struct.calcsize(form) or place + size > len(data):
            break
        fields = struct.unpack_from(form, data, place)
        if wide:
            kind, flags, offset, address, _, held, loaded, _ = fields
        else:
            kind, offset, address, _, held, loaded, flags, _ = fields
        found.append(_Segment(kind, flags, offset, address, loaded, held))
    return found


def _text(data: bytes, segment: _Segment) -> str:
    return data[segment.offset : segment.offset + min(segment.held, 256)].split(b"\x00")[0].decode("latin-1")


def _overlay(
    inspection: Inspection, data: bytes, segments: list[_Segment], sections: tuple[int, int], wide: bool, order: str
) -> None:
    ends = [each.offset + each.held for each in segments]
    size = 64 if wide else 40
    for index in range(min(sections[1], SEGMENTS)):
        place = sections[0] + index * size
        if place + size > len(data):
            return
        kind = struct.unpack_from(f"{order}I", data, place + 4)[0]
        offset, held = struct.unpack_from(f"{order}{'QQ' if wide else 'II'}", data, place + (24 if wide else 16))
        ends += [place + size, *([offset + held] if kind != 8 else [])]
    end = max(ends, default=0)
    if 0 < end < inspection.content.size - 16:
        left = inspection.content.size - end
        inspection.tell("overlay", f"{left:,} bytes follow the program that are not loaded.", f"offset {end}")
