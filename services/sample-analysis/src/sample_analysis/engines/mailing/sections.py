"""A mail read flat: cut at every line that is a boundary to anybody, without regard to what nests in what.

No recursion and one pass over the bytes: ten thousand multiparts inside one another cost what ten thousand beside one
another do.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote_to_bytes

SECTIONS = 50_000
HEADER_BYTES = 1024 * 1024
LENGTHS = 40
MAILS_IN_ONE_ANOTHER = 50

_LINE_END = rb"(?>\r\n|\r|\n)"
_BLANK = re.compile(_LINE_END + rb"[ \t]*" + _LINE_END)
_END = re.compile(_LINE_END)
_UNFOLD = re.compile(_LINE_END + rb"(?=[ \t])")
_FIELD = re.compile(rb"^([A-Za-z0-9_-]{1,100})[ \t]*:[ \t]*(.*)$", re.DOTALL)
_BOUNDARY = re.compile(
    rb"(?i)boundary(?:\*\d{0,2}\*?)?\s{0,40}=\s{0,40}(?:\"([^\"\r\n]{1,250})\"?|'([^'\r\n]{1,250})'|([^\s;\"]{1,250}))"
)
_PIECE = re.compile(rb"(?i)boundary\*(\d{1,2})?(\*)?\s{0,40}=\s{0,40}(?:\"([^\"\r\n]{1,250})\"?|([^\s;\"]{1,250}))")
_DASHES = re.compile(rb"--(?<![^\r\n]--)([^\r\n]{1,252})(?=[\r\n]|$)")
# A line that looks like a boundary and has a part's header behind it.
_UNDECLARED = re.compile(rb"--(?<![^\r\n]--)([^\r\n \t]{2,250})[ \t]*[\r\n]{1,2}(?i:content-[a-z-]{2,30})[ \t]*:")


@dataclass(frozen=True)
class Section:
    """What stands between two boundaries; ``fields`` by name in lower case, repeated ones all there."""

    fields: dict[str, list[str]]
    body: bytes


def versions(data: bytes) -> Iterator[bytes]:
    """The bytes as they are, and as programs see them that drop NULs or take them for UTF-16."""
    yield data
    if b"\0" in data:
        yield data.replace(b"\0", b"")


def from_utf16(data: bytes) -> bytes | None:
    """The same mail in UTF-8 where it is written in UTF-16 throughout."""
    for mark, charset in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[2:].decode(charset, "replace").encode("utf-8", "replace")
    head = data[:400]
    for offset, charset in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) > 20 and head[offset::2].count(0) > len(head[offset::2]) * 0.9:
            return data.decode(charset, "replace").encode("utf-8", "replace")
    return None


def split(data: bytes) -> Iterator[Section]:
    """Twice where a boundary begins with another: at whole boundaries, then at everything that begins with one."""
    declared = _boundaries(data)
    exact = _places(data, lambda line: _is_boundary(line, declared))
    yield from _cut(data, exact)
    lengths = sorted({len(each) for each in declared})[:LENGTHS]
    loose = _places(data, lambda line: any(line[:length] in declared for length in lengths))
    if loose != exact:
        yield from _cut(data, loose)


def _boundaries(data: bytes) -> frozenset[bytes]:
    found = {next(filter(None, match.groups())) for match in _BOUNDARY.finditer(data)}
    found |= {_without_end(match.group(1)) for match in _UNDECLARED.finditer(data)}
    found |= set(_in_pieces(data))
    return frozenset(stripped for each in found if (stripped := each.strip()))


def _in_pieces(data: bytes) -> Iterator[bytes]:
    """``boundary*0*=...; boundary*1=...``; each that begins anew ends the one before it."""
    held = b""
    for match in _PIECE.finditer(data):
        piece = match.group(3) or match.group(4)
        first = match.group(1) in (None, b"0")
        if match.group(2):
            piece = unquote_to_bytes(piece.split(b"'", 2)[-1] if first else piece)
        if first and held:
            yield held
        held = piece if first else held + piece
    yield held


def _without_end(line: bytes) -> bytes:
    return line.rstrip().removesuffix(b"--")


def _is_boundary(line: bytes, declared: frozenset[bytes]) -> bool:
    line = line.rstrip()
    return line in declared or line.removesuffix(b"--") in declared


def _places(data: bytes, is_boundary: Callable[[bytes], bool]) -> list[tuple[int, int]]:
    found = (match.span() for match in _DASHES.finditer(data) if is_boundary(match.group(1)))
    return list(islice(found, SECTIONS))


def _cut(data: bytes, places: list[tuple[int, int]]) -> Iterator[Section]:
    start = 0
    for begin, end in (*places, (len(data), len(data))):
        yield from _within(data, start, begin)
        start = end


def _within(data: bytes, start: int, end: int) -> Iterator[Section]:
    """A section, and if it is a mail the sections that it begins with."""
    for _ in range(MAILS_IN_ONE_ANOTHER):
        found = section(data, start, end)
        yield found
        if not any(value.strip().lower().startswith("message/") for value in found.fields.get("content-type", [])):
            return
        data, start, end = found.body, 0, len(found.body)


def section(data: bytes, start: int, end: int) -> Section:
    """Header and body; a piece that does not begin with a header field is all body."""
    if line := _END.match(data, start, end):
        start = line.end()
    if _END.match(data, start, end):
        return Section({}, data[start:end])
    blank = _BLANK.search(data, start, end)
    header_end, body = blank.span() if blank is not None else (end, end)
    fields = read_fields(data[start : min(header_end, start + HEADER_BYTES)])
    return Section(fields, data[body:end] if fields else data[start:end])


def read_fields(header: bytes) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for line in _END.split(_UNFOLD.sub(b" ", header)):
        if match := _FIELD.match(line):
            text = match.group(2).decode("utf-8", "replace")
            fields.setdefault(match.group(1).decode("ascii").lower(), []).append(text)
    return fields
