"""Objects embedded in documents, taken out as the files that they are."""

import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from caseway_kit.archives import named_susceptible, signatures
from sample_analysis.engines.inspection import Inspection, surviving

OBJECT_BYTES = 64 * 1024 * 1024
_NATIVE = "\x01ole10native"
_WHOLE = ("package", "contents", "embeddedodf", "oleobject", "mimeolestream")
_SLIDE_OBJECT = 0x1011
_RECORDS = 200_000

ReadStream = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Packaged:
    """A file that a user dropped into a document."""

    name: str
    path: str
    data: bytes


def native(stream: bytes) -> Packaged:
    """An Ole10Native stream; one that is not a package is given as it stands."""
    size = int.from_bytes(stream[:4], "little")
    body = stream[4 : 4 + size] if 0 < size <= len(stream) else stream[4:]
    try:
        return packaged(body)
    except (ValueError, struct.error):
        return Packaged("", "", body)


def packaged(body: bytes) -> Packaged:
    """Raises ValueError for what is no package."""
    if body[:2] != b"\x02\x00":
        raise ValueError("no package")
    name, at = _string(body, 2)
    _source, at = _string(body, at)
    at += 4  # two numbers whose meaning nobody wrote down
    (length,) = struct.unpack_from("<I", body, at)
    path = body[at + 4 : at + 4 + length].split(b"\x00")[0]
    at += 4 + length
    (size,) = struct.unpack_from("<I", body, at)
    data = body[at + 4 : at + 4 + size]
    if not data and size:
        raise ValueError("no package")
    return Packaged(_text(name), _text(path), data)


def in_storage(inspection: Inspection, paths: Iterable[str], read: ReadStream) -> None:
    for path in paths:
        folder, _, last = path.rpartition("/")
        if last.lower() == _NATIVE:
            if (stream := read(path)) is not None:
                give(inspection, native(stream), path)
        elif folder and last.lower() in _WHOLE and (stream := read(path)):
            give(inspection, Packaged("", "", stream[:OBJECT_BYTES]), path)


def give(inspection: Inspection, packed: Packaged, place: str) -> None:
    name = re.split(r"[\\/]", packed.name or packed.path)[-1] or "object"
    inspection.tell("embedded-object", "It holds an embedded object, which was taken out.", f"{place}: {name}")
    if named_susceptible(name) or named_susceptible(packed.path):
        says = "A program, script or shortcut is embedded: a click on its picture starts it."
        inspection.suspect("embedded-program", says, f"{place}: {name}")
    inspection.take_out(f"object/{place}", name, packed.data)


def in_slides(inspection: Inspection, stream: bytes) -> None:
    """Objects and the macro project of PowerPoint, often compressed."""
    at = 0
    for _ in range(_RECORDS):
        if at + 8 > len(stream):
            return
        options, kind, size = struct.unpack_from("<HHI", stream, at)
        if options & 0x0F == 0x0F:
            at += 8  # a container: its records follow
            continue
        if kind == _SLIDE_OBJECT:
            with surviving(inspection.node):
                body = stream[at + 8 : at + 8 + size]
                if options >> 4 == 1:
                    body = zlib.decompressobj().decompress(body[4:], OBJECT_BYTES)
                inspection.take_out(f"object/{at}", "object", body)
        at += 8 + size


def raw_storage(inspection: Inspection, stream: bytes) -> None:
    """A storage that lies as it is inside a stream, as Visio keeps its macros."""
    if (at := stream.find(signatures.OLE_MAGIC)) >= 0:
        inspection.take_out(f"object/{at}", "object", stream[at:])


def _string(body: bytes, at: int) -> tuple[bytes, int]:
    end = body.index(b"\x00", at, at + 2048)
    return body[at:end], end + 1


def _text(data: bytes) -> str:
    return data[:1024].decode("cp1252", "replace")
