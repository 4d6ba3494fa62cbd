"""Texts that spreadsheet programs open: tables with formulas in their cells, SYLK, web queries."""

import re

from sample_analysis.engines.documents import dde, excel4
from sample_analysis.engines.inspection import Inspection

SEARCHED = 8 * 1024 * 1024
_TABLE = re.compile(r"(?i)\.(?:csv|tsv|tab|txt|xls[xmb]?|prn|dif|slk)$")
_FORMULA = re.compile(r"(?im)^C;.{0,80}?;E(.{1,2000})$")
_NAME = re.compile(r"(?im)^NN;.{0,40}?N(Auto_(?:Open|Close|Activate)\w{0,40})")


def inspect(inspection: Inspection) -> None:
    text = inspection.content.head(SEARCHED).decode("utf-8", "replace")
    if text.startswith("\ufffd\ufffd"):
        text = inspection.content.head(SEARCHED).decode("utf-16", "replace")
    if text.startswith("ID;P"):
        _symbolic_link(inspection, text)
    elif re.match(r"WEB\r?\n\d", text):
        _web_query(inspection, text)
    elif _TABLE.search(inspection.node.name):
        dde.cells(inspection, text)


def _symbolic_link(inspection: Inspection, text: str) -> None:
    sheets = excel4.Sheets()
    sheets.runs += [match.group(1) for match in _NAME.finditer(text)]
    for match in _FORMULA.finditer(text):
        sheets.formula_text(match.group(1))
        dde.cells(inspection, "=" + match.group(1))
    sheets.macro = bool(sheets.runs or sheets.calls)
    sheets.judge(inspection)


def _web_query(inspection: Inspection, text: str) -> None:
    lines = text.splitlines()
    inspection.tell("web-query", "Opened, it has Excel load a page from a server.", lines[2][:200] if lines[2:] else "")
    for line in lines[2:3]:
        inspection.link(line)
