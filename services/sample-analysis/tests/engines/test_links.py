import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from sample_analysis.engines import urls
from sample_analysis.engines.mailing import unwrapping

Examine = Callable[..., Any]
MakeMail = Callable[..., bytes]
TARGET = "https://target.example/a/b?c=d&e=f"
QUOTED = quote(TARGET, safe="")


def _coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


WRAPPED = {
    "Safe Links": f"https://nam02.safelinks.protection.outlook.com/?url={QUOTED}&data=05%7C01&sdata=x&reserved=0",
    "Proofpoint 1": f"https://urldefense.proofpoint.com/v1/url?u={QUOTED}&k=x&r=y",
    "Proofpoint 2": "https://urldefense.proofpoint.com/v2/url?u=https-3A__target.example_a_b-3Fc-3Dd-26e-3Df&d=x&c=y",
    "Proofpoint 3": f"https://urldefense.com/v3/__https://target.example/a/b*c=d*e=f__;{_coded('?&')}!!abc!x$",
    "Barracuda": f"https://linkprotect.cudasvc.com/url?a={QUOTED}&c=E,1,x&typo=1",
    "Trend Micro": f"https://ddei5-0-ctp.trendmicro.com:443/wis/clicktime/v1/query?url={QUOTED}&umid=x&auth=y",
    "Cisco": f"https://secure-web.cisco.com/1a2b3c/{QUOTED}",
    "Sophos": f"https://eu-west-1.protection.sophos.com/?d=target.example&u={_coded(TARGET)}&i=x",
    "Trellix": f"https://protect2.fireeye.com/v1/url?k=x&q=1&e=y&u={QUOTED}",
    "Symantec": f"https://clicktime.symantec.com/3x?u={QUOTED}",
    "Check Point": f"https://url.avanan.click/v2/___{TARGET}___.abc:def",
    "Google": f"https://www.google.com/url?q={QUOTED}&sa=D",
    "Facebook": f"https://l.facebook.com/l.php?u={QUOTED}&h=x",
    "YouTube": f"https://www.youtube.com/redirect?event=x&q={QUOTED}",
    "LinkedIn": f"https://www.linkedin.com/safety/go?url={QUOTED}&trk=x",
    "Bing": f"https://www.bing.com/ck/a?!&&p=x&u=a1{_coded(TARGET)}&ntb=1",
    "Amazon SES": f"https://abc.r.eu-west-1.awstrack.me/L0/{QUOTED}/1/0102",
}


@pytest.mark.parametrize("gateway", list(WRAPPED))
def test_link_that_a_gateway_wrapped_is_unwrapped(gateway: str) -> None:
    assert list(unwrapping.layers(WRAPPED[gateway])) == [TARGET]


def test_runs_of_letters_that_the_third_version_keeps_are_put_back() -> None:
    wrapped = f"https://urldefense.com/v3/__https://target.example/**Bx__;{_coded('äöü')}!!abc!x$"
    assert unwrapping.inside(wrapped) == "https://target.example/äöüx"


def test_link_wrapped_twice_is_unwrapped_twice() -> None:
    twice = f"https://linkprotect.cudasvc.com/url?a={quote(WRAPPED['Safe Links'], safe='')}"
    assert list(unwrapping.layers(twice)) == [WRAPPED["Safe Links"], TARGET]


@pytest.mark.parametrize(
    "url",
    [
        "https://protect-eu.mimecast.com/s/AbCdEf?domain=target.example",
        "https://www.google.com/search?q=https://a.example/",
        "https://nam02.safelinks.protection.outlook.com/?url=javascript:alert(1)",
        "https://notsafelinks.protection.outlook.com.evil.example/?url=https://a.example/",
        "https://urldefense.com/v3/__broken",
        "https://www.bing.com/ck/a?u=a1%%%",
        "https://[broken",
    ],
)
def test_what_wraps_nothing_that_can_be_told_stays_as_it_is(url: str) -> None:
    assert list(unwrapping.layers(url)) == []


def test_both_the_link_and_what_it_wraps_are_found_in_a_mail(examine: Examine, make_mail: MakeMail) -> None:
    html = f'<a href="{WRAPPED["Safe Links"].replace("&", "&amp;")}">here</a>'
    report = examine(make_mail("hello", html), "mail.eml")
    assert [url.url for url in report.parsed.urls] == [WRAPPED["Safe Links"], TARGET]


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ('<form action="https://form.example/">', "https://form.example/"),
        ('<button formaction="https://button.example/">', "https://button.example/"),
        ('<meta http-equiv="refresh" content="0; url=https://meta.example/x">', "https://meta.example/x"),
        ("<meta content=\"0;URL='https://meta.example/y'\" http-equiv=refresh>", "https://meta.example/y"),
        ('<div style="background:url(https://style.example/a.png)">', "https://style.example/a.png"),
        ("<style>p{background:url('https://style.example/b.png')}</style>", "https://style.example/b.png"),
        ('<base href="https://base.example/dir/"><a href="page">x</a>', "https://base.example/dir/page"),
        ('<img src="//scheme.example/a.png">', "https://scheme.example/a.png"),
        ("see www.text.example/x today", "http://www.text.example/x"),
        ('<a href="htt\nps://line.example/">x</a>', "https://line.example/"),
        ('<a href="https://e&#110;tity.example/">x</a>', "https://entity.example/"),
        ('<video poster="https://poster.example/"></video>', "https://poster.example/"),
    ],
)
def test_urls_are_found_wherever_html_can_hold_them(page: str, found: str) -> None:
    assert found in list(urls.in_html(page))


def test_urls_in_quoted_printable_and_base64_are_found(examine: Examine) -> None:
    head = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nContent-Type: text/html\r\n"
    quoted = b'Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D"https://qp.exam=\r\nple/x">x</a>\r\n'
    coded = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b'<a href="https://b64.example/x">x</a>')
    assert [url.url for url in examine(head + quoted, "a.eml").parsed.urls] == ["https://qp.example/x"]
    assert [url.url for url in examine(head + coded, "b.eml").parsed.urls] == ["https://b64.example/x"]


def test_urls_of_a_page_that_is_attached_belong_to_the_page(examine: Examine, make_mail: MakeMail) -> None:
    page = b"<!DOCTYPE html><html><body><a href='https://inside.example/x'>x</a></body></html>"
    report = examine(make_mail(attachments={"invoice.html": page}), "mail.eml")
    [found] = report.parsed.urls
    assert (found.url, found.parent_id) == ("https://inside.example/x", report.file("invoice.html").id)


@pytest.mark.parametrize(
    "text",
    [
        "<a " * 40_000,
        "<a href='x'>" * 10_000,
        "<a href='https://a.example'>" + "</b" * 30_000,
        "content=" * 12_000,
        "url(" * 25_000,
        "<base " * 16_000,
        "href=" * 20_000,
        "www." * 25_000,
    ],
)
def test_hostile_html_comes_to_an_end(text: str) -> None:
    assert len(list(urls.in_html(text))) + len(list(urls.anchors(text))) < 30_000
