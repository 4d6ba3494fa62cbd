"""What stands unpacked in the bytes of a PDF, whether or not its tables lead there: a second look at damaged ones."""

import re

from sample_analysis.engines.documents import targets
from sample_analysis.engines.inspection import Inspection

_STREAM = re.compile(rb"\bstream\r?\n")
_HIDDEN = re.compile(rb"/[A-Za-z0-9]{0,40}#[0-9A-Fa-f]{2}[A-Za-z0-9#]{0,80}")
_SUSPECT_NAMES = (b"JavaScript", b"JS", b"Launch", b"OpenAction", b"AA", b"EmbeddedFile", b"RichMedia", b"SubmitForm")
_URI = re.compile(rb"/URI\s{0,16}\(((?:[^()\\\r\n]|\\.){1,4096})\)")
_FACTS = (
    ("pdf-acts-by-itself", re.compile(rb"/(?:AA|OpenAction)\s{0,8}<<(?!\s{0,8}/S\s{0,8}/GoTo)"), "It acts by itself."),
    ("pdf-script", re.compile(rb"/(?:JS|JavaScript)\b"), "It holds a script."),
    ("pdf-rich-media", re.compile(rb"/RichMedia\b"), "It holds media that a player has to take apart."),
    ("pdf-form", re.compile(rb"/XFA\b"), "It holds a form in XML (XFA), which can hold scripts."),
    ("pdf-attachment", re.compile(rb"/EmbeddedFiles?\b"), "A file is attached."),
    ("encrypted-document", re.compile(rb"/Encrypt\b\s{0,8}(?:\d|<<)"), "The document is encrypted."),
)
_LAUNCH = re.compile(rb"/S\s{0,8}/Launch\b")


def inspect(inspection: Inspection, data: bytes) -> None:
    """Only what was not told before, with the offset of its first place."""
    told = {reason.rule for reason in inspection.node.reasons}
    text = _without_streams(data)
    for match in _HIDDEN.finditer(text):
        name = _plain(match.group()[1:])
        if name in _SUSPECT_NAMES:
            says = "It spells a name of the format in numbers, which only hides it from those who search for it."
            inspection.suspect("pdf-hidden-name", says, f"{match.group().decode('ascii', 'replace')} = {name.decode()}")
    for rule, pattern, says in _FACTS:
        if rule not in told and (found := pattern.search(text)) is not None:
            inspection.tell(rule, says, f"offset {found.start()} without its streams")
    if "pdf-launch" not in told and (found := _LAUNCH.search(text)) is not None:
        where = text[found.start() : found.start() + 120].decode("latin-1")
        inspection.suspect("pdf-launch", "It wants to start a program or open a file.", where)
    for match in _URI.finditer(text):
        if inspection.job.tree.urls_truncated:
            return
        targets.judge(inspection, "hyperlink", match.group(1).decode("latin-1").replace("\\", ""), "address")


def _without_streams(data: bytes) -> bytes:
    """Packed bytes hold everything by chance."""
    kept: list[bytes] = []
    at = 0
    while (start := _STREAM.search(data, at)) is not None:
        kept.append(data[at : start.start()])
        end = data.find(b"endstream", start.end())
        if end < 0:
            return b" ".join(kept)
        at = end
    kept.append(data[at:])
    return b" ".join(kept)


def _plain(name: bytes) -> bytes:
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda match: bytes([int(match.group(1), 16)]), name)
