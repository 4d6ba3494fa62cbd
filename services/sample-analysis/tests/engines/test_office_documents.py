import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.sandbox import Sandbox
from sample_analysis.engines.documents import dde, embedded, office_xml
from sample_analysis.engines.inspection import Inspection, run

Examine = Callable[..., Any]
RELATIONS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'


def word(document: str = "<w:document/>", **members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types/>')
        archive.writestr("word/document.xml", document)
        for name, text in members.items():
            archive.writestr(f"word/{name}.xml", text)
    return out.getvalue()


def relation(kind: str, target: str) -> str:
    return RELATIONS.format(f'<Relationship Id="rId1" Type="http://x/{kind}" Target="{target}" TargetMode="External"/>')


@pytest.mark.parametrize(
    ("kind", "target", "rule", "verdict"),
    [
        ("attachedTemplate", "https://bad.example/t.dotm", "remote-template", "suspicious"),
        (
            "oleObject",
            "mhtml:https://bad.example/a.html!x-usc:https://bad.example/a.html",
            "target-runs-program",
            "suspicious",
        ),
        ("hyperlink", "ms-msdt:/id PCWDiagnostic", "target-runs-program", "suspicious"),
        ("image", "file://192.0.2.7/share/a.png", "share-on-address", "suspicious"),
        ("attachedTemplate", "file:///C:\\Templates\\Letter.dotx", "outside-part", "unknown"),
        ("attachedTemplate", "\\\\server\\templates\\Letter.dotx", "outside-part", "unknown"),
        ("hyperlink", "https://good.example/", None, "unknown"),
        ("image", "https://good.example/logo.png", None, "unknown"),
    ],
)
def test_what_lies_outside_a_document_is_told(
    examine: Examine, kind: str, target: str, rule: str | None, verdict: str
) -> None:
    report = examine(word(**{"_rels/document.xml.rels": ""}, rels=relation(kind, target)), "letter.docx")
    rules = {reason.rule for file in report.parsed.files for reason in file.reasons} - {"worst-inside"}
    assert rules == ({rule} if rule else set())
    assert report.root.verdict == verdict


def test_links_are_handed_out_and_their_part_stays_in_the_tree(examine: Examine) -> None:
    report = examine(word(rels=relation("hyperlink", "https://good.example/page?a=1")), "letter.docx")
    [url] = report.parsed.urls
    assert url.url == "https://good.example/page?a=1"
    assert url.parent_id in {file.id for file in report.parsed.files}


def field(*texts: str) -> str:
    runs = "".join(f"<w:instrText>{text}</w:instrText>" for text in texts)
    marks = ('<w:fldChar w:fldCharType="begin"/>', '<w:fldChar w:fldCharType="end"/>')
    return f'<?xml version="1.0"?><w:document xmlns:w="urn:w"><w:p>{runs.join(marks)}</w:p></w:document>'


def test_a_field_that_starts_a_program_is_found_in_pieces_too(examine: Examine) -> None:
    for document in (
        field('DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc"'),
        field(" DDE", "AUTO c:\\\\win", 'dows\\\\cmd.exe "/k calc"'),
        field('DDE "cmd" "/c calc"'),
        '<?xml version="1.0"?><w:p xmlns:w="urn:w"><w:fldSimple w:instr="DDEAUTO powershell &quot;-enc&quot;"/></w:p>',
    ):
        report = examine(word(document), "a.docx")
        assert report.root.verdict == "suspicious"
        assert "dde-starts-program" in report.rules("word/document.xml")


def test_a_field_that_takes_data_from_a_workbook_is_only_told(examine: Examine) -> None:
    report = examine(word(field('DDE Excel.Sheet.8 "C:\\\\Books\\\\prices.xls" Sheet1!R1C1')), "a.docx")
    assert report.root.verdict == "unknown"
    assert report.rules("word/document.xml") == ["dde-field"]


def test_cells_that_start_programs_are_found_in_tables_and_their_like_is_not(examine: Examine) -> None:
    bad = [
        "=cmd|'/c calc'!A0",
        "a,b\n1,+cmd|' /C calc'!A0",
        "\"=MSEXCEL|'\\..\\cmd.exe /c calc'!A1\"",
        "@SUM(1+1)*cmd|' /C calc'!A0",
    ]
    assert [examine(text.encode(), "a.csv").root.verdict for text in bad] == ["suspicious"] * 4
    good = ["name,note\nA|B,great!\n", "a=b|c!d\n-1,2\n", "=SUM(A1:A2)\n", "| table | of | words! |\n"]
    assert [examine(text.encode(), "a.csv").root.verdict for text in good] == ["unknown"] * 4
    assert dde.CELL.search("=" + "a" * 100_000) is None
    assert dde.CELL.search("=a|" * 30_000) is None


def test_entities_are_never_expanded(examine: Examine) -> None:
    laughs = (
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "'
        + "ha" * 50
        + '">'
        + "".join(f'<!ENTITY {chr(98 + i)} "{"".join([f"&{chr(97 + i)};"] * 20)}">' for i in range(9))
    )
    bomb = examine(word(laughs + "]><w:document>&j;</w:document>"), "bomb.docx")
    assert bomb.root.verdict == "suspicious"
    assert bomb.rules("word/document.xml") == ["xml-entities"]
    external = (
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "https://bad.example/x">]><w:document>&x;</w:document>'
    )
    report = examine(word(external), "external.docx")
    assert [url.url for url in report.parsed.urls] == ["https://bad.example/x"]
    # Other XML may declare entities.
    plain = examine(laughs.encode() + b"]><a>&j;</a>", "data.xml")
    assert (plain.root.verdict, plain.rules("data.xml")) == ("unknown", ["xml-entities"])
    quadratic = (
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "' + "a" * 50_000 + '">]><w:p>' + "&a;" * 50_000 + "</w:p>"
    )
    assert examine(word(quadratic), "quadratic.docx").rules("word/document.xml") == ["xml-entities"]


def test_a_sheet_of_a_million_rows_ends(
    inspection: Callable[[bytes], Inspection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office_xml, "ELEMENTS", 20_000)
    looked = inspection(b'<?xml version="1.0"?><worksheet>' + b"<row><c><v>1</v></c></row>" * 10_000)
    run(looked, office_xml.inspect)
    assert [limit.limit for limit in looked.node.limits] == ["elements"]


def test_a_file_inside_xml_is_taken_out(examine: Examine, eicar: bytes) -> None:
    macros = b"ActiveMime".ljust(0x32, b"\x00") + zlib.compress(eicar)
    for data in (eicar, macros):
        text = base64.b64encode(data).decode()
        report = examine(f'<?xml version="1.0"?><w:d xmlns:w="u"><w:binData>{text}</w:binData></w:d>'.encode(), "a.xml")
        assert report.root.verdict == "malicious"


def test_a_package_names_its_file_and_one_that_is_none_is_given_as_it_is() -> None:
    body = b"\x02\x00run.exe\x00C:\\a\\run.exe\x00\x00\x00\x03\x00" + struct.pack("<I", 6) + b"C:\\a\\\x00"
    body += struct.pack("<I", 4) + b"MZ\x00\x00"
    found = embedded.native(struct.pack("<I", len(body)) + body)
    assert (found.name, found.data) == ("run.exe", b"MZ\x00\x00")
    assert embedded.native(b"\x03\x00\x00\x00abc").data == b"abc"
    assert embedded.native(b"").data == b""


def test_an_embedded_program_is_suspicious(inspection: Callable[[bytes], Inspection]) -> None:
    looked = inspection(b"")
    embedded.give(looked, embedded.Packaged("invoice.js", "", b"var a"), "object 1")
    assert looked.node.own == "suspicious"
    assert [node.name for node in looked.job.tree.nodes] == ["invoice.js"]


@pytest.mark.parametrize(
    ("name", "rules", "verdict"),
    [
        (
            "office-oletools/excel4-macros/excel4_sample_macro.slk",
            {"excel4-macros", "excel4-runs-by-itself"},
            "unknown",
        ),
        (
            "office-oletools/excel4-macros/excel4_sample_macro.xls",
            {"excel4-macros", "excel4-runs-by-itself"},
            "unknown",
        ),
        (
            "office-oletools/excel4-macros/excel4_sample_macro.xlsb",
            {"excel4-macros", "excel4-runs-by-itself"},
            "unknown",
        ),
        (
            "office-oletools/excel4-macros/excel4_sample_macro_excel5_format.xls",
            {"excel4-macros", "excel4-runs-by-itself"},
            "unknown",
        ),
        ("office-oletools/msodde/dde-in-csv.csv", {"dde-starts-program"}, "suspicious"),
        ("office-oletools/msodde/dde-test.xlsb", {"dde-starts-program"}, "suspicious"),
        ("office-oletools/msodde/dde-test.xlsm", {"dde-starts-program"}, "suspicious"),
        ("office-oletools/msodde/harmless-clean.doc", set(), "unknown"),
        (
            "office-oletools/encrypted/autostart-encrypt-standardpassword.xls",
            {"macros", "macro-runs-by-itself"},
            "unknown",
        ),
        (
            "office-oletools/encrypted/autostart-encrypt-standardpassword.xlsm",
            {"macros", "macro-runs-by-itself"},
            "unknown",
        ),
        ("office-oletools/encrypted/dde-test-encrypt-standardpassword.xls", {"dde-starts-program"}, "suspicious"),
        ("office-oletools/encrypted/dde-test-encrypt-standardpassword.xlsx", {"dde-starts-program"}, "suspicious"),
        ("office-poi/SimpleMacro.pptm", {"macros"}, "unknown"),
        ("office-poi/SimpleMacro.vsdm", {"macros"}, "unknown"),
        ("office-poi/SimpleMacro.xls", {"macros"}, "unknown"),
        ("office-poi/SimpleMacro.xlsm", {"macros"}, "unknown"),
        ("office-poi/WithMacros.ppt", {"macros"}, "unknown"),
        ("office-poi/xlmmacro.xlsm", {"excel4-macros"}, "unknown"),
        ("office-poi/poc-xmlbomb-empty.xlsx", {"xml-entities"}, "suspicious"),
    ],
)
def test_a_document_of_the_corpora_is_of_the_class_that_its_peer_expects(
    corpora: Path, examine: Examine, name: str, rules: set[str], verdict: str
) -> None:
    report = examine((corpora / name).read_bytes(), Path(name).name)
    told = {
        reason.rule for file in report.parsed.files for reason in file.reasons if reason.engine == "caseway-documents"
    }
    assert told - {"encrypted-document", "opened-document"} == rules
    assert report.root.verdict == verdict


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("macro", {"macros"}),
        ("malicemacro", {"macros", "macro-runs-by-itself"}),
        ("nomacro", set()),
        ("goodcsv", set()),
    ],
)
def test_documents_in_mails_are_of_the_class_that_a_mail_filter_expects(
    corpora: Path, examine: Examine, name: str, rules: set[str]
) -> None:
    report = examine((corpora / f"email-spamassassin/spam-olevbmacro/{name}.eml").read_bytes(), f"{name}.eml")
    reasons = [reason for file in report.parsed.files for reason in file.reasons]
    assert {reason.rule for reason in reasons if reason.engine == "caseway-documents"} == rules


def test_every_simple_embedding_carries_its_one_object(corpora: Path, examine: Examine) -> None:
    files = sorted((corpora / "office-oletools/oleobj").glob("embedded-simple-*"))
    assert len(files) == 8
    for path in files:
        report = examine(path.read_bytes(), path.name)
        assert report.file("simple-text-file.txt").sha256
        assert report.root.verdict == "unknown"


def test_external_objects_of_the_corpora_are_told_and_handed_out(corpora: Path, examine: Examine) -> None:
    files = sorted((corpora / "office-oletools/oleobj").glob("sample_with_external_link*"))
    assert len(files) == 5
    for path in files:
        report = examine(path.read_bytes(), path.name)
        assert len(report.parsed.urls) == 1
        assert "remote-object" in {reason.rule for file in report.parsed.files for reason in file.reasons}


# Opened by another reader, not by the library in use: they end as a named limit.
NOT_OPENED = {"bug53475-password-is-pass.docx", "extenxls_pwd123.xlsx", "PasswordProtected.doc"}


@pytest.mark.timeout(300)
def test_encrypted_documents_open_with_their_passwords_and_others_say_what_they_need(
    corpora: Path, examine: Examine
) -> None:
    opened: set[str] = set()
    locked: set[str] = set()
    for line in (corpora / "PASSWORDS.tsv").read_text().splitlines()[1:]:
        name, password, *_ = line.split("\t")
        path = corpora / name
        if not name.startswith("office-") and path.name != "test_password.docx":
            continue
        given = () if password in ("-", "VelvetSweatshop") else ("wrong", password)
        report = examine(path.read_bytes(), path.name, passwords=given)
        rules = report.rules(path.name) if len(report.parsed.files) == 1 else [r.rule for r in report.root.reasons]
        (opened if "opened-document" in rules else locked).add(path.name)
        assert password == "-" or "opened-document" in rules, name
        assert "opened-document" in rules or "password" in report.limits(), name
        if path.name in ("Password_Protected-hello.ppt", "protected_passtika.xlsx", "password_tika_binaryrc4.doc"):
            wrong = examine(path.read_bytes(), path.name, passwords=("wrong", "x" * 10_000, "пароль", ""))
            assert (wrong.limits(), wrong.root.verdict) == ({"password"}, "not_analyzed"), name
            assert not any("wrong" in reason.says + reason.where for reason in wrong.root.reasons)
    assert locked == NOT_OPENED | {"encrypted.docx", "encrypted.xlsb", "encrypted.xlsm"}
    assert len(opened) == 15


CLOSED = NOT_OPENED | {
    "Password_Protected-hello.ppt",
    "bug53475-password-is-solrcell.docx",
    "password_tika_binaryrc4.doc",
    "protected_passtika.xlsx",
    "Password_Protected-np-hello.ppt",
}


def test_only_what_must_be_is_suspicious_among_the_documents_of_the_corpora(corpora: Path, examine: Examine) -> None:
    found = {
        path.name: examine(path.read_bytes(), path.name).root.verdict
        for folder in ("office-poi", "filetype-magika")
        for path in sorted((corpora / folder).rglob("*"))
        if path.is_file()
    }
    assert {name for name, verdict in found.items() if verdict != "unknown"} == CLOSED | {"poc-xmlbomb-empty.xlsx"}
    assert len(found) == 88


async def test_documents_are_looked_into_where_there_is_nothing_but_one_descriptor(
    corpora: Path, open_folder: Path
) -> None:
    room = open_folder / "sandbox"
    room.mkdir(mode=0o755)
    async with Sandbox(workers=1, scratch=room, preload=["sample_analysis.engines.warm"]) as sandbox:
        for name in ("encrypted/autostart-encrypt-standardpassword.xlsm", "msodde/dde-test.xlsb"):
            sample = open_folder / "sample"
            sample.write_bytes((corpora / "office-oletools" / name).read_bytes())
            report = await sandbox.run(
                "sample_analysis.engines.files:analyze", "evidence", "x", "file", [], {}, sample=sample
            )
            rules = {reason["rule"] for file in report["files"] for reason in file["reasons"]}
            assert rules & {"macro-runs-by-itself", "dde-starts-program"}
            assert not any(limit["limit"] == "damaged" for file in report["files"] for limit in file["limits"])
