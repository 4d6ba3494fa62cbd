import struct
from collections.abc import Callable
from typing import Any

import pytest

from sample_analysis.engines.documents import vba
from sample_analysis.engines.documents.vba import Module
from sample_analysis.engines.inspection import Inspection

Judge = Callable[..., Any]


def stored(text: bytes) -> bytes:
    """A compressed container whose chunks hold only literals, and two copies."""
    out = bytearray(b"\x01")
    for start in range(0, len(text), 3600):
        body = bytearray()
        piece = text[start : start + 3600]
        for at in range(0, len(piece), 8):
            body += b"\x00" + piece[at : at + 8]
        out += struct.pack("<H", 0xB000 | (len(body) - 1)) + body
    return bytes(out)


def test_literals_and_copies_are_decompressed() -> None:
    assert vba.decompress(stored(b"Attribute VB_Name" * 500)) == b"Attribute VB_Name" * 500
    # The example of the format's description: "#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa".
    given = bytes.fromhex(
        "012fb000236161616263646582660070616768696a013808616b6c00306d6e6f700671027004107273747576107778797a003c"
    )
    assert vba.decompress(given) == b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa"


def test_what_is_no_container_is_refused_and_a_broken_one_ends() -> None:
    with pytest.raises(ValueError, match="container"):
        vba.decompress(b"\x02abc")
    assert vba.decompress(b"\x01\x05\xb0\xff\xff\xff") == b""
    assert len(vba.decompress(b"\x01" + b"\xff\x3f" + b"\x00" * 5000, limit=4096)) <= 4096


def test_macros_of_a_broken_storage_are_read_where_they_lie_in_one_piece(examine: Judge) -> None:
    source = b'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\nShell "cmd /c calc"\r\nEnd Sub\r\n'
    broken = bytes.fromhex("d0cf11e0a1b11ae1") + b"\xff" * 600 + stored(source)
    report = examine(broken, "a.doc")
    assert report.limits() == {"damaged"}
    assert "macro-acts-by-itself" in {reason.rule for reason in report.root.reasons}


def module(source: str, cache: bytes = b"") -> Module:
    return Module("Module1", "VBA/Module1", source, cache)


def test_a_macro_that_starts_a_program_by_itself_is_suspicious(macro_rules: Judge) -> None:
    verdict, rules = macro_rules(module('Sub AutoOpen()\nCreateObject("WScript.Shell").Run "calc"\nEnd Sub'))
    assert verdict == "suspicious"
    assert {"macros", "macro-runs-by-itself", "macro-starts-programs", "macro-acts-by-itself"} <= rules


def test_macros_that_only_compute_or_only_run_by_themselves_are_told_and_no_more(macro_rules: Judge) -> None:
    for source in (
        "Function Twice(x)\nTwice = x * 2\nEnd Function",
        'Sub Workbook_Open()\nRange("A1").Value = Date\nEnd Sub',
        'Sub Export()\nOpen "out.csv" For Output As #1\nPrint #1, "a"\nClose #1\nEnd Sub',
        "' Sub AutoOpen() Shell cmd /c\nSub Nothing1()\nEnd Sub",
    ):
        verdict, rules = macro_rules(module(source))
        assert verdict == "unknown"
        assert "macros" in rules


def test_p_code_that_names_what_the_source_does_not_is_stomped(macro_rules: Judge) -> None:
    verdict, rules = macro_rules(module("Sub A()\nEnd Sub", b"\x00WScript.Shell\x00URLDownloadToFileA"))
    assert (verdict, "macro-stomped" in rules) == ("suspicious", True)
    verdict, rules = macro_rules(module("", b"\x00" * 4000))
    assert (verdict, "macro-stomped" in rules) == ("suspicious", True)
    verdict, rules = macro_rules(module('Sub A()\nx = "WScript.Shell"\nEnd Sub', b"\x00wscript.shell"))
    assert "macro-stomped" not in rules


def test_an_object_with_a_hidden_name_that_runs_by_itself_is_suspicious(macro_rules: Judge) -> None:
    letters = " & ".join(f"Chr({number})" for number in range(60, 90))
    verdict, rules = macro_rules(module(f"Sub Document_Open()\nSet a = CreateObject({letters})\nEnd Sub"))
    assert verdict == "suspicious"
    assert "macro-acts-hidden" in rules


@pytest.fixture
def macro_rules(inspection: Callable[[bytes], Inspection]) -> Judge:
    from sample_analysis.engines.documents import macros

    def judge(*modules: Module) -> tuple[str, set[str]]:
        looked = inspection(b"")
        macros.judge(looked, modules)
        return looked.node.own, {reason.rule for reason in looked.node.reasons}

    return judge
