"""A web page that lies in a mail or an archive: where it leads, and whether it asks for a password."""

import re

from sample_analysis.engines import mail_parts, urls
from sample_analysis.engines.inspection import Inspection

VERSION = "1"
_PASSWORD = re.compile(r"(?i)<input\b[^<>]{0,2000}\btype\s{0,8}=\s{0,8}[\"']?password")
_SENDS = re.compile(
    r"(?i)<form\b[^<>]{0,2000}\baction\s{0,8}=\s{0,8}[\"']?\s{0,8}https?:|\bfetch\s{0,8}\(|XMLHttpRequest|\$\.(?:ajax|post)\b"
    r"|navigator\.sendBeacon"
)


def asks_for_password(page: str) -> bool:
    page = page[: urls.SEARCHED]
    return _PASSWORD.search(page) is not None and _SENDS.search(page) is not None


def inspect(inspection: Inspection) -> None:
    page = mail_parts.text_of(inspection.content.head(urls.SEARCHED))
    for url in urls.unwrapped(urls.in_html(page)):
        inspection.link(url)
    if asks_for_password(page):
        says = "A page to be opened from disk that asks for a password and sends it elsewhere."
        inspection.suspect("credential-form", says)
