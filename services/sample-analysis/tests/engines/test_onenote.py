import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

Examine = Callable[..., Any]
SECTION = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + b"\x00" * 1000
FILE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


def section(*files: bytes, name: str = "") -> bytes:
    out = SECTION + name.encode("utf-16-le") + b"\x00\x00"
    for data in files:
        out += FILE + struct.pack("<QIQ", len(data), 0, 0) + data + b"\x00" * 16
    return out


def test_embedded_files_are_taken_out(examine: Examine, eicar: bytes) -> None:
    report = examine(section(b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, eicar), "notes.one")
    assert report.names() == ["notes.one", "embedded file 1", "embedded file 2"]
    assert report.root.verdict == "malicious"


def test_a_picture_alone_says_nothing_and_a_program_is_suspicious(examine: Examine) -> None:
    assert (
        examine(section(b"\x89PNG\r\n\x1a\n" + b"\x00" * 64, name="photo.png"), "notes.one").root.verdict == "unknown"
    )
    assert examine(section(b"text", name="invoice.hta"), "notes.one").root.verdict == "suspicious"
    assert examine(section(b"MZ" + b"\x00" * 200), "notes.one").root.verdict == "suspicious"


def test_a_size_that_is_not_there_ends(examine: Examine) -> None:
    report = examine(SECTION + FILE + struct.pack("<QIQ", 1 << 62, 0, 0) + b"abc", "notes.one")
    assert report.file("embedded file 1").size == 3
    assert examine(SECTION + FILE * 5000, "notes.one").root.verdict == "unknown"


def test_the_notebook_of_the_corpora_gives_its_document_and_its_program(corpora: Path, examine: Examine) -> None:
    report = examine((corpora / "files-strelka/test.onepkg").read_bytes(), "test.onepkg")
    types = {file.type for file in report.parsed.files}
    assert "application/vnd.microsoft.portable-executable" in types
    assert "application/vnd.openxmlformats-officedocument.wordprocessingml.document" in types
    assert "embedded-program" in report.rules("exe.one")
