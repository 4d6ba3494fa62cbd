"""Whether a mail is a copy that somebody forwarded: its headers are the forwarder's, not the original's."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message

from caseway_kit.archives import Content
from caseway_kit.forwarding_words import FIELDS, FORWARD_MARKS, ORIGINAL_MARKS, SUBJECT_MARKS

READ = 256 * 1024
BODY_READ = 64 * 1024
LINES = 2000
LINES_APART = 3
LINES_BELOW_MARK = 12

_SUBJECT = re.compile(rf"(?i)^\s{{0,20}}(?:(?:re|aw|sv)\s{{0,8}}:\s{{0,8}})?\[?(?:{SUBJECT_MARKS})\s{{0,8}}[:\uff1a]")
_FORWARD = re.compile(rf"(?i)^[>\s]{{0,20}}+[-_*=\s]{{0,60}}+(?:{FORWARD_MARKS})(?:[-_*=:\uff1a\s]|$)")
_ORIGINAL = re.compile(rf"(?i)^[>\s]{{0,20}}-{{2,60}}\s{{0,8}}(?:{ORIGINAL_MARKS})\s{{0,8}}(?:-|$)")
_FIELD = re.compile(r"^[>*\s]{0,20}([^\W\d_][^:\uff1a<>@]{0,24}?)\s{0,4}\*?\s{0,4}[:\uff1a]")
_MAILS = ("message/rfc822", "message/global", "application/vnd.ms-outlook", "application/x-msg")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_LINE_TAG = re.compile(r"(?i)</?(?:br|p|div|tr|li|blockquote|hr|h[1-6])\b[^<>]{0,2000}>")


def is_forwarded(sample: Content) -> bool:
    """True only where all signs agree; in doubt the mail counts as an original."""
    try:
        mail = message_from_bytes(sample.head(READ), policy=policy.compat32)
        return _is_forwarded(mail)
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError, AssertionError):
        # The standard library's parser gives up on some mails; nothing then says that it is a copy.
        return False


def _is_forwarded(mail: Message) -> bool:
    if mail.get_all("Received"):
        # It has travelled: whatever it quotes, it is what was received.
        return False
    parts = list(mail.walk())
    if any(_brings_a_mail(part) for part in parts):
        return False
    subject = _SUBJECT.match(_decoded(mail.get("Subject", ""))) is not None
    return any(_looks_forwarded(text.splitlines()[:LINES], subject=subject) for text in _texts(parts))


def _brings_a_mail(part: Message) -> bool:
    name = _decoded(part.get_filename() or "").lower()
    return part.get_content_type() in _MAILS or name.endswith((".eml", ".msg"))


def _looks_forwarded(lines: list[str], *, subject: bool) -> bool:
    """A client's line that says so and a header below it, or a subject that says so and a whole header."""
    fields = [(number, kind) for number, line in enumerate(lines) if (kind := _field(line))]
    for number, line in enumerate(lines):
        said = _FORWARD.match(line) is not None
        if said or (subject and _ORIGINAL.match(line)):
            below = {kind for at, kind in fields if number < at <= number + LINES_BELOW_MARK}
            if len(below) >= 2:
                return True
    return subject and any("from" in kinds and len(kinds) >= 3 for kinds in _blocks(fields))


def _blocks(fields: list[tuple[int, str]]) -> Iterator[set[str]]:
    """The kinds of fields that stand together."""
    kinds: set[str] = set()
    last = -1
    for number, kind in fields:
        if last >= 0 and number - last > LINES_APART:
            yield kinds
            kinds = set()
        kinds.add(kind)
        last = number
    yield kinds


def _field(line: str) -> str:
    match = _FIELD.match(line[:200])
    return FIELDS.get(" ".join(match.group(1).casefold().split()), "") if match else ""


def _decoded(header: object) -> str:
    text = str(header)[:1000]
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError):
        return text


def _texts(parts: list[Message]) -> Iterator[str]:
    for part in parts:
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html"):
            continue
        payload = part.get_payload(decode=True)
        data = (payload if isinstance(payload, bytes) else b"")[:BODY_READ]
        text = _in_charset(data, part.get_content_charset() or "utf-8")
        if kind == "text/html":
            text = _TAG.sub("", _LINE_TAG.sub("\n", text)).replace("&nbsp;", " ")
        yield text


def _in_charset(data: bytes, charset: str) -> str:
    try:
        # Decoding these takes time by the square of the length.
        return data.decode(charset if charset not in ("punycode", "idna") else "utf-8", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")
