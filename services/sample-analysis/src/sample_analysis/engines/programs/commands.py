"""Command lines and scripts: what they start, and what they hide."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator

from sample_analysis.engines import command_lines, urls
from sample_analysis.engines.inspection import Inspection
from sample_analysis.engines.programs import literals

DECODED = 20
SEARCHED = 2 * 1024 * 1024
_ENCODED = re.compile(
    r"(?i)[-/^]e(?:nc?|nco|ncod|ncode|ncoded|ncodedc\w{0,6}|c)?\s{1,8}[\"']?([A-Za-z0-9+/]{24,200000}={0,2})"
)
_BASE64_CALL = re.compile(r"(?i)FromBase64String\s{0,4}\(\s{0,4}[\"']([A-Za-z0-9+/\s]{24,1000000}={0,2})")
_DECODES = re.compile(r"(?i)\b(?:powershell|pwsh)")
_CARETS = re.compile(r"[A-Za-z]\^(?=[A-Za-z])")
_SLICES = re.compile(r"(?i)%(?!(?:date|time):)\w{1,40}:~-?\d{1,4}(?:,-?\d{1,4})?%")
_BACKTICKS = re.compile(r"[A-Za-z]`(?=[A-Za-z])")
_FORMATS = re.compile(r"(?<!\})(?:\{\d{1,3}\}){3,200}[\"']\s{0,4}-f\b")
_CHARACTERS = re.compile(r"(?i)\[char\]\s{0,4}(?:0x)?\d{1,4}|\bchrw?\s{0,4}\(\s{0,4}(?:&h)?[0-9a-f]{1,5}\s{0,4}\)")
_RUNS_TEXT = re.compile(r"(?i)\b(?:iex|invoke-expression|execute(?:global)?|eval)\b|\.invoke\s{0,4}\(|&\s{0,4}\(")
_HIDDEN = {
    "command": ("encoded-command", "A command is hidden by encoding; it was decoded and analysed."),
    "file": (
        "file-in-text",
        "A program, script, shortcut or archive is written into it as text; it was decoded and analysed.",
    ),
}
_HIDING = (
    (_CARETS, 12, False, "carets between letters"),
    (_SLICES, 12, False, "letters cut out of variables"),
    (_BACKTICKS, 12, False, "backticks between letters"),
    (_FORMATS, 2, False, "words put together from numbered pieces"),
    (_CHARACTERS, 25, True, "letters by their numbers"),
)


def judge(inspection: Inspection, line: str, where: str) -> None:
    """One command line."""
    if command_lines.starts_script(line):
        inspection.tell("starts-script", "It starts a command interpreter or a script.", f"{where}: {line}")
    if command_lines.is_suspicious(line):
        says = "A command that decodes or downloads code, or removes traces and backups."
        inspection.suspect("suspicious-command", says, f"{where}: {line}")
    unpack(inspection, line, where)


def hidden(inspection: Inspection, text: str) -> None:
    """Text that is written so that neither a reader nor a search finds its words."""
    text = text[:SEARCHED]
    for pattern, enough, runs, what in _HIDING:
        count = 0
        for _ in pattern.finditer(text):
            count += 1
            if count >= enough:
                break
        if count >= enough and (not runs or _RUNS_TEXT.search(text)):
            says = f"Its commands are hidden from a reader: {what}."
            inspection.suspect("hidden-commands", says, f"{enough} places or more")


def unpack(inspection: Inspection, text: str, where: str) -> None:
    """Take out what is encoded in it, and hand out its URLs."""
    text = text[:SEARCHED]
    take_out(inspection, _decoded(text), where)
    for url in urls.in_text(text):
        inspection.link(url)


def take_out(inspection: Inspection, decoded: Iterable[tuple[str, bytes]], where: str) -> None:
    """Each of the parts (what it is, and its bytes) once."""
    taken: set[bytes] = set()
    for kind, data in decoded:
        if (digest := hashlib.sha256(data).digest()) in taken:
            continue
        if len(taken) >= DECODED:
            inspection.node.cut_short("decoded", f"Only the first {DECODED} encoded parts were taken out.")
            break
        if kind in _HIDDEN:
            inspection.suspect(*_HIDDEN[kind], where)
        inspection.take_out(f"decoded/{where}/{len(taken)}", f"decoded {kind} {len(taken) + 1}", data)
        taken.add(digest)


def _decoded(text: str) -> Iterator[tuple[str, bytes]]:
    if _DECODES.search(text):
        for match in _ENCODED.finditer(text):
            data = _base64(match.group(1))
            # PowerShell takes UTF-16 only; anything else is a word that happens to follow.
            if len(data) > 8 and data[1:16:2].count(0) >= 4:
                yield "command", data.decode("utf-16-le", "replace").encode()
    for match in _BASE64_CALL.finditer(text):
        if len(data := _base64(re.sub(r"\s", "", match.group(1)))) > 16:
            yield "data", data
    yield from literals.files(text)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
