import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from caseway_kit.sandbox import Budget, Sandbox
from sample_analysis.engine_client import ANALYZE

Examine = Callable[..., Any]
SECONDS = 30


def document(*objects: bytes, trailer: bytes = b"", table: bool = True) -> bytes:
    """A PDF out of the bodies of its objects, the first of which is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    if table:
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), more, data)


PAGES = b"<</Type/Pages/Kids[]/Count 0>>"
CATALOGUE = b"<</Type/Catalog/Pages 2 0 R%s>>"


def rules(report: Any) -> set[str]:
    return {reason.rule for file in report.parsed.files for reason in file.reasons}


def test_a_document_without_anything_says_nothing(examine: Examine) -> None:
    opened_at_a_page = document(CATALOGUE % b"/OpenAction[3 0 R/Fit]", PAGES, b"<</Type/Page>>")
    assert (examine(opened_at_a_page, "a.pdf").root.verdict, rules(examine(opened_at_a_page))) == ("unknown", set())


@pytest.mark.parametrize("table", [True, False])
def test_a_program_that_is_started_is_suspicious_with_or_without_a_table(examine: Examine, table: bool) -> None:
    report = examine(
        document(CATALOGUE % b"/OpenAction<</S/Launch/Win<</F(cmd.exe)/P(/c calc)>>>>", PAGES, table=table), "a.pdf"
    )
    assert report.root.verdict == "suspicious"
    assert {"pdf-launch", "pdf-acts-by-itself"} <= rules(report)


def test_scripts_are_told_and_only_those_that_attack_by_themselves_are_suspicious(examine: Examine) -> None:
    form = document(CATALOGUE % b"", PAGES, b"<</S/JavaScript/JS(AFNumber_Format\\(2\\);)>>")
    assert (examine(form).root.verdict, rules(examine(form))) == ("unknown", {"pdf-script"})
    attack = b"<</S/JavaScript/JS 4 0 R>>"
    packed = zlib.compress(b"var a = unescape('%u9090'); this.exportDataObject({cName: 'a', nLaunch: 2});")
    report = examine(
        document(CATALOGUE % b"/OpenAction 3 0 R", PAGES, attack, stream(packed, b"/Filter/FlateDecode")), "a.pdf"
    )
    assert report.root.verdict == "suspicious"
    assert {"pdf-script", "pdf-script-acts", "pdf-acts-by-itself", "pdf-script-acts-on-open"} <= rules(report)


def test_a_name_in_numbers_that_hides_a_script_is_suspicious(examine: Examine) -> None:
    report = examine(document(CATALOGUE % b"/OpenAction<</S/J#61vaScript/JS(app.alert\\(1\\))>>", PAGES), "a.pdf")
    assert "pdf-hidden-name" in rules(report)
    assert "pdf-hidden-name" not in rules(examine(document(CATALOGUE % b"/My#20Name 1", PAGES)))


def test_links_forms_and_other_documents_are_handed_out(examine: Examine) -> None:
    report = examine(
        document(
            CATALOGUE % b"",
            PAGES,
            b"<</S/URI/URI(https://good.example/a)>>",
            b"<</S/SubmitForm/F<</FS/URL/F(https://form.example/b)>>>>",
            b"<</S/GoToR/F(\\\\\\\\192.0.2.1\\\\share\\\\x.pdf)>>",
        ),
        "a.pdf",
    )
    assert {url.url for url in report.parsed.urls} == {"https://good.example/a", "https://form.example/b"}
    assert {"pdf-submits-form", "outside-part", "share-on-address"} <= rules(report)


def attached(name: str, data: bytes, password: str = "") -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(10, 10)
    writer.add_attachment(name, data)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_attachments_are_taken_out_and_programs_among_them_suspicious(examine: Examine, eicar: bytes) -> None:
    report = examine(attached("notes.txt", b"hello"), "a.pdf")
    assert (report.file("notes.txt").size, report.root.verdict) == (5, "unknown")
    assert examine(attached("invoice.exe", b"x"), "a.pdf").root.verdict == "suspicious"
    assert examine(attached("test.txt", eicar), "a.pdf").root.verdict == "malicious"


def test_an_encrypted_document_opens_with_its_password_and_else_says_what_it_needs(
    examine: Examine, eicar: bytes
) -> None:
    data = attached("test.txt", eicar, "gehéim")
    assert examine(data, "a.pdf", passwords=("wrong", "gehéim")).root.verdict == "malicious"
    for given in ((), ("wrong",), ("x" * 10_000,), ("\x00",)):
        closed = examine(data, "a.pdf", passwords=given)
        assert (closed.root.verdict, closed.limits()) == ("not_analyzed", {"password"})


def test_a_pdf_behind_other_bytes_is_still_one(examine: Examine) -> None:
    data = b"GIF89a\x01\x00\x01\x00" + document(CATALOGUE % b"/OpenAction<</S/Launch/F(cmd.exe)>>", PAGES)
    assert "pdf-launch" in rules(examine(data, "a.gif"))


def hostile() -> Iterator[tuple[str, bytes]]:
    packed = b"\x00" * 30_000_000
    for _ in range(5):
        packed = zlib.compress(packed, 9)
    filters = b"/Type/ObjStm/N 100/First 10/Filter[" + b"/FlateDecode" * 5 + b"]"
    yield "nested flate", document(CATALOGUE % b"", PAGES, stream(packed, filters))
    big = zlib.compress(b"0 0 " * 12_000_000, 9)
    yield (
        "large object stream",
        document(CATALOGUE % b"", PAGES, stream(big, b"/Type/ObjStm/N 99999999/First 4/Filter/FlateDecode")),
    )
    script = b"<</S/JavaScript/JS 4 0 R>>"
    yield "packed script", document(CATALOGUE % b"", PAGES, script, stream(big, b"/Filter/FlateDecode"))
    runs = b"\x81A" * 500_000
    yield (
        "run length",
        document(CATALOGUE % b"", PAGES, script, stream(runs, b"/Filter[/RunLengthDecode /RunLengthDecode]")),
    )
    yield "lzw", document(CATALOGUE % b"", PAGES, script, stream(b"\x80\x0b\x60\x50" * 250_000, b"/Filter/LZWDecode"))
    yield "asciihex", document(CATALOGUE % b"", PAGES, script, stream(b"4" * 5_000_000, b"/Filter/ASCIIHexDecode"))
    yield "huge size", document(CATALOGUE % b"", PAGES).replace(b"/Size 3", b"/Size 2147483647")
    index = zlib.compress(b"\x01\x00\x00\x00" * 1000)
    entries = b"/Type/XRef/W[1 2 1]/Size 2000000000/Index[0 2000000000]/Root 1 0 R/Filter/FlateDecode"
    head = b"%PDF-1.7\n1 0 obj\n" + CATALOGUE % b"" + b"\nendobj\n"
    yield "huge table", head + b"5 0 obj\n" + stream(index, entries) + b"\nendobj\nstartxref\n%d\n%%%%EOF" % len(head)
    looped = document(CATALOGUE % b"", PAGES, trailer=b"/Prev 9")
    yield "circular tables", looped.replace(b"/Prev 9", b"/Prev %d" % looped.index(b"xref\n"))
    yield (
        "circular outline",
        document(
            CATALOGUE % b"/Outlines 3 0 R",
            PAGES,
            b"<</First 4 0 R/Last 4 0 R>>",
            b"<</Next 4 0 R/Parent 3 0 R/Title(a)>>",
        ),
    )
    yield "circular stream", document(CATALOGUE % b"", PAGES, b"<</Length 3 0 R>>\nstream\na\nendstream")
    yield (
        "object stream in itself",
        document(CATALOGUE % b"", PAGES, stream(b"3 0 <<>>", b"/Type/ObjStm/N 1/First 4/Extends 3 0 R")),
    )
    yield "deep arrays", document(CATALOGUE % (b"/A" + b"[" * 200_000), PAGES)
    yield "deep dictionaries", document(CATALOGUE % (b"/A<<" * 100_000), PAGES)
    yield "inline image without end", document(CATALOGUE % b"", PAGES, stream(b"BI /W 9 /H 9 ID " + b"x" * 500_000))
    yield "many objects", document(CATALOGUE % b"", PAGES, *[b"<</A 1>>"] * 60_000)
    yield "many without a table", document(CATALOGUE % b"", PAGES, *[b"<</A 1>>"] * 20_000, table=False)
    entity = b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>"
    yield (
        "metadata with entities",
        document(CATALOGUE % b"/Metadata 3 0 R", PAGES, stream(entity, b"/Type/Metadata/Subtype/XML")),
    )
    yield "names for ever", document(CATALOGUE % (b"/" + b"a#41" * 300_000), PAGES)
    yield "strings for ever", document(CATALOGUE % (b"/JS(" + b"(" * 500_000), PAGES)
    yield "hash marks", b"%PDF-1.4\n" + b"/#" * 1_000_000
    yield "addresses that never end", b"%PDF-1.4\n" + b"/URI(" * 300_000
    yield "streams that never end", b"%PDF-1.4\n" + b"stream\n" * 300_000
    yield "numbers", b"%PDF-1.4\n" + b"1 0 obj\n" * 200_000 + b"trailer<<"


@pytest.mark.timeout(300)
async def test_hostile_documents_end_within_the_memory_and_the_time_of_a_parser(open_folder: Path) -> None:
    room = open_folder / "sandbox"
    room.mkdir(mode=0o755)
    sample = open_folder / "sample"
    budget = Budget(wall_seconds=150, cpu_seconds=SECONDS)
    async with Sandbox(workers=1, scratch=room, preload=["sample_analysis.engines.warm"], ceiling=budget) as sandbox:
        for kind, data in hostile():
            sample.write_bytes(data)
            report = await sandbox.run(ANALYZE, "evidence", "a.pdf", "file", [], {}, sample=sample, budget=budget)
            assert report["files"][0]["verdict"] == "unknown", kind
            limits = {limit["limit"] for limit in report["files"][0]["limits"]}
            assert limits <= {"damaged", "document-bytes", "objects"}, kind


def test_what_is_broken_in_one_object_does_not_hide_the_next(examine: Examine) -> None:
    big = zlib.compress(b"a" * 40_000_000)
    report = examine(
        document(
            CATALOGUE % b"",
            PAGES,
            b"<</S/JavaScript/JS 4 0 R>>",
            stream(big, b"/Filter/FlateDecode"),
            b"<</S/Launch/F(cmd.exe)>>",
        ),
        "a.pdf",
    )
    assert "document-bytes" in report.limits()
    assert "pdf-launch" in rules(report)


OPENS_WITH = {
    "enc-XI-R6,V5,U=attachment,encrypted-attachments.pdf": "attachment",
    "enc-XI-R6,V5,U=view,attachments,cleartext-metadata.pdf": "view",
    "enc-XI-R6,V5,U=wwwww,O=wwwww.pdf": "wwwww",
    "aes-256-r6.pdf": "foo",
}
DAMAGED = {"bad-xref.pdf", "bad11.pdf", "bad4.pdf", "bad7.pdf", "issue-119.pdf"}
CLOSED = {"encrypted-40-bit-R3.pdf", "aes-256-r6.pdf", "enc-XI-long-password.pdf"}


def test_the_documents_of_the_corpora_are_all_handled_and_none_of_them_is_suspicious(
    corpora: Path, examine: Examine
) -> None:
    lines = [line.split("\t") for line in (corpora / "PASSWORDS.tsv").read_text().splitlines()[1:]]
    given = {Path(line[0]).name: [word for word in line[1].split(" | ") if word[:1] not in "-("] for line in lines}
    ended: dict[str, Any] = {}
    for folder in ("pdf-pypdf", "pdf-qpdf", "pdf-pdfminer"):
        for path in sorted((corpora / folder).iterdir()):
            words = [*given.get(path.name, ()), *filter(None, [OPENS_WITH.get(path.name)])]
            ended[path.name] = examine(path.read_bytes(), path.name, passwords=tuple(words))
    assert len(ended) == 93
    assert {name for name, report in ended.items() if report.root.verdict not in ("unknown", "not_analyzed")} == set()
    assert {name for name, report in ended.items() if "password" in report.limits()} == CLOSED
    assert {name for name, report in ended.items() if "damaged" in report.limits()} == DAMAGED
    encrypted = {name for name, report in ended.items() if "encrypted-document" in rules(report)}
    assert len(encrypted - CLOSED) == 14
    # Its attachments are encrypted each for itself, which the library does not undo.
    assert {name for name, report in ended.items() if "attachment" in report.limits()} == {
        "enc-XI-R6,V5,U=attachment,encrypted-attachments.pdf"
    }
    attachments = {name: len(report.parsed.files) - 1 for name, report in ended.items() if len(report.parsed.files) > 1}
    assert attachments == {
        "with-attachment.pdf": 1,
        "add-attachments-2.pdf": 3,
        "attachment-fields.pdf": 2,
        "copy-attachments-2.pdf": 6,
        "enc-XI-R6,V5,U=view,attachments,cleartext-metadata.pdf": 2,
        "enc-XI-attachments-base.pdf": 2,
        "job-json-add-attachments.pdf": 2,
        "job-json-copy-attachments.pdf": 4,
    }


def test_each_password_of_each_document_of_the_corpora_opens_it_alone(corpora: Path, examine: Examine) -> None:
    opened = 0
    for line in (corpora / "PASSWORDS.tsv").read_text().splitlines()[1:]:
        name, words, *_ = line.split("\t")
        if not name.startswith("pdf-") or words == "-":
            continue
        for word in words.split(" | "):
            report = examine((corpora / name).read_bytes(), name, passwords=() if word == "(empty)" else (word,))
            assert "password" not in report.limits(), (name, word)
            opened += 1
    assert opened == 23
