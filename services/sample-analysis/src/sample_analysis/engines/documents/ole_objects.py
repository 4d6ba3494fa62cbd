"""Objects in their first form ([MS-OLEDS] 2.2), as RTF holds them: a class, links, and data of one kind or another."""

import re
import struct

from caseway_kit.archives import signatures
from sample_analysis.engines.documents import embedded, targets
from sample_analysis.engines.inspection import Inspection

_EQUATION_CLASS = bytes.fromhex("02ce020000000000c000000000000046")
_EQUATION_STREAM = "Equation Native".encode("utf-16-le")
_URL_MONIKER = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
_WIDE_URL = re.compile(
    rb"(?i)(?:h\x00t\x00t\x00p\x00(?:s\x00)?|f\x00t\x00p\x00):\x00/\x00/\x00(?:[\x21-\x7e]\x00){1,2000}"
)
_EQUATION = re.compile(r"(?i)^equation\.\d")


def first_kind(inspection: Inspection, data: bytes, place: str) -> None:
    """Tell of the object and take out its data; what is built in no known way is taken out as it stands."""
    try:
        name, links, body = _parse(data)
    except (struct.error, ValueError):
        name, links, body = "", (), _from_signature(data)
    says = "It holds an embedded object, which was taken out."
    inspection.tell("embedded-object", says, f"{place}: {name or 'of no class'}")
    if _EQUATION.match(name) or _EQUATION_CLASS in body[:4096] or _EQUATION_STREAM in body[:65536]:
        says = "An object of the old equation editor, whose faults run code when the document is opened."
        inspection.suspect("equation-object", says, f"{place}: {name or 'by its class number'}")
    for target in links:
        targets.judge(inspection, "oleObject", target, place)
    if _URL_MONIKER in body or name.lower().startswith("ole2link"):
        for match in _WIDE_URL.finditer(body):
            targets.judge(inspection, "oleObject", match.group().decode("utf-16-le"), place)
    if not body:
        return
    if name.lower() == "package":
        try:
            embedded.give(inspection, embedded.packaged(body), place)
            return
        except (struct.error, ValueError):
            pass
    inspection.take_out(f"object/{place}", "object", body)


def _parse(data: bytes) -> tuple[str, tuple[str, ...], bytes]:
    _version, kind = struct.unpack_from("<II", data)
    if kind not in (1, 2):
        raise ValueError("neither linked nor embedded")
    name, at = _string(data, 8)
    topic, at = _string(data, at)
    item, at = _string(data, at)
    if kind == 1:
        return name, tuple(filter(None, (topic, item))), b""
    (size,) = struct.unpack_from("<I", data, at)
    return name, (), data[at + 4 : at + 4 + size]


def _string(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, at)
    if length > 4096:
        raise ValueError("no string is that long")
    return data[at + 4 : at + 4 + length].split(b"\x00")[0].decode("cp1252", "replace"), at + 4 + length


def _from_signature(data: bytes) -> bytes:
    at = data.find(signatures.OLE_MAGIC)
    return data[at:] if at >= 0 else data
