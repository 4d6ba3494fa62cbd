import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import outlook_builder as outlook
import pytest

from sample_analysis.engines import ole_entries
from sample_analysis.engines.mailing import mapi, rtf

Examine = Callable[..., Any]


def test_attachment_recipients_and_texts_are_read(examine: Examine, eicar: bytes) -> None:
    people = outlook.recipient(0, "Ärger", "a@example.com") | outlook.recipient(1, "b@example.com", "b@example.com")
    made = outlook.mail("Grüße", outlook.attachment(0, "eicar.com", eicar), people, body="see https://body.example/x")
    report = examine(outlook.build(made), "mail.msg")
    [mail] = report.parsed.emails
    assert (mail.subject, mail.to) == ("Grüße", ("Ärger <a@example.com>", "b@example.com"))
    assert mail.attachments == (report.file("eicar.com").id,)
    assert [url.url for url in report.parsed.urls] == ["https://body.example/x"]
    assert mail.verdict == "malicious"


def test_headers_that_outlook_keeps_state_the_authentication(examine: Examine) -> None:
    headers = outlook.text(
        mapi.INTERNET_HEADERS,
        "Received: from a.example by mx.example.com; Mon, 5 Jan 2026 09:00:00 +0000\r\n"
        "Authentication-Results: mx.example.com; spf=fail; dkim=pass\r\nFrom: a@example.com\r\n\r\n",
    )
    [mail] = examine(outlook.build(outlook.mail("x", headers)), "mail.msg").parsed.emails
    assert (mail.authentication.spf, mail.authentication.dkim, mail.sender) == ("fail", "pass", "a@example.com")


def test_mail_inside_a_mail_is_a_mail_of_its_own(examine: Examine, eicar: bytes) -> None:
    inner = outlook.mail("inner", outlook.attachment(0, "eicar.com", eicar), top=False)
    report = examine(outlook.build(outlook.mail("outer", outlook.embedded(0, inner))), "mail.msg")
    assert [mail.subject for mail in report.parsed.emails] == ["outer", "inner"]
    assert report.parsed.emails[0].attachments == (report.file("inner.msg").id,)
    assert report.root.verdict == "malicious"


def test_mails_fifty_deep_end_at_a_named_limit(examine: Examine) -> None:
    made = outlook.mail("innermost", top=False)
    for level in range(50):
        made = outlook.mail(f"level {level}", outlook.embedded(0, made), top=False)
    report = examine(outlook.build(made), "mail.msg")
    assert (len(report.parsed.emails), report.limits()) == (21, {"mail-nesting"})


def test_recipients_beyond_the_limit_are_named_as_left_out(examine: Examine) -> None:
    people: outlook.Folder = {}
    for number in range(1100):
        people |= outlook.recipient(number, "", f"p{number}@example.com")
    report = examine(outlook.build(outlook.mail("x", people)), "mail.msg")
    assert len(report.parsed.emails[0].to) == 1000
    assert report.limits() == {"mail-addresses"}


def test_recipient_of_many_megabytes_is_left_out(examine: Examine) -> None:
    made = outlook.mail("x", outlook.recipient(0, "x" * 9_000_000, "a@example.com"))
    report = examine(outlook.build(made), "mail.msg")
    assert (report.parsed.emails[0].to, report.limits()) == ((), {"mail-addresses"})


def test_more_entries_than_a_mail_has_are_refused_as_damage(examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ole_entries, "ENTRIES", 100)
    people: outlook.Folder = {}
    for number in range(100):
        people |= outlook.recipient(number, "", f"p{number}@example.com")
    assert "damaged" in examine(outlook.build(outlook.mail("x", people)), "mail.msg").limits()


def test_loops_in_the_allocation_table_end(examine: Examine) -> None:
    whole = outlook.build(outlook.mail("x", outlook.attachment(0, "big.bin", b"z" * 20_000)))
    start = outlook.fat_offset(whole)
    for sector in range(48):
        for target in (0, sector, max(0, sector - 1)):
            harmed = bytearray(whole)
            struct.pack_into("<I", harmed, start + 4 * sector, target)
            assert examine(bytes(harmed), "mail.msg", "email").root.id
    harmed = bytearray(whole)
    for sector in range(128):
        struct.pack_into("<I", harmed, start + 4 * sector, sector % 7)
    assert examine(bytes(harmed), "mail.msg", "email").root.id


def test_flipped_bits_and_cut_ends_are_results(examine: Examine) -> None:
    whole = outlook.build(outlook.mail("x", outlook.attachment(0, "a.bin", b"z" * 5000)))
    for at in range(0, len(whole), 97):
        assert examine(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :], "mail.msg").root.id
        assert examine(whole[:at], "mail.msg").root.id


def test_html_inside_compressed_rtf_is_read(examine: Examine) -> None:
    page = rb'{\rtf1\ansi\ansicpg1252\fromhtml1 {\fonttbl{\f0 Arial;}}{\*\htmltag84 <a href="https://link.example/">}'
    page += rb"\htmlrtf {\b hidden \htmlrtf0 gr\'fc\u223\'dfe{\*\htmltag92 </a>}\htmlrtf }\htmlrtf0\par}"
    stored = struct.pack("<IIII", len(page) + 12, len(page), 0x414C454D, 0) + page
    assert rtf.html(rtf.unpacked(stored)) == '<a href="https://link.example/">grüße</a>\n'
    report = examine(outlook.build(outlook.mail("x", outlook.binary(mapi.RTF, stored))), "mail.msg")
    assert [url.url for url in report.parsed.urls] == ["https://link.example/"]


def test_rtf_is_unpacked_no_further_than_it_says() -> None:
    packed = b"\x2d\x00\x00\x00\x2b\x00\x00\x00LZFu\xf1\xc5\xc7\xa7\x03\x00\n\x00rcpg125\x42\x32\n\xf3 hel\t\x00 bw"
    packed += b"\x05\xb0ld}\n\x80\x0f\xa0"
    assert rtf.unpacked(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    for end in range(len(packed)):
        assert len(rtf.unpacked(packed[:end])) <= 43


def test_mails_of_the_corpora_are_what_their_makers_say(examine: Examine, corpora: Path) -> None:
    folder = corpora / "msg-poi"
    report = examine((folder / "58214_with_attachment.msg").read_bytes(), "master.msg")
    assert [mail.subject for mail in report.parsed.emails] == ["Master mail", "Test mail attachment"]
    assert report.limits() == set()
    [mail] = examine((folder / "example_received_regular.msg").read_bytes(), "x.msg").parsed.emails
    assert mail.subject == "This is a test message please ignore"
    [mail] = examine((folder / "chinese-traditional.msg").read_bytes(), "x.msg").parsed.emails
    assert mail.to == ("Tests Chang@FT (張毓倫) <tests.chang@fengttt.com>",)
    [mail] = examine((folder / "ASCII_CP1251_LCID1049.msg").read_bytes(), "x.msg").parsed.emails
    assert mail.subject == "Subject автоматически Subject"
