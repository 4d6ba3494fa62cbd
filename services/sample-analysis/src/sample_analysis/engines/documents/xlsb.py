"""Parts of binary workbooks, ``.xlsb``: macro sheets of Excel 4 and links to other programs."""

import re
import struct
from collections.abc import Iterator

from sample_analysis.engines.documents import dde, excel4
from sample_analysis.engines.inspection import Inspection

PART_BYTES = 64 * 1024 * 1024
RECORDS = 500_000
_SUPBOOK, _NAME = 360, 39
_DDE = 1
_FORMULAS = range(8, 12)
_MACRO_SHEET = re.compile(r"(?i)^xl/macrosheets/(?!binaryIndex)[^/]*$")


def inspect(inspection: Inspection) -> None:
    sheets = excel4.Sheets(macro=_MACRO_SHEET.match(inspection.node.name) is not None)
    for kind, body in _records(inspection, inspection.content.head(PART_BYTES)):
        if kind == _SUPBOOK and body[:2] == _DDE.to_bytes(2, "little"):
            service, at = _text(body, 2)
            topic, _ = _text(body, at)
            dde.link(inspection, service, topic, "external link")
        elif kind in _FORMULAS and sheets.macro:
            sheets.formula(body)
        elif kind == _NAME and b"auto_open" in body[:400].replace(b"\x00", b"").lower():
            says = "A macro of Excel 4 runs by itself when the workbook is opened or closed."
            inspection.tell("excel4-runs-by-itself", says, "Auto_Open")
    sheets.judge(inspection)


def _records(inspection: Inspection, data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for count in range(RECORDS):
        if at + 2 > len(data):
            return
        kind, at = _number(data, at, 2)
        size, at = _number(data, at, 4)
        yield kind, data[at : at + size]
        at += size
        if count % 10_000 == 0:
            inspection.job.budget.check_time()
    inspection.node.cut_short("records", f"Only the first {RECORDS:,} records of the part were read.")


def _number(data: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return value, at


def _text(body: bytes, at: int) -> tuple[str, int]:
    if at + 4 > len(body):
        return "", len(body)
    (count,) = struct.unpack_from("<I", body, at)
    end = at + 4 + min(count, 4096) * 2
    return body[at + 4 : end].decode("utf-16-le", "replace"), end
