"""A mail's parts and headers out of the standard library's parser, which raises on some mails and loops on none."""

import codecs
import re
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import policy
from email.errors import HeaderParseError
from email.feedparser import BytesFeedParser
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from typing import TypeVar

from caseway_kit.archives import Content
from sample_analysis.engines.mailing import parameters

T = TypeVar("T")
D = TypeVar("D")

PARSED_BYTES = 48 * 1024 * 1024
PARSING_SECONDS = 5
FED_BYTES = 16 * 1024
PARTS = 1000
NESTING = 20
HEADER_BYTES = 64 * 1024
ALL_HEADERS_BYTES = 1024 * 1024
ADDRESSES = 1000

# What the parser and its decoders raise on hostile input, found by running all of the corpora through them.
PARSER_ERRORS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
    HeaderParseError,
    OverflowError,
    OSError,
    EOFError,
    struct.error,
)
_CHARSET_FALLBACKS = ("utf-8", "cp1252")
# No mail is written in these, and decoding the first takes time by the square of the length.
_NOT_CHARSETS = ("punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined")


@dataclass(frozen=True)
class Part:
    """A leaf of a mail: its bytes decoded, with what its headers say about it."""

    index: int
    content_type: str
    name: str
    attached: bool
    payload: bytes
    text: str | None
    reading: str = ""
    """Empty for the first reading; else how another came to it."""
    other_names: tuple[str, ...] = ()
    """What other programs call it."""


def parse(content: Content) -> tuple[Message | None, str]:
    """The mail (None for what the parser cannot make one of), and the limit that ended the reading of it, if one did.

    Each line costs the parser a look at every multipart around it, so that a deep nesting in front of many lines
    takes hours: it is fed in pieces and stopped by the clock.
    """
    parser = BytesFeedParser(policy=policy.compat32)
    started, fed = time.process_time(), 0
    try:
        while fed < PARSED_BYTES:
            if time.process_time() - started >= PARSING_SECONDS:
                return parser.close(), "mail-time" if fed < content.size else ""
            if not (chunk := content.read(fed, FED_BYTES)):
                break
            parser.feed(chunk)
            fed += len(chunk)
        return parser.close(), "mail-size" if fed < content.size else ""
    except PARSER_ERRORS:
        return None, ""


def only_header(data: bytes) -> Message:
    """Of a mail whose parts the parser gave up on; its body is empty."""
    ends = [at for blank in (b"\n\n", b"\r\n\r\n", b"\r\r") if (at := data.find(blank)) >= 0]
    head = data[: min((*ends, ALL_HEADERS_BYTES))]
    mail = safely(lambda: BytesParser(policy=policy.compat32).parsebytes(head, headersonly=True), Message())
    mail.set_payload("")
    return mail


def header(mail: Message, name: str) -> str:
    return decoded(next(iter(headers(mail, name)), ""))


def headers(mail: Message, name: str) -> list[str]:
    """As they stand; letters that are not ASCII are taken for UTF-8 where that can be."""
    items = safely(lambda: [(key, str(value)) for key, value in mail.raw_items()], [])
    return [_readable(value[:HEADER_BYTES]) for key, value in items if key.lower() == name.lower()]


def _readable(value: str) -> str:
    if value.isascii():
        return value
    return _in_charset(value.encode("utf-8", "surrogateescape"), None)


def addresses(mail: Message, name: str) -> list[str]:
    """As written, names included, one entry an address."""
    lines = [decoded(value) for value in headers(mail, name)]
    try:
        pairs = getaddresses(lines)[:ADDRESSES]
    except PARSER_ERRORS:
        return lines[:ADDRESSES]
    return [f"{shown} <{address}>" if shown else address for shown, address in pairs if shown or address]


def date(mail: Message) -> str | None:
    try:
        return parsedate_to_datetime(header(mail, "Date")).isoformat()
    except PARSER_ERRORS:
        return None


def cuts(mail: Message) -> Iterator[tuple[str, str]]:
    """The limits that the header of a mail goes beyond."""
    sizes = safely(lambda: [len(name) + len(str(value)) for name, value in mail.items()], [])
    if any(size > HEADER_BYTES for size in sizes) or sum(sizes) > ALL_HEADERS_BYTES:
        yield "mail-header", "The header of the mail is too large: only the beginning of each field was read."
    people = sum(value.count("@") for name in ("From", "To", "Cc") for value in headers(mail, name))
    if people > ADDRESSES:
        yield "mail-addresses", f"Only the first {ADDRESSES:,} addresses of a field of the mail were read."


def leaves(mail: Message) -> Iterator[tuple[int, Message]]:
    """The parts that hold no parts, a nested mail counting as one of them; no recursion, whatever the nesting."""
    waiting, index = [mail], 0
    while waiting and index < PARTS:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(reversed(_children(part)))
            continue
        yield index, part
        index += 1


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def read_part(part: Message, index: int) -> Part:
    content_type = safely(part.get_content_type, "application/octet-stream")
    disposition = str(part.get("Content-Disposition", "")).strip().lower()
    name, *others = _names(part) or ("",)
    payload = _payload(part)
    # A multipart without a part is what stands in it, a text.
    is_text = content_type in ("text/plain", "text/html") or content_type.startswith("multipart/")
    attached = bool(name) or disposition.startswith("attachment") or not is_text
    return Part(
        index,
        content_type,
        name,
        attached,
        payload,
        _text(part, payload) if is_text else None,
        other_names=tuple(others),
    )


def _payload(part: Message) -> bytes:
    if part.is_multipart():
        # A nested mail: its bytes as they would be if it were saved.
        return b"\n".join(safely(child.as_bytes, b"") for child in _children(part))
    payload = safely(lambda: part.get_payload(decode=True), b"")
    if isinstance(payload, bytes):
        return payload
    raw = safely(part.get_payload, "")
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _names(part: Message) -> tuple[str, ...]:
    """As the standard library reads it, then as others do."""
    first = safely(part.get_filename, None)
    first = first if isinstance(first, str) and "\ufffd" not in first else ""
    fields = {name: headers(part, name) for name in ("content-disposition", "content-type")}
    others = safely(lambda: parameters.names(fields), [])
    return tuple(dict.fromkeys(shown for name in (first, *others) if (shown := decoded(name)[:1024])))


def text_of(payload: bytes) -> str:
    """Of a part whose charset is not known."""
    return _in_charset(payload, "utf-16" if payload.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else None)


def _text(part: Message, payload: bytes) -> str:
    stated = safely(part.get_content_charset, None)
    return _in_charset(payload, stated if isinstance(stated, str) else None)


def _in_charset(data: bytes, stated: str | None) -> str:
    for charset in (stated, *_CHARSET_FALLBACKS):
        try:
            if charset and codecs.lookup(charset).name not in _NOT_CHARSETS:
                return data.decode(charset)
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


def decoded(value: str) -> str:
    """Encoded words decoded where they can be; what cannot be decoded is shown as it came."""
    value = value[:HEADER_BYTES]
    try:
        pieces = [
            _in_charset(piece, charset) if isinstance(piece, bytes) else piece
            for piece, charset in decode_header(value)
        ]
        value = "".join(pieces)
    except PARSER_ERRORS:
        pass
    value = re.sub(r"[\r\n]+[ \t]*", " ", value)
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()


def safely(read: Callable[[], T], default: D) -> T | D:
    try:
        return read()
    except PARSER_ERRORS:
        return default
