"""Dynamic data exchange: a document that asks another program for data, or starts one in its place."""

import re

from sample_analysis.engines.inspection import Inspection

_OFFICE = re.compile(
    r"(?i)^\W{0,4}(?:excel|winword|word|powerpnt|powerpoint|msaccess|soffice|opus|visio)(?:\.[\w.]{1,40})?\b"
)
PROGRAM = re.compile(
    r"(?i)\b(?:cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin|wmic|msiexec|msbuild"
    r"|installutil|hh|explorer|forfiles|pcalua|curl|schtasks|conhost|calc|msexcel)\b|\.(?:exe|scr|com|bat|cmd|ps1|vbs|js|hta|dll)\b"
)
_FIELD = re.compile(r"(?i)^\s{0,40}\W?(dde(?:auto)?)\b\s{0,40}(.{0,2000})", re.DOTALL)
_QUOTED_LETTERS = re.compile(r"(?i)\bQUOTE((?:\s{1,4}\d{1,5}){2,400})")
CELL = re.compile(
    r"(?im)(?:^|[,;\t\"])[ ]{0,20}[=+\-@][=+\-@\w.()*/^&\" ]{0,80}?\|"
    r"[ ]{0,20}['\"]?[^\r\n|]{0,300}?['\"]?![^\r\n,;]{1,40}"
)


def field(inspection: Inspection, instruction: str, where: str) -> None:
    """A field of Word, as its instruction stands there."""
    instruction = _QUOTED_LETTERS.sub(_letters, instruction)
    if (found := _FIELD.match(instruction)) is None:
        return
    what = found.group(2).strip().strip("\"'")
    if _OFFICE.match(what) and not PROGRAM.search(what):
        inspection.tell("dde-field", "A field takes data from another document.", f"{where}: {instruction.strip()}")
        return
    says = "A field that has another program started when the document is opened or updated."
    inspection.suspect("dde-starts-program", says, f"{where}: {instruction.strip()}")


def link(inspection: Inspection, service: str, topic: str, where: str) -> None:
    """A link of Excel to a service."""
    place = f"{where}: {service}|{topic}"
    if PROGRAM.search(f"{service} ") or (PROGRAM.search(topic) and not _OFFICE.match(service)):
        inspection.suspect("dde-starts-program", "A link that has another program started for its data.", place)
    else:
        inspection.tell("dde-link", "A link that takes data from another program.", place)


def cells(inspection: Inspection, text: str) -> None:
    """Cells of a text that a spreadsheet program would take for formulas."""
    for found in CELL.finditer(text):
        formula = found.group().lstrip(',;\t" ')
        link(inspection, formula.partition("|")[0].strip("=+-@ "), formula.partition("|")[2], f"offset {found.start()}")


def _letters(match: re.Match[str]) -> str:
    return " " + "".join(chr(number) for word in match.group(1).split() if 31 < (number := int(word)) < 0xD800)
