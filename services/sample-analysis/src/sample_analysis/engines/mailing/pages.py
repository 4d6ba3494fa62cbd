"""Pages and drawings that lie in a mail or an archive: where they lead, what they ask for, and what they unpack."""

import re

from sample_analysis.engines import mail_parts, urls
from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.programs import commands, literals
from sample_analysis.engines.programs.clear_text import clear, unescaped

VERSION = "3"
_PASSWORD = re.compile(r"(?i)<input\b[^<>]{0,2000}\btype\s{0,8}=\s{0,8}[\"']?password")
_SENDS = re.compile(
    r"(?i)<form\b[^<>]{0,2000}\baction\s{0,8}=\s{0,8}[\"']?\s{0,8}https?:|\bfetch\s{0,8}\(|XMLHttpRequest|\$\.(?:ajax|post)\b"
    r"|navigator\.sendBeacon"
)
# What needs no escape, written as one: nobody who has nothing to hide does so.
_NEEDLESS = re.compile(r"%(?:[46][1-9A-Fa-f]|[57][0-9Aa]|3[0-9])")
_MANY = 20
_RUNS_DECODED = re.compile(r"(?i)\b(?:eval|Function|document\.write(?:ln)?)\s{0,4}\(\s{0,4}(?:window\.)?atob\s{0,4}\(")
_ESCAPED = re.compile(r"(?i)\b(?:unescape|decodeURI(?:Component)?)\s{0,4}\(\s{0,4}[\"'`]([^\"'`<>]{40,1000000})[\"'`]")
_WINDOWS_LINK = re.compile(r"(?i)\bms-msdt:[^\r\n]{0,20}/id\b|\bsearch-ms:[^\s\"'<>]{0,200}\bcrumb=location:")
_SCRIPT = re.compile(r"(?i)<(?:\w{1,20}:)?script\b|\son(?:load|click|error|mouseover|begin)\s{0,4}=")
_LEADS = re.compile(
    r"(?i)\blocation\b(?:\.href|\.replace|\.assign)?\s{0,4}[=(]|\bwindow\.open\s{0,4}\(|\batob\s{0,4}\(|\beval\s{0,4}\("
    r"|\bdocument\.write\b|\bcreateObjectURL\b|\bfetch\s{0,4}\(|<(?:\w{1,20}:)?(?:iframe|meta|embed|object)\b"
)


def asks_for_password(page: str) -> bool:
    page = page[: urls.SEARCHED]
    return _PASSWORD.search(page) is not None and _SENDS.search(page) is not None


def inspect(inspection: Inspection) -> None:
    _look(inspection, _read(inspection))


def inspect_drawing(inspection: Inspection) -> None:
    """SVG: a browser opens it as a page."""
    page = _read(inspection)
    if (script := _SCRIPT.search(page)) is not None:
        inspection.tell("drawing-with-script", "A drawing with a script, which a browser runs.", script[0].strip())
        if (leads := _LEADS.search(clear(page))) is not None:
            says = "A drawing whose script leads the reader elsewhere or builds a page or a file."
            inspection.suspect("drawing-leads-elsewhere", says, leads[0])
    elif (frame := re.search(r"(?i)<(?:\w{1,20}:)?iframe\b", page)) is not None:
        inspection.suspect("drawing-leads-elsewhere", "A drawing that shows a page from elsewhere.", frame[0])
    _look(inspection, page)


def _read(inspection: Inspection) -> str:
    page = mail_parts.text_of(inspection.content.head(urls.SEARCHED))
    for url in urls.unwrapped(urls.in_html(page)):
        inspection.link(url)
    return page


def _look(inspection: Inspection, page: str) -> None:
    if asks_for_password(page):
        says = "A page to be opened from disk that asks for a password and sends it elsewhere."
        inspection.suspect("credential-form", says)
    if len(page) > commands.SEARCHED or inspection.content.size > urls.SEARCHED:
        says = f"Only the first {commands.SEARCHED // 1024 // 1024} MiB were searched for what is hidden."
        inspection.node.cut_short("page-bytes", says)
    page = page[: commands.SEARCHED]
    plain = clear(page)
    if (runs := _RUNS_DECODED.search(plain)) is not None:
        inspection.suspect("hidden-page", "The page decodes a part of itself and runs it.", runs[0])
    if (link := _WINDOWS_LINK.search(plain)) is not None:
        inspection.suspect("page-starts-windows-tool", "The page has a tool of Windows opened, with orders.", link[0])
    for match in _ESCAPED.finditer(page):
        if sum(1 for _ in _NEEDLESS.finditer(match[1])) >= _MANY:
            inspection.suspect("hidden-page", "A part of the page is written in numbers, so that nobody can read it.")
            hidden = unescaped(match[1]).encode("utf-8", "replace")
            commands.take_out(inspection, [("page", hidden)], f"offset {match.start()}")
            break
    commands.take_out(inspection, literals.files(plain), "page")
