"""Workbooks of Excel up to 2003: macro sheets of Excel 4, links to other programs."""

import struct
from collections.abc import Iterator

from sample_analysis.engines.documents import dde, excel4
from sample_analysis.engines.inspection import Inspection

RECORDS = 500_000
_BOF = {0x0009, 0x0209, 0x0409, 0x0809}
_FORMULA = {0x0006, 0x0206, 0x0406}
_BOUNDSHEET, _NAME, _SUPBOOK, _FILEPASS, _MACRO_SHEET = 0x0085, 0x0018, 0x01AE, 0x002F, 0x0040
_STATES = {0: "shown", 1: "hidden", 2: "very hidden"}
_AUTOMATIC = {1: "Auto_Open", 2: "Auto_Close", 10: "Auto_Activate", 11: "Auto_Deactivate"}
_HEADER = {0x0006: 20, 0x0206: 20, 0x0406: 20}


def inspect(inspection: Inspection, stream: bytes) -> None:
    sheets = excel4.Sheets()
    wide = struct.unpack_from("<H", stream, 4)[0] == 0x0600 if len(stream) > 6 else True
    macro_sheet = False
    for kind, body in _records(inspection, stream):
        if kind == _FILEPASS:
            # All after it is encrypted; the decrypted document is a child that is looked into by itself.
            return
        if kind in _BOF and len(body) >= 4:
            macro_sheet = struct.unpack_from("<H", body, 2)[0] == _MACRO_SHEET
            sheets.macro |= macro_sheet
        elif kind == _BOUNDSHEET and len(body) > 7 and body[5] == 1:
            sheets.states.append(f"{_text(body, 6, wide)} ({_STATES.get(body[4] & 3, 'hidden')})")
        elif kind == _NAME and len(body) > 15:
            _name(sheets, body, wide)
        elif kind in _FORMULA and macro_sheet and len(body) > 22:
            sheets.formula(body[_HEADER[kind] :])
        elif kind == _SUPBOOK:
            _link(inspection, body)
    sheets.judge(inspection)


def _records(inspection: Inspection, stream: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for count in range(RECORDS):
        if at + 4 > len(stream):
            return
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == 0 and size == 0 and not any(stream[at : at + 64]):
            return
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size
        if count % 10_000 == 0:
            inspection.job.budget.check_time()
    inspection.node.cut_short("records", f"Only the first {RECORDS:,} records of the workbook were read.")


def _name(sheets: excel4.Sheets, body: bytes, wide: bool) -> None:
    (options,) = struct.unpack_from("<H", body)
    if options & 0x20:
        number = body[15] if wide and body[14] == 0 else body[14]
        if number in _AUTOMATIC:
            sheets.runs.append(_AUTOMATIC[number])
    else:
        text = body[14 + wide : 14 + wide + 200].replace(b"\x00", b"")
        if text.lower().startswith((b"auto_open", b"auto_close", b"auto_activate")):
            sheets.runs.append("Auto_Open")


def _link(inspection: Inspection, body: bytes) -> None:
    """DDE links and OLE links are told apart by nothing but the separator of service and topic."""
    text = _text(body, 2, wide=True, length=2)
    service, separator, topic = text.partition("\x03")
    if separator and topic:
        dde.link(inspection, service.lstrip("\x01"), topic, "external link")


def _text(body: bytes, at: int, wide: bool, length: int = 1) -> str:
    count = int.from_bytes(body[at : at + length], "little")
    at += length
    if not wide:
        return body[at : at + count].decode("cp1252", "replace")
    if body[at : at + 1] and body[at] & 1:
        return body[at + 1 : at + 1 + count * 2].decode("utf-16-le", "replace")
    return body[at + 1 : at + 1 + count].decode("cp1252", "replace")
