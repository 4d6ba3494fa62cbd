import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caseway_kit.archives import protected_zip
from sample_analysis.engines import mail_parts

Examine = Callable[..., Any]
MakeMail = Callable[..., bytes]
MakeZip = Callable[[dict[str, bytes]], bytes]


def test_mail_stands_among_files_and_mails_under_one_id(examine: Examine, make_mail: MakeMail) -> None:
    report = examine(make_mail(subject="Ihre Rechnung für März"), "mail.eml", "email")
    [mail] = report.parsed.emails
    assert (mail.id, report.root.kind, report.root.type) == (report.root.id, "email", "message/rfc822")
    assert (mail.subject, mail.sender) == ("Ihre Rechnung für März", "Sender <sender@example.net>")
    assert mail.to == ("victim@example.com", "Other <other@example.com>")
    assert mail.date == "2026-01-05T09:00:00+00:00"
    assert report.plain["emails"][0]["from"] == "Sender <sender@example.net>"


def test_authentication_is_told_as_the_mail_states_it(examine: Examine, make_mail: MakeMail) -> None:
    stated = "mx.example.com; spf=pass smtp.mailfrom=example.net; dkim=fail (bad) header.d=example.net; dmarc=none"
    [mail] = examine(make_mail(Authentication_Results=stated), "mail.eml").parsed.emails
    assert (mail.authentication.spf, mail.authentication.dkim, mail.authentication.dmarc) == ("pass", "fail", "none")


def test_attachments_are_analysed_as_children(examine: Examine, make_mail: MakeMail, eicar: bytes) -> None:
    report = examine(make_mail(attachments={"eicar.com": eicar, "notes.txt": b"x"}), "mail.eml")
    [mail] = report.parsed.emails
    assert mail.attachments == (report.file("eicar.com").id, report.file("notes.txt").id)
    assert (mail.verdict, report.root.verdict) == ("malicious", "malicious")
    assert [reason.rule for reason in mail.reasons] == ["worst-inside"]


def test_mail_in_zip_in_mail_in_zip_is_taken_apart(
    examine: Examine, make_mail: MakeMail, make_zip: MakeZip, eicar: bytes
) -> None:
    inner = make_mail(attachments={"eicar.zip": protected_zip({"eicar.com": eicar}, "infected")}, subject="inner")
    outer = make_mail(attachments={"inner.zip": make_zip({"inner.eml": inner})}, subject="outer")
    report = examine(protected_zip({"outer.eml": outer}, "virus"), "mails.zip", "email")
    assert [mail.subject for mail in report.parsed.emails] == ["outer", "inner"]
    assert report.file("eicar.com").verdict == report.root.verdict == "malicious"


def test_mail_attached_to_a_mail_is_a_mail(examine: Examine, make_mail: MakeMail, eicar: bytes) -> None:
    inner = make_mail(attachments={"eicar.com": eicar}, subject="inner")
    report = examine(make_mail(attachments={"inner.eml": inner}, subject="outer"), "outer.eml")
    assert [mail.subject for mail in report.parsed.emails] == ["outer", "inner"]
    assert report.root.verdict == "malicious"


def test_urls_come_from_text_and_html(examine: Examine, make_mail: MakeMail) -> None:
    text = "See http://text.example/a?b=c. Or (https://paren.example/x)! Mail me@example.com."
    html = (
        "<a href=\"https://link.example/?a=1&amp;b=2\">http://shown.example/</a> <img src='http://img.example/p.png'>"
        '<a href="javascript:alert(1)">x</a> <a href=http://bare.example/>y</a>'
    )
    report = examine(make_mail(text, html), "mail.eml")
    assert [url.url for url in report.parsed.urls] == [
        "http://text.example/a?b=c",
        "https://paren.example/x",
        "https://link.example/?a=1&b=2",
        "http://img.example/p.png",
        "http://bare.example/",
        "http://shown.example/",
    ]
    [mail] = report.parsed.emails
    assert mail.urls == tuple(url.id for url in report.parsed.urls)
    assert {url.parent_id for url in report.parsed.urls} == {mail.id}


def test_number_of_urls_is_limited_and_marked(examine: Examine, make_mail: MakeMail) -> None:
    text = "\n".join(f"http://x{number}.example/" for number in range(1200))
    report = examine(make_mail(text), "mail.eml")
    assert (len(report.parsed.urls), report.parsed.urls_truncated, report.limits()) == (1000, True, {"urls"})


def test_html_body_is_seen_by_the_rules_without_being_listed(examine: Examine, make_mail: MakeMail) -> None:
    html = "<html><script>b=new Bl" + "ob([atob('x')]);a.href=URL.createObjectURL(b);a.download='x.exe'</script></html>"
    report = examine(make_mail("hello", html), "mail.eml")
    assert report.names() == ["mail.eml"]
    assert "html_smuggling" in report.rules("mail.eml")


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: =?utf-8?B?//////8=?=\r\nFrom: =?nonsense?Q?x?=\r\nTo: a\r\n\r\nx",
        b"From: a@b\nTo: <<<>>>,,;:\nSubject: x\nDate: yesterday\n\nx",
        b'From: a@b\nTo: c@d\nSubject: x\nContent-Type: text/plain; charset="no-such"\n\n\xff\xfe',
        b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: multipart/mixed\n\nno boundary",
        b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: \n\nno end",
        b"From: a@b\nTo: c@d\nSubject: x\nContent-Transfer-Encoding: base64\n\n!!!not base64!!!",
        b"From: a@b\nTo: c@d\nSubject: x\nContent-Disposition: attachment; filename*=utf-8'%ff%00\n\nx",
        b"From: a\0@b\nTo: c@d\nSubject: x\0y\n\nx",
        b"From: a@b\nTo: c@d\nSubject: " + b"x" * 1_000_000 + b"\n\nx",
        b"From: a@b\nTo: c@d\nSubject: x\n" + b"X-A: b\n" * 50_000 + b"\nx",
    ],
)
def test_odd_mails_are_results_and_not_errors(examine: Examine, raw: bytes) -> None:
    assert len(examine(raw, "mail.eml").parsed.emails) == 1


@pytest.mark.parametrize("levels", [30, 300, 10_000])
def test_multiparts_nested_without_end_are_contained(examine: Examine, levels: int) -> None:
    raw = b"From: a@b\nTo: c@d\nSubject: x\nMIME-Version: 1.0\n"
    raw += b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(levels)
    )
    report = examine(raw + b"Content-Type: text/plain\n\nhello\n", "mail.eml")
    assert len(report.parsed.emails) == 1


def test_mails_nested_without_end_stop_at_a_named_limit(examine: Examine, make_mail: MakeMail) -> None:
    header = b"From: a@example.com\nTo: b@example.com\nSubject: %d\nContent-Type: message/rfc822\n\n"
    raw = b"".join(header % level for level in range(60)) + b"From: a@example.com\n\nend\n"
    report = examine(raw, "mail.eml")
    assert len(report.parsed.emails) <= 21
    assert "mail-nesting" in report.limits()


def test_nesting_in_front_of_many_lines_is_stopped_by_the_clock(
    examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_parts, "PARSING_SECONDS", 0.2)
    raw = b"From: a@b\nTo: c@d\nSubject: x\n"
    raw += b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(200))
    report = examine(raw + b"x\n" * 1_000_000, "mail.eml")
    assert (report.parsed.emails[0].subject, report.limits()) == ("x", {"mail-time"})


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Type: text/plain; charset=punycode\n\n" + b"a" * 300_000,
        b"\n" + (b"http://a" + b")" * 8000 + b"\n") * 100,
        b"Content-Type: text/html\n\n" + b'<a href="' * 100_000,
        b"Content-Type: text/html\n\n" + b"<" * 500_000,
        b"To: " + b"<" * 60_000 + b"\n\nx",
    ],
    ids=["punycode", "brackets", "links", "tags", "address"],
)
def test_text_made_to_be_slow_is_not(examine: Examine, body: bytes) -> None:
    started = time.process_time()
    examine(b"From: a@b\nMessage-ID: x\nSubject: x\n" + body, "mail.eml")
    assert time.process_time() - started < 20


def test_number_of_parts_is_limited(examine: Examine) -> None:
    raw = b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n"
    raw += b"--b\nContent-Type: text/plain\n\nx\n" * 3000
    assert examine(raw, "mail.eml").limits() == {"mail-parts"}


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        (b"X-Long: " + b"x" * 70_000, "mail-header"),
        (b"\n".join(b"X-%d: " % number + b"y" * 60_000 for number in range(20)), "mail-header"),
        (b"Cc: " + b", ".join(b"p%d@example.com" % number for number in range(1500)), "mail-addresses"),
    ],
)
def test_header_beyond_its_limits_is_named(examine: Examine, field: bytes, limit: str) -> None:
    report = examine(b"From: a@b\nTo: c@d\nSubject: x\n" + field + b"\n\nx", "mail.eml")
    assert report.limits() == {limit}


def test_mail_without_a_header_is_one_if_its_sender_says_so(examine: Examine) -> None:
    report = examine(b"Hi, see https://a.example/x\n", "mail.eml", "email")
    assert (report.root.kind, [url.url for url in report.parsed.urls]) == ("email", ["https://a.example/x"])


def test_other_name_of_an_attachment_is_judged_too(examine: Examine) -> None:
    raw = b"From: a@b\nTo: c@d\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    raw += b'Content-Type: application/octet-stream; name="invoice.pdf.exe"\n'
    raw += b'Content-Disposition: attachment; filename="invoice.txt"\n\nx\n--b--\n'
    assert {"two-names", "double-extension"} <= set(examine(raw, "mail.eml").rules("invoice.txt"))


def test_outlooks_own_form_is_a_mail_too(examine: Examine, corpora: Path) -> None:
    report = examine((corpora / "msg-hfig" / "sample.msg").read_bytes(), "sample.msg", "email")
    [mail] = report.parsed.emails
    assert (report.root.kind, mail.sender, mail.to) == (
        "email",
        "mlemos <mlemos@acm.org>",
        ("Manuel Lemos <mlemos@linux.local>",),
    )
    assert mail.date == "2005-04-30T22:28:29+00:00"
    assert report.names() == ["sample.msg", "attachment.txt", "logo.gif", "background.gif"]
    assert len(mail.attachments) == 3


def test_damaged_outlook_mail_is_a_result(examine: Examine, corpora: Path) -> None:
    whole = (corpora / "msg-hfig" / "sample.msg").read_bytes()
    for end in range(512, len(whole), 1024):
        examine(whole[:end], "sample.msg", "email")
