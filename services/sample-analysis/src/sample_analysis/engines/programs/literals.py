"""Files that are written into a script or a page as text: in base64, or as the numbers of their bytes."""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import islice

from caseway_kit.archives import Content, detect

TRIED = 200
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{60,}(?:\r?\n[A-Za-z0-9+/]{1,100}(?![A-Za-z0-9+/]))*={0,2}")
_NUMBERS = re.compile(
    r"[\[({]\s{0,16}((?:(?:0x[0-9A-Fa-f]{1,2}|\d{1,3})[\s,]{1,16}){63,}(?:0x[0-9A-Fa-f]{1,2}|\d{1,3}))"
)
_COMPRESSED = ("application/gzip", "application/zlib")
_WANTED = ("archive", "disk-image")


def files(text: str) -> Iterator[tuple[str, bytes]]:
    """Those that a reader of the script would not expect in it: programs, scripts, shortcuts, archives, disk images."""
    for match in islice(_BASE64.finditer(text), TRIED):
        yield from _wanted(_decoded(match[0]))
    for match in islice(_NUMBERS.finditer(text), TRIED):
        numbers = [int(one, 0 if one.lower().startswith("0x") else 10) for one in re.findall(r"\w+", match[1])]
        if max(numbers) < 256:
            yield from _wanted(bytes(numbers))


def _decoded(text: str) -> bytes:
    text = "".join(text.split()).rstrip("=")
    text = text[:-1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _wanted(data: bytes) -> Iterator[tuple[str, bytes]]:
    found = detect(Content.of_bytes(data))
    if found.susceptible or (found.family in _WANTED and found.mime not in _COMPRESSED):
        yield "file", data
