import struct
from collections.abc import Callable
from typing import Any

import pytest

from sample_analysis.engines.documents import biff, xlsb
from sample_analysis.engines.inspection import Inspection, run

Look = Callable[..., Inspection]
EXEC, MACRO_SHEET, HIDDEN = b"\x42\x01\x6e\x00", 0x40, 2


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def begin(kind: int) -> bytes:
    return record(0x0809, struct.pack("<HHHH", 0x0600, kind, 0, 0))


def macro_sheet(*formulas: bytes, state: int = 0, automatic: bool = True) -> bytes:
    """A workbook of Excel 97 with one sheet of macros."""
    name = b"\x06Macro1"
    out = begin(5) + record(0x85, struct.pack("<IBB", 0, state, 1) + name[:1] + b"\x00" + name[1:])
    if automatic:
        out += record(0x18, struct.pack("<HBBHHH4B", 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 0) + b"\x00\x01")
    out += begin(MACRO_SHEET)
    return out + b"".join(record(6, b"\x00" * 20 + struct.pack("<H", len(tokens)) + tokens) for tokens in formulas)


def told(looked: Inspection) -> dict[str, str]:
    return {reason.rule: reason.where for reason in looked.node.reasons}


def test_a_macro_of_excel_4_that_starts_a_program_is_suspicious(inspection: Look) -> None:
    looked = inspection(b"")
    biff.inspect(looked, macro_sheet(b"\x17\x04\x00calc" + EXEC))
    assert told(looked) == {
        "excel4-macros": "Macro1 (shown)",
        "excel4-runs-by-itself": "Auto_Open",
        "excel4-acts": "EXEC",
    }
    assert looked.node.own == "suspicious"


def test_one_that_runs_by_itself_in_a_hidden_sheet_is_suspicious_and_an_open_one_is_not(inspection: Look) -> None:
    hidden, shown, idle = inspection(b""), inspection(b""), inspection(b"")
    biff.inspect(hidden, macro_sheet(b"\x42\x01\x36\x00", state=HIDDEN))
    biff.inspect(shown, macro_sheet(b"\x42\x01\x36\x00"))
    biff.inspect(idle, macro_sheet(b"\x42\x01\x36\x00", state=HIDDEN, automatic=False))
    assert [looked.node.own for looked in (hidden, shown, idle)] == ["suspicious", "unknown", "unknown"]
    assert told(hidden)["excel4-hidden"] == "Macro1 (very hidden)"


def test_symbolic_links_with_macros_that_act_are_suspicious(examine: Callable[..., Any]) -> None:
    acts = 'ID;PWXL;N;E\nNN;NAuto_open;ER1C1\nC;Y1;X1;K0;EEXEC("calc")\nC;Y2;K0;EHALT()\nE\n'
    assert examine(acts.encode(), "a.slk").root.verdict == "suspicious"
    assert examine(b"ID;PWXL;N;E\nC;Y1;X1;K3;ESUM(R1C2:R3C2)\nE\n", "a.slk").root.reasons == ()


def number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def test_a_binary_workbook_is_read_part_by_part(inspection: Look) -> None:
    sheet = inspection(number(9) + number(20) + b"\x00" * 16 + EXEC, "xl/macrosheets/sheet1.bin")
    xlsb.inspect(sheet)
    assert told(sheet) == {"excel4-macros": "macro sheet", "excel4-acts": "EXEC"}
    texts = b"".join(struct.pack("<I", len(text)) + text.encode("utf-16-le") for text in ("cmd", "/c calc"))
    link = inspection(number(360) + number(len(texts) + 2) + b"\x01\x00" + texts, "xl/externalLinks/externalLink1.bin")
    xlsb.inspect(link)
    assert told(link) == {"dde-starts-program": "external link: cmd|/c calc"}


@pytest.mark.parametrize(
    "data", [b"", b"\x09\x08", b"\xff" * 100_000, b"\x00\x01\x00\x00" * 300_000, b"\x18\x00\x02\x00ab" * 100]
)
def test_broken_workbooks_end(inspection: Look, data: bytes) -> None:
    for look in (lambda looked: biff.inspect(looked, data), xlsb.inspect):
        looked = inspection(data, "xl/macrosheets/sheet1.bin")
        run(looked, look)
        assert looked.node.own == "unknown"
        assert not any(limit.limit == "damaged" for limit in looked.node.limits)
