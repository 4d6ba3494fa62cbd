import gzip
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.archives import protected_zip
from caseway_kit.peek import peek

MakeZip = Callable[[dict[str, bytes]], bytes]
Peek = Callable[..., dict[str, Any]]
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(64)
MAIL = (
    b"Received: from mx.example.net by mail.example.com; Mon, 5 Jan 2026 09:00:00 +0000\r\n"
    b"From: sender@example.net\r\nTo: victim@example.com\r\nSubject: You have won\r\n\r\nClick http://won.example/\r\n"
)
FORWARDED = (
    b"From: victim@example.com\r\nTo: support@example.com\r\nSubject: Fwd: You have won\r\n"
    b"MIME-Version: 1.0\r\n\r\nplease look\r\n\r\n---------- Forwarded message ---------\r\n"
    b"From: <sender@example.net>\r\nDate: Mon, 5 Jan 2026\r\nSubject: won\r\nTo: <victim@example.com>\r\n\r\nClick\r\n"
)


@pytest.fixture
def peek_at(tmp_path: Path) -> Peek:
    def peek_at(data: bytes, name: str = "sample", passwords: tuple[str, ...] = ()) -> dict[str, Any]:
        path = tmp_path / "upload"
        path.write_bytes(data)
        return peek(str(path), name, passwords)

    return peek_at


@pytest.mark.parametrize("name", ["setup.exe", "picture.jpg"])
def test_bare_program_is_susceptible_whatever_it_is_called(peek_at: Peek, name: str) -> None:
    facts = peek_at(PE, name)
    assert (facts["state"], facts["susceptible_unprotected"]) == ("not_archive", True)
    assert facts["susceptible"] == [{"name": name, "why": "executable", "protected": False}]


def test_plain_text_is_accepted_as_it_is(peek_at: Peek) -> None:
    facts = peek_at(b"09:00 service started\n", "product.log")
    assert (facts["kind"], facts["state"], facts["susceptible"]) == ("file", "not_archive", [])


def test_program_in_an_open_archive_is_unprotected(peek_at: Peek, make_zip: MakeZip) -> None:
    facts = peek_at(make_zip({"readme.txt": b"x", "a/evil.dat": PE}), "x.zip")
    assert facts["susceptible"] == [{"name": "a/evil.dat", "why": "executable", "protected": False}]
    assert (facts["state"], facts["encrypted"], facts["susceptible_unprotected"]) == ("open", False, True)


def test_program_in_a_protected_archive_is_protected(peek_at: Peek) -> None:
    facts = peek_at(protected_zip({"evil.exe": PE}, "virus"), "x.zip")
    assert facts["susceptible"] == [{"name": "evil.exe", "why": "executable", "protected": True}]
    assert (facts["encrypted"], facts["susceptible_unprotected"]) == (True, False)
    assert (facts["opened_with"], facts["opened_by"]) == ("virus", "standard")


def test_customers_password_is_told_as_theirs(peek_at: Peek) -> None:
    facts = peek_at(protected_zip({"a.txt": b"x"}, "geheim"), "x.zip", ("geheim",))
    assert (facts["state"], facts["opened_by"], facts["members"]) == ("open", "customer", ["a.txt"])


@pytest.mark.parametrize(("given", "state"), [((), "needs_password"), (("wrong",), "wrong_password")])
def test_archive_that_no_password_opens_still_tells_its_names(
    peek_at: Peek, given: tuple[str, ...], state: str
) -> None:
    facts = peek_at(protected_zip({"a.txt": b"x"}, "geheim"), "x.zip", given)
    assert (facts["state"], facts["encrypted"], facts["members"]) == (state, True, ["a.txt"])


def test_empty_and_damaged_archives_are_told_apart(peek_at: Peek, make_zip: MakeZip) -> None:
    assert peek_at(make_zip({}), "x.zip")["state"] == "empty"
    assert peek_at(b"PK\x03\x04" + b"\xff" * 200, "x.zip")["state"] == "unreadable"
    assert peek_at(b"7z\xbc\xaf\x27\x1c" + b"\xff" * 200, "x.7z")["state"] == "unreadable"
    cut = protected_zip({"a.bin": random.Random(1).randbytes(50_000)}, "infected")[:20_000]
    assert peek_at(cut, "x.zip", ("infected",))["state"] == "unreadable"
    assert peek_at(b"", "x.zip")["state"] == "empty"


def test_archive_of_mails_only_is_an_email(peek_at: Peek) -> None:
    facts = peek_at(protected_zip({"1.eml": MAIL, "2.eml": MAIL}, "infected"), "mails.zip")
    assert (facts["kind"], facts["mails"], facts["forwarded"]) == ("email", 2, [])
    assert peek_at(protected_zip({"1.eml": MAIL, "notes.txt": b"x"}, "infected"), "mails.zip")["kind"] == "file"


def test_bare_mail_is_an_email(peek_at: Peek) -> None:
    assert peek_at(MAIL, "mail.eml")["kind"] == "email"


def test_forwarded_copy_is_told_from_the_original(peek_at: Peek) -> None:
    facts = peek_at(protected_zip({"copy.eml": FORWARDED, "original.eml": MAIL}, "infected"), "mails.zip")
    assert facts["forwarded"] == ["copy.eml"]


def test_mail_that_brings_the_original_along_is_no_forwarded_copy(peek_at: Peek) -> None:
    brings = (
        b"From: victim@example.com\r\nSubject: Fwd: You have won\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        b"From: x\r\nSent: y\r\nTo: z\r\nSubject: won\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + MAIL
        + b"\r\n--b--\r\n"
    )
    assert peek_at(brings, "mail.eml")["forwarded"] == []


def test_attk_package_is_known_by_its_reports(peek_at: Peek, make_zip: MakeZip) -> None:
    facts = peek_at(make_zip({"irobot/Log/ScanReport.xml": b"<a/>", "irobot/Log/other.log": b"x"}), "20170101.zip")
    assert (facts["kind"], facts["susceptible"]) == ("attk_log", [])


def test_macro_document_is_susceptible_and_a_plain_one_is_not(peek_at: Peek, make_zip: MakeZip) -> None:
    plain = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}
    assert peek_at(make_zip(plain), "a.docx")["susceptible"] == []
    [told] = peek_at(make_zip(plain | {"word/vbaProject.bin": b"x"}), "a.docx")["susceptible"]
    assert told["why"] == "macro-document"


@pytest.mark.parametrize("name", ["run.bat", "x.lnk", "disk.iso", "setup.msi"])
def test_name_alone_makes_a_member_susceptible(peek_at: Peek, make_zip: MakeZip, name: str) -> None:
    assert peek_at(make_zip({name: b"some text"}), "x.zip")["susceptible_unprotected"]


def test_bomb_does_not_hold_the_sender_up(peek_at: Peek) -> None:
    bomb = gzip.compress(b"\x00" * (200 * 1024 * 1024))
    started = time.process_time()
    facts = peek_at(bomb, "zeros.gz")
    assert facts["state"] == "open"
    assert time.process_time() - started < 24


@pytest.mark.parametrize("password", ["", "nul\x00byte", "💥" * 5_000, "\ud800"])
def test_odd_passwords_are_only_wrong(peek_at: Peek, password: str) -> None:
    facts = peek_at(protected_zip({"a.txt": b"x"}, "geheim"), "x.zip", (password,))
    assert facts["state"] == "wrong_password"


def test_every_archive_of_the_corpora_gets_facts(peek_at: Peek, corpora: Path) -> None:
    for folder in ("archive-libarchive", "archive-rarfile", "archive-assemblyline", "archive-mitra", "zip-malo"):
        for path in sorted((corpora / folder).rglob("*")):
            if path.is_file():
                started = time.process_time()
                assert peek(str(path), path.name)["kind"] == "file"
                assert time.process_time() - started < 30, path
