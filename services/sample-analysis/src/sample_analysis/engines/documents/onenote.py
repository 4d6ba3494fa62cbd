"""OneNote: files that lie in a notebook's section, one double click from being started."""

import re

from caseway_kit.archives import Content, detect, named_susceptible
from sample_analysis.engines.inspection import Inspection

DOCUMENT_BYTES = 192 * 1024 * 1024
FILES = 200
_FILE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
_HEADER = 36
_NAME = re.compile(rb"(?:[\x20-\x7e]\x00){1,120}\.\x00(?:[A-Za-z0-9]\x00){2,8}(?=\x00\x00)")


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(DOCUMENT_BYTES)
    for name in dict.fromkeys(match.group().decode("utf-16-le") for match in _NAME.finditer(data)):
        if named_susceptible(name):
            says = "A file is embedded that is a program, script or shortcut by its name."
            inspection.suspect("embedded-program", says, re.split(r"[\\/]", name)[-1])
    at = data.find(_FILE)
    count = 0
    while at >= 0 and count < FILES:
        count += 1
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        body = data[at + _HEADER : at + _HEADER + size]
        if body:
            _give(inspection, body, count, at)
        at = data.find(_FILE, at + _HEADER)
    if at >= 0:
        inspection.node.cut_short("objects", f"Only the first {FILES} embedded files were taken out.")


def _give(inspection: Inspection, body: bytes, count: int, at: int) -> None:
    found = detect(Content.of_bytes(body))
    where = f"offset {at}: {found.mime}"
    if found.family != "image":
        inspection.tell("embedded-object", "It holds an embedded file, which was taken out.", where)
    if found.susceptible:
        says = "A file is embedded that is a program, script or shortcut by its content."
        inspection.suspect("embedded-program", says, where)
    inspection.take_out(f"object/{at}", f"embedded file {count}", body)
