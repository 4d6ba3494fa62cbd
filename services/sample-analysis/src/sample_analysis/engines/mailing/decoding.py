"""Transfer encodings as the many programs of the world decode them: several answers where they disagree."""

import binascii
import quopri
import re
from collections.abc import Iterator
from itertools import islice, pairwise

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)
_PADDING = re.compile(rb"=+")
_UU_BEGIN = re.compile(rb"(?im)^[ \t]{0,8}begin(-base64)?[ \t]{1,8}[0-7]{3,4}[ \t]{1,8}([^\r\n]{1,255})[\r\n]")
_YENC_BEGIN = re.compile(rb"(?im)^=ybegin [^\r\n]{0,200}?name=([^\r\n]{1,255})[\r\n]")
_YENC_LINE = re.compile(rb"(?im)^=y(?:part|end)\b[^\r\n]{0,200}[\r\n]{0,2}")
_LINE = re.compile(rb"[\r\n]+")
PADDINGS = 64
BLOCKS = 200


def base64_ways(data: bytes) -> Iterator[bytes]:
    """With what is no base64 left out: up to the first padding, over it, and each padded run by itself."""
    kept = data.translate(None, _NOT_BASE64)
    runs = [run for run in _PADDING.split(kept, maxsplit=PADDINGS) if run]
    if not runs:
        return
    yield _base64(runs[0])
    if len(runs) > 1:
        yield b"".join(_base64(run) for run in runs)
        yield _base64(b"".join(runs).replace(b"=", b""))


def _base64(run: bytes) -> bytes:
    run = run.replace(b"=", b"")
    # One letter more than whole groups carries no byte.
    run = run[: len(run) - 1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def quoted_printable(data: bytes) -> bytes:
    return quopri.decodestring(data)


def uuencoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Each block between ``begin`` and ``end``, whatever stands around it; the end may be missing."""
    for match, stop in _blocks(_UU_BEGIN, data):
        name = match.group(2).strip().decode("utf-8", "replace")
        if match.group(1):
            end = data.find(b"====", match.end(), stop)
            yield from ((name, found) for found in base64_ways(data[match.end() : end if end >= 0 else stop]))
            continue
        out: list[bytes] = []
        for line in _lines(data[match.end() : stop]):
            if not line.strip() or line.strip().lower() == b"end":
                break
            if (piece := _uu_line(line)) is None:
                break
            out.append(piece)
        if out:
            yield name, b"".join(out)


def _blocks(begin: re.Pattern[bytes], data: bytes) -> Iterator[tuple[re.Match[bytes], int]]:
    """Each beginning, and where the next is: a block that nobody closed goes no further."""
    for match, follower in pairwise((*islice(begin.finditer(data), BLOCKS), None)):
        if match is not None:
            yield match, follower.start() if follower is not None else len(data)


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    for match in _LINE.finditer(data):
        yield data[start : match.start()]
        start = match.end()
    yield data[start:]


def _uu_line(line: bytes) -> bytes | None:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Lines whose surplus does not fit their count are common: cut to what the count says.
        fits = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:fits])
    except binascii.Error:
        return None


def yenc(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match, stop in _blocks(_YENC_BEGIN, data):
        end = data.find(b"=yend", match.end(), stop)
        body = _YENC_LINE.sub(b"", data[match.end() : end if end >= 0 else stop])
        yield match.group(1).strip().decode("utf-8", "replace"), _yenc(body)


_PLAIN = bytes((byte - 42) % 256 for byte in range(256))
_ESCAPED = re.compile(rb"(?s)=(.)")


def _yenc(body: bytes) -> bytes:
    body = body.replace(b"\r", b"").replace(b"\n", b"")
    return _ESCAPED.sub(lambda found: bytes([(found.group(1)[0] - 64) % 256]), body).translate(_PLAIN)
