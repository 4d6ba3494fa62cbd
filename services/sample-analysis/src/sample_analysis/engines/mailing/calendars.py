"""Invitations: what a calendar program attaches to a date, and where its words lead."""

import base64
import re

from caseway_kit.archives import Content, detect, named_susceptible
from sample_analysis.engines import mail_parts, urls
from sample_analysis.engines.inspection import Inspection

ATTACHMENTS = 50
_FOLD = re.compile(r"\r?\n[ \t]")
_ATTACHED = re.compile(
    r"(?im)^ATTACH((?:;[^:;\r\n\"]{0,500}(?:\"[^\"\r\n]{0,500}\")?){0,10}):([A-Za-z0-9+/]{20,4194304}={0,2})\r?$"
)
_NAME = re.compile(r"(?i)(?:FILENAME|X-FILENAME|X-APPLE-FILENAME)=(?:\"([^\"\r\n]{1,255})|([^\";:\r\n]{1,255}))")


def inspect(inspection: Inspection) -> None:
    if inspection.content.size > urls.SEARCHED:
        inspection.node.cut_short("page-bytes", f"Only the first {urls.SEARCHED // 1024 // 1024} MiB were read.")
    text = _FOLD.sub("", mail_parts.text_of(inspection.content.head(urls.SEARCHED)))
    for url in urls.unwrapped(urls.in_text(text.replace("\\n", " ").replace("\\,", ","))):
        inspection.link(url)
    for count, match in enumerate(_ATTACHED.finditer(text), start=1):
        if count > ATTACHMENTS:
            inspection.node.cut_short("objects", f"Only the first {ATTACHMENTS} attachments were taken out.")
            break
        data = base64.b64decode(match[2][: len(match[2]) // 4 * 4])
        name = _NAME.search(match[1])
        _give(inspection, data, (name[1] or name[2]) if name else f"attachment {count}", count)


def _give(inspection: Inspection, data: bytes, name: str, count: int) -> None:
    if named_susceptible(name) or detect(Content.of_bytes(data), name).susceptible:
        inspection.suspect("embedded-program", "A program, script or shortcut is attached to the date.", name)
    inspection.take_out(f"attachment/{count}", name, data)
