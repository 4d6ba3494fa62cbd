"""Outlook's bodies in RTF: the compression around them, and the HTML that is often inside."""

import re
import struct
from collections.abc import Iterator

UNPACKED = 16 * 1024 * 1024
DEPTH = 500
_PRESET = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\(.)|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
_SKIPPED = frozenset((b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"themedata", b"datastore"))
_SPOKEN = {b"par": b"\n", b"line": b"\n", b"tab": b"\t", b"lquote": b"'", b"rquote": b"'", b"ldblquote": b'"'}
_SPOKEN |= {b"rdblquote": b'"', b"bullet": b"*", b"endash": b"-", b"emdash": b"-"}
_CODEPAGES = {65001: "utf-8", 1200: "utf-16-le", 10000: "mac-roman", 20127: "ascii", 28591: "latin-1"}


def unpacked(data: bytes) -> bytes:
    """Empty for what is not compressed RTF; never more than ``UNPACKED``."""
    if len(data) < 16:
        return b""
    _, size, magic, _ = struct.unpack_from("<IIII", data)
    if magic == 0x414C454D:
        return data[16 : 16 + min(size, UNPACKED)]
    return _inflated(data[16:], min(size, UNPACKED)) if magic == 0x75465A4C else b""


def _inflated(data: bytes, size: int) -> bytes:
    ring = bytearray(_PRESET.ljust(4096, b"\0"))
    write, at, out = len(_PRESET), 0, bytearray()
    while at < len(data) and len(out) < size:
        control, at = data[at], at + 1
        for bit in range(8):
            if not control >> bit & 1:
                if at >= len(data):
                    return bytes(out)
                piece, at = data[at : at + 1], at + 1
            else:
                if at + 2 > len(data):
                    return bytes(out)
                word, at = data[at] << 8 | data[at + 1], at + 2
                start, length = word >> 4, (word & 15) + 2
                if start == write:
                    return bytes(out)
                piece = _copied(ring, start, write, length)
            for byte in piece:
                ring[write] = byte
                write = (write + 1) % 4096
            out += piece
    return bytes(out)


def _copied(ring: bytearray, start: int, write: int, length: int) -> bytes:
    distance = (write - start) % 4096
    first = bytes(ring[(start + step) % 4096] for step in range(min(distance, length)))
    return (first * length)[:length]


def html(rtf: bytes) -> str:
    """The HTML that was made into this RTF; empty where none was."""
    return "".join(_pieces(rtf, html_only=True)) if b"\\fromhtml" in rtf[:4096] else ""


def text(rtf: bytes) -> str:
    return "".join(_pieces(rtf, html_only=False)) if rtf.lstrip()[:5] == b"{\\rtf" else ""


def _pieces(rtf: bytes, *, html_only: bool) -> Iterator[str]:
    """``state``: whether what follows in this group is hidden, and whether it is inside a tag of the HTML."""
    hidden, in_tag, starred, waiting = False, False, False, 0
    states: list[tuple[bool, bool]] = []
    charset = "cp1252"
    for match in _TOKEN.finditer(rtf):
        code, word, number, symbol, brace, plain = match.groups()
        if brace == b"{":
            # Deeper than any program goes: what is inside stays as it was around it.
            states.append((hidden, in_tag))
            if len(states) > DEPTH:
                return
        elif brace == b"}":
            hidden, in_tag = states.pop() if states else (False, False)
        elif symbol == b"*":
            starred = True
            continue
        elif word == b"ansicpg" and number:
            charset = _CODEPAGES.get(int(number), f"cp{int(number)}")
        elif word == b"htmltag":
            hidden, in_tag = False, True
        elif word == b"htmlrtf":
            hidden = number != b"0"
        elif word is not None and (starred or word in _SKIPPED):
            hidden = True
        elif hidden:
            pass
        elif word == b"u" and number:
            waiting = 1
            yield chr(int(number) % 65536) if not 0xD800 <= int(number) % 65536 <= 0xDFFF else ""
        elif word in _SPOKEN and not (html_only and in_tag and word not in (b"par", b"line", b"tab")):
            yield _SPOKEN[word].decode()
        elif code and waiting:
            waiting = 0
        elif code:
            yield _decoded(bytes([int(code, 16)]), charset)
        elif symbol in (b"\\", b"{", b"}", b"~", b"_"):
            yield {b"~": " ", b"_": "-"}.get(symbol, symbol.decode())
        elif plain:
            yield _decoded(plain[waiting:], charset)
            waiting = 0
        starred = False


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return data.decode("cp1252", "replace")
