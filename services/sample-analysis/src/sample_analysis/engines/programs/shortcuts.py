"""Shortcuts: what a click on them starts, which is seldom what they look like."""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sample_analysis.engines import command_lines
from sample_analysis.engines.documents import targets
from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.programs import commands, scripts

SHORTCUT_BYTES = 1024 * 1024
_HEADER = 76
_WIDE = 0x80
_STRINGS = ((0x04, "description"), (0x08, "relative"), (0x10, "folder"), (0x20, "arguments"), (0x40, "icon"))
_MINIMIZED = 7
_ENVIRONMENT = 0xA0000001
_CARRIED = 4096
_DOCUMENT_ICON = re.compile(
    r"(?i)\.(?:pdf|docx?|xlsx?|rtf|txt|jpe?g|png)$|acrord|winword|excel\.exe|msedge|chrome|imageres|shell32"
)
_FIELD = re.compile(
    r"(?im)^[ \t]{0,20}(url|iconfile|workingdirectory|exec|tryexec|icon|baseurl)[ \t]{0,20}=[ \t]{0,20}(.{1,4096})$"
)
_RUNS = re.compile(
    r"(?i)\.(?:exe|scr|com|pif|cpl|bat|cmd|vbs|vbe|js|jse|wsf|hta|ps1|lnk|url|msi|jar|zip|iso|img)(?:[?#\\/]|$)"
)


@dataclass
class Shortcut:
    target: str = ""
    arguments: str = ""
    icon: str = ""
    folder: str = ""
    relative: str = ""
    description: str = ""
    shown: int = 1
    ends: int = 0

    @property
    def line(self) -> str:
        return f"{self.target or self.relative} {self.arguments}".strip()


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(SHORTCUT_BYTES)
    found = parse(data)
    if not found.ends:
        inspection.node.cut_short("damaged", "The shortcut is not whole: it was read as far as it goes.")
    inspection.tell("shortcut-target", "A click on it starts this.", found.line)
    for place in (found.target, found.icon, found.folder):
        targets.judge(inspection, "shortcut", place, "shortcut")
    if command_lines.starts_script(found.line):
        _interpreter(inspection, found)
    commands.judge(inspection, found.line, "shortcut")
    if " " * 64 in found.arguments or len(found.arguments) > 1024:
        says = "Its arguments are so long or so far to the right that the window of its properties does not show them."
        inspection.suspect("shortcut-hides-arguments", says, f"{len(found.arguments):,} characters")
    if found.ends and inspection.content.size - found.ends > _CARRIED:
        says = "It carries data behind its end, which a shortcut has no use for."
        inspection.suspect("shortcut-carries-data", says, f"offset {found.ends}")


def _interpreter(inspection: Inspection, found: Shortcut) -> None:
    if found.arguments and (found.shown == _MINIMIZED or _DOCUMENT_ICON.search(found.icon)):
        says = "It starts a command interpreter and hides that, with a minimized window or the picture of a document."
        inspection.suspect("shortcut-disguised", says, f"{found.line} [{found.icon}]")


def parse(data: bytes) -> Shortcut:
    """As far as it is whole. Raises struct.error for what is too short to be one."""
    (flags,) = struct.unpack_from("<I", data, 0x14)
    (shown,) = struct.unpack_from("<I", data, 0x3C)
    found = Shortcut(shown=shown)
    with suppress(struct.error):
        _read(found, data, flags)
    return found


def _read(found: Shortcut, data: bytes, flags: int) -> None:
    at = _HEADER
    if flags & 0x01:
        (size,) = struct.unpack_from("<H", data, at)
        found.target = "\\".join(_items(data[at + 2 : at + 2 + size]))
        at += 2 + size
    if flags & 0x02:
        (size,) = struct.unpack_from("<I", data, at)
        found.target = _local_path(data[at : at + size]) or found.target
        at += size
    for flag, name in _STRINGS:
        if flags & flag:
            (count,) = struct.unpack_from("<H", data, at)
            end = at + 2 + count * (2 if flags & _WIDE else 1)
            text = data[at + 2 : end].decode("utf-16-le" if flags & _WIDE else "cp1252", "replace")
            setattr(found, name, text)
            if end > len(data):
                return
            at = end
    found.ends = _extra(found, data, at)


def _items(listed: bytes) -> Iterator[str]:
    """Names of drive, folders and file in the list of shell items."""
    at = 0
    while at + 3 <= len(listed):
        (size,) = struct.unpack_from("<H", listed, at)
        item = listed[at + 2 : at + size]
        if size < 3:
            return
        kind = item[0] & 0x70
        if kind == 0x20 and len(item) > 3:
            yield item[1:4].split(b"\x00")[0].decode("cp1252", "replace").rstrip("\\")
        elif kind == 0x30 and len(item) > 12:
            name = item[12:].split(b"\x00")[0]
            yield (
                item[12:].decode("utf-16-le", "replace").split("\x00")[0]
                if item[0] & 4
                else name.decode("cp1252", "replace")
            )
        at += size


def _local_path(info: bytes) -> str:
    _size, header, flags, _volume, local, network, suffix = struct.unpack_from("<7I", info)
    if header >= 0x24 and flags & 1:
        (wide,) = struct.unpack_from("<I", info, 0x1C)
        if wide and (text := info[wide:].decode("utf-16-le", "replace").split("\x00")[0]):
            return text
    tail = _narrow(info, suffix)
    if flags & 1 and local:
        return _narrow(info, local) + tail
    if flags & 2 and network:
        (name,) = struct.unpack_from("<I", info, network + 8)
        return f"{_narrow(info, network + name)}\\{tail}"
    return ""


def _narrow(info: bytes, at: int) -> str:
    return info[at:].split(b"\x00")[0].decode("cp1252", "replace") if at else ""


def _extra(found: Shortcut, data: bytes, at: int) -> int:
    while at + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, at)
        if size < 8:
            return at + 4
        if struct.unpack_from("<I", data, at + 4)[0] == _ENVIRONMENT and not found.target:
            found.target = data[at + 268 : at + 788].decode("utf-16-le", "replace").split("\x00")[0]
        at += size
    return min(at, len(data))


def inspect_text(inspection: Inspection) -> None:
    """Shortcuts that are texts: ``.url`` and ``.desktop``."""
    text = scripts.read(inspection.content.head(SHORTCUT_BYTES))
    for match in _FIELD.finditer(text):
        key, value = match.group(1).lower(), match.group(2).strip()
        inspection.link(value)
        if key in ("exec", "tryexec"):
            inspection.tell("shortcut-target", "A click on it starts this.", value)
            commands.judge(inspection, value, key)
            continue
        if key == "url":
            inspection.tell("shortcut-target", "A click on it opens this.", value)
            if (
                value.lower().startswith(("file:", "\\\\"))
                and _RUNS.search(value)
                and not re.match(r"(?i)file:/{2,3}[a-z]:", value)
            ):
                says = "A click on it starts a program, a script or another shortcut from a share."
                inspection.suspect("shortcut-to-program", says, value)
        targets.judge(inspection, "shortcut", value, key)
