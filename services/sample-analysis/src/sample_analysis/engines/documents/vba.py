"""The source text of VBA macros, as [MS-OVBA] stores it: modules in streams, compressed after their p-code."""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MODULE_BYTES = 4 * 1024 * 1024
MODULES = 500
_CHUNK = 4096
_MODULE_NAME, _STREAM_NAME, _OFFSET, _CODE_PAGE = 0x0019, 0x001A, 0x0031, 0x0003
# Every module begins with "Attribute VB_Name": literal in the first chunk, a flag byte before each 8 characters.
_START = re.compile(rb"\x01[\x00-\xff]{2}\x00Attribut\x00e ")

ReadStream = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Module:
    name: str
    stream: str
    source: str
    cache: bytes
    """What precedes the source in its stream: the p-code that Office runs when its version fits."""


def decompress(data: bytes, limit: int = MODULE_BYTES) -> bytes:
    """A CompressedContainer as far as it is whole; ValueError when it is none."""
    if not data.startswith(b"\x01"):
        raise ValueError("no compressed container")
    out = bytearray()
    at = 1
    while at + 2 <= len(data) and len(out) < limit:
        (header,) = struct.unpack_from("<H", data, at)
        if header >> 12 & 7 != 3:
            break
        end = min(at + (header & 0x0FFF) + 3, len(data))
        at += 2
        if header & 0x8000:
            _chunk(data, at, end, out)
        else:
            out += data[at : at + _CHUNK]
        at = end
    return bytes(out[:limit])


def _chunk(data: bytes, at: int, end: int, out: bytearray) -> None:
    start = len(out)
    while at < end:
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= end:
                return
            if not flags >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            if at + 2 > end or len(out) == start:
                return
            token = data[at] | data[at + 1] << 8
            at += 2
            bits = max(4, (len(out) - start - 1).bit_length())
            length = (token & 0xFFFF >> bits) + 3
            offset = (token >> 16 - bits) + 1
            if offset > len(out) - start or len(out) - start + length > _CHUNK:
                return
            _copy(out, offset, length)


def _copy(out: bytearray, offset: int, length: int) -> None:
    piece = bytes(out[-offset:]) if offset <= length else bytes(out[len(out) - offset : len(out) - offset + length])
    out += (piece * (length // len(piece) + 1))[:length]


def modules(folder: str, read: ReadStream) -> Iterator[Module]:
    """The modules that the ``dir`` stream of the VBA storage ``folder`` names."""
    directory = read(f"{folder}/dir")
    if directory is None:
        return
    listed, encoding = _listed(decompress(directory))
    for name, stream, offset in listed[:MODULES]:
        data = read(f"{folder}/{stream}")
        if data is None:
            continue
        yield _module(name, f"{folder}/{stream}", data, offset, encoding)


def stray(stream: str, data: bytes) -> Module | None:
    """A module in a stream that no directory names, found by how every module begins."""
    found = _START.search(data)
    return _module(stream.rpartition("/")[2], stream, data, found.start(), "cp1252") if found else None


def _module(name: str, stream: str, data: bytes, offset: int, encoding: str) -> Module:
    try:
        source = decompress(data[offset:])
    except ValueError:
        found = _START.search(data)
        offset = found.start() if found else len(data)
        source = decompress(data[offset:]) if found else b""
    return Module(name, stream, source.decode(encoding, "replace"), data[:offset])


def _listed(data: bytes) -> tuple[list[tuple[str, str, int]], str]:
    """(name, stream, offset of the source) of every module, and the project's encoding."""
    encoding = "cp1252"
    listed: list[tuple[str, str, int]] = []
    name = stream = ""
    at = 0
    while at + 6 <= len(data):
        kind, size = struct.unpack_from("<HI", data, at)
        body = data[at + 6 : at + 6 + size]
        # PROJECTVERSION states a size that leaves out its last two bytes.
        at += 6 + size + (2 if kind == 0x0009 else 0)
        if kind == _CODE_PAGE and size == 2:
            encoding = _encoding(struct.unpack("<H", body)[0])
        elif kind == _MODULE_NAME:
            name = body.decode(encoding, "replace")
        elif kind == _STREAM_NAME:
            stream = body.decode(encoding, "replace")
        elif kind == _OFFSET and size == 4:
            listed.append((name, stream or name, struct.unpack("<I", body)[0]))
            name = stream = ""
    return listed, encoding


def _encoding(code_page: int) -> str:
    name = {65001: "utf-8", 10000: "mac-roman"}.get(code_page, f"cp{code_page}")
    try:
        b"".decode(name)
    except LookupError:
        return "cp1252"
    return name
