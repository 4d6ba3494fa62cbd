"""A Windows event log of one chunk, as [MS-EVEN6] and libevtx's format notes describe it, without templates."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

_CHUNK, _HEADER, _TABLES = 65536, 4096, 512

Event = tuple[str, int, dict[str, str]]
Element = tuple[str, dict[str, str], Any]


def build(*events: Event) -> bytes:
    """``events``: provider, event id, event data."""
    records = bytearray()
    for number, (provider, event_id, data) in enumerate(events, 1):
        records += _record(number, _TABLES + len(records) + 24, provider, event_id, data)
    chunk = bytearray(_CHUNK)
    chunk[_TABLES : _TABLES + len(records)] = records
    last, end = len(events), _TABLES + len(records)
    struct.pack_into("<8sQQQQIIII", chunk, 0, b"ElfChnk\0", 1, last, 1, last, 128, end - 8, end, zlib.crc32(records))
    struct.pack_into("<I", chunk, 124, zlib.crc32(chunk[:120] + chunk[128:_TABLES]))
    header = bytearray(_HEADER)
    struct.pack_into("<8sQQQIHHHH", header, 0, b"ElfFile\0", 0, 0, last + 1, 128, 1, 3, _HEADER, 1)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    return bytes(header + chunk)


def _record(number: int, start: int, provider: str, event_id: int, data: dict[str, str]) -> bytes:
    xml = _BinaryXml(start)
    system: list[Element] = [("Provider", {"Name": provider}, []), ("EventID", {}, str(event_id))]
    named: list[Element] = [("Data", {"Name": name}, value) for name, value in data.items()]
    xml.element("Event", {}, [("System", {}, system), ("EventData", {}, named)])
    body = bytes(xml.out) + b"\0"
    size = (24 + len(body) + 4 + 7) // 8 * 8
    head = struct.pack("<IIQQ", 0x2A2A, size, number, 133_000_000_000_000_000)
    return (head + body).ljust(size - 4, b"\0") + struct.pack("<I", size)


class _BinaryXml:
    def __init__(self, start: int) -> None:
        self._start = start
        self.out = bytearray(b"\x0f\x01\x01\x00")

    def element(self, tag: str, attributes: dict[str, str], inside: "str | Sequence[Element]") -> None:
        self.out += b"\x41" if attributes else b"\x01"
        size_at = self._later()
        self._name(tag)
        if attributes:
            list_at = self._later()
            for left, (name, value) in zip(range(len(attributes) - 1, -1, -1), attributes.items(), strict=True):
                self.out += b"\x46" if left else b"\x06"
                self._name(name)
                self._text(value)
            self._fill(list_at)
        self.out += b"\x02"
        if isinstance(inside, str):
            self._text(inside)
        else:
            for child in inside:
                self.element(*child)
        self.out += b"\x04"
        self._fill(size_at)

    def _name(self, text: str) -> None:
        self.out += struct.pack("<I", self._start + len(self.out) + 4)
        self.out += struct.pack("<IHH", 0, 0, len(text)) + text.encode("utf-16-le") + b"\0\0"

    def _text(self, text: str) -> None:
        self.out += b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le")

    def _later(self) -> int:
        self.out += bytes(4)
        return len(self.out) - 4

    def _fill(self, at: int) -> None:
        struct.pack_into("<I", self.out, at, len(self.out) - at - 4)
