"""What Outlook packs into ``winmail.dat``: attachments, and the body in a form of its own."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from sample_analysis.engines.mailing import mapi, rtf

SIGNATURE = b"\x78\x9f\x3e\x22"
PROPERTIES = 10_000
ITEMS = 1000
_BODY, _MAPI = 0x800C, 0x9003
_RENDER, _TITLE, _DATA, _ATTACHMENT = 0x9002, 0x8010, 0x800F, 0x9005
_ATTACH_LEVEL = 2


@dataclass
class Item:
    """An attachment or a body while its attributes come in; the order in which they do is the sender's."""

    name: str = ""
    data: bytes = b""
    title: str = ""
    others: list[bytes] = field(default_factory=list)


class Damaged(ValueError):
    """Its end, or what it says about its lengths, is not to be trusted: what came before is."""


def items(data: bytes) -> Iterator[Item]:
    """Attachments, then bodies; raises Damaged after all that could be read."""
    attached: Item | None = None
    bodies: list[Item] = []
    count, broken = 0, False
    known: set[int] = set()
    try:
        for level, attribute, value in _attributes(data):
            if level == _ATTACH_LEVEL and (attribute == _RENDER or attached is None or attribute in known):
                if attached is not None:
                    yield attached
                attached, count, known = Item(), count + 1, set()
                if count > ITEMS:
                    raise Damaged
            if attached is not None and level == _ATTACH_LEVEL:
                known.add(attribute)
                _take(attached, attribute, value)
            elif attribute == _BODY and value.strip(b"\0 \r\n"):
                bodies.append(Item("body.txt", value.rstrip(b"\0")))
            elif attribute == _MAPI:
                bodies.extend(_bodies(value))
    except Damaged:
        broken = True
    if attached is not None:
        yield attached
    yield from bodies
    if broken:
        raise Damaged


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        level, attribute, _, length = struct.unpack_from("<BHHI", data, at)
        at += 9
        if level not in (1, 2):
            raise Damaged
        yield level, attribute, data[at : at + length]
        if at + length > len(data):
            raise Damaged
        at += length + 2


def _take(item: Item, attribute: int, value: bytes) -> None:
    if attribute == _TITLE:
        item.title = mapi.text(mapi.TEXT8, value)
    elif attribute == _DATA:
        item.data = value
    elif attribute == _ATTACHMENT:
        names = {}
        for number, kind, data in properties(value):
            if number in (mapi.ATTACH_LONG_FILENAME, mapi.ATTACH_FILENAME, mapi.DISPLAY_NAME):
                names[number] = mapi.text(kind, data)
            elif number == mapi.ATTACH_DATA and data:
                # An object begins with the id of what it is; inside is another winmail.dat or an OLE file.
                item.others.append(data[16:] if kind == mapi.OBJECT else data)
        item.name = names.get(mapi.ATTACH_LONG_FILENAME) or names.get(mapi.ATTACH_FILENAME) or ""
        item.title = item.title or names.get(mapi.DISPLAY_NAME, "")


def _bodies(value: bytes) -> Iterator[Item]:
    for number, kind, data in properties(value):
        if number == mapi.HTML and data:
            yield Item("body.html", data if kind == mapi.BINARY else mapi.text(kind, data).encode("utf-8", "replace"))
        elif number == mapi.RTF and (plain := rtf.unpacked(data)):
            if page := rtf.html(plain):
                yield Item("body.html", page.encode("utf-8", "replace"))
            yield Item("body.rtf", plain)


def properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Number, type and value; ends where the data contradict themselves."""
    try:
        (count,) = struct.unpack_from("<I", data)
        at = 4
        for _ in range(min(count, PROPERTIES)):
            kind, number = struct.unpack_from("<HH", data, at)
            at += 4
            if number >= 0x8000:
                at = _after_name(data, at)
            many, kind = bool(kind & 0x1000), kind & 0xEFFF
            values = 1
            if many or kind in mapi.VARIABLE:
                (values,) = struct.unpack_from("<I", data, at)
                at += 4
            for _ in range(min(values, PROPERTIES)):
                size = mapi.SIZES.get(kind)
                if kind in mapi.VARIABLE:
                    (size,) = struct.unpack_from("<I", data, at)
                    at += 4
                if size is None or at + size > len(data):
                    return
                yield number, kind, data[at : at + size]
                at += (size + 3) & ~3
    except struct.error:
        return


def _after_name(data: bytes, at: int) -> int:
    (named,) = struct.unpack_from("<I", data, at + 16)
    if named == 0:
        return at + 24
    (length,) = struct.unpack_from("<I", data, at + 20)
    return int(at + 24 + ((length + 3) & ~3))
