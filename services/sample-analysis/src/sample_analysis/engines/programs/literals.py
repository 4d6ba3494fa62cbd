"""Files that are written into a script or a page as text: in base64, or as the numbers of their bytes."""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import islice

from caseway_kit.archives import Content, detect

TRIED = 200
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{60,}(?:\r?\n[A-Za-z0-9+/]{1,100}(?![A-Za-z0-9+/]))*={0,2}")
_NUMBERS = re.compile(r"[\[({]([\s,xX0-9A-Fa-f]{127,})")
_NUMBER = re.compile(r"[^\s,]{1,5}")
FEWEST = 64
# Pages are packed with these, or two bytes alone tell them, with which any text like base64 may begin.
_NO_PROOF = ("application/gzip", "application/zlib", "application/x-arj", "application/x-cpio")
_WANTED = ("archive", "disk-image")


def files(text: str) -> Iterator[tuple[str, bytes]]:
    """Those that a reader of the script would not expect in it: programs, scripts, shortcuts, archives, disk images."""
    for match in islice(_BASE64.finditer(text), TRIED):
        yield from _wanted(_decoded(match[0]))
    for match in islice(_NUMBERS.finditer(text), TRIED):
        if len(data := _listed(match[1])) >= FEWEST:
            yield from _wanted(data)


def _listed(text: str) -> bytes:
    try:
        return bytes(int(one[0], 16 if one[0][1:2] in ("x", "X") else 10) for one in _NUMBER.finditer(text))
    except ValueError:
        return b""


def _decoded(text: str) -> bytes:
    text = "".join(text.split()).rstrip("=")
    text = text[:-1] if len(text) % 4 == 1 else text
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _wanted(data: bytes) -> Iterator[tuple[str, bytes]]:
    found = detect(Content.of_bytes(data))
    if found.susceptible or (found.family in _WANTED and found.mime not in _NO_PROOF):
        yield "file", data
