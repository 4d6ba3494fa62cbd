"""Scripts of Windows and the web: commands, hidden text, encoded parts, addresses."""

import re

from sample_analysis.engines import command_lines
from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.programs import commands, signs

SCRIPT_BYTES = 4 * 1024 * 1024
LINES = 20_000
_ENCODED = b"#@~^"
_OF_OTHER_SYSTEMS = ("text/x-shellscript", "text/x-php", "text/x-python")
# Their programs pass over a first line that is another system's.
_OF_WINDOWS = (".ps1", ".psm1", ".bat", ".cmd")
_LINE_END = re.compile(r"[\r\n]+")


def inspect(inspection: Inspection) -> None:
    data = inspection.content.head(SCRIPT_BYTES)
    if _ENCODED in data:
        says = "The script is encoded so that it runs but cannot be read."
        inspection.suspect("encoded-script", says, f"offset {data.index(_ENCODED)}")
    text = read(data)
    if inspection.content.size > SCRIPT_BYTES or len(text) > commands.SEARCHED:
        says = f"Only the first {commands.SEARCHED // 1024 // 1024} MiB were searched for what it does and hides."
        inspection.node.cut_short("script-bytes", says)
    for number, line in enumerate(_LINE_END.split(text, LINES), start=1):
        if command_lines.is_suspicious(line):
            says = "A command that decodes or downloads code, or removes traces and backups."
            inspection.suspect("suspicious-command", says, f"line {number}: {line.strip()}")
            break
    commands.hidden(inspection, text)
    if inspection.found.mime not in _OF_OTHER_SYSTEMS or inspection.node.name.lower().endswith(_OF_WINDOWS):
        signs.judge(inspection, text)
    commands.unpack(inspection, text, "script")


def read(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data[: len(data) & ~1].decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")
