"""Whether a mail is a copy that somebody forwarded: its headers are the forwarder's, not the original's."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message

from caseway_kit.archives import Content

READ = 256 * 1024
BODY_READ = 64 * 1024

_SUBJECT = re.compile(
    r"(?i)^\s{0,20}(?:(?:re|aw|sv)\s{0,8}:\s{0,8})?(?:fwd?|wg|tr|rv|enc|vs|转发|轉寄|転送)\s{0,8}[:\uff1a]"
)
_MARK = re.compile(
    r"(?im)^[>\s]{0,20}(?:-{2,40}\s{0,8}(?:original message|forwarded message|forwarded by .{1,80}"
    r"|ursprüngliche nachricht|message transféré|mensaje reenviado)|begin forwarded message\s{0,8}:)"
)
_QUOTED = re.compile(
    r"(?im)^[>*\s]{0,8}(from|von|de|sent|gesendet|date|datum|envoyé|fecha|to|an|à|para|subject|betreff|objet|asunto)"
    r"\s{0,8}\*?\s{0,8}:"
)


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
        return False
    parts = list(mail.walk())
    if any(part.get_content_type() in ("message/rfc822", "application/vnd.ms-outlook") for part in parts):
        return False
    if any((part.get_filename() or "").lower().endswith((".eml", ".msg")) for part in parts):
        return False
    subject = _decoded(mail.get("Subject", ""))
    body = next((text for part in parts if (text := _text(part))), "")
    quoted = {match.group(1).lower() for match in _QUOTED.finditer(body)}
    if _MARK.search(body) is not None:
        return len(quoted) >= 2
    return _SUBJECT.match(subject) is not None and len(quoted) >= 3


def _decoded(header: object) -> str:
    return str(make_header(decode_header(str(header)[:1000])))


def _text(part: Message) -> str:
    if part.get_content_type() not in ("text/plain", "text/html"):
        return ""
    payload = part.get_payload(decode=True)
    text = (payload if isinstance(payload, bytes) else b"")[:BODY_READ].decode("utf-8", "replace")
    if part.get_content_type() == "text/html":
        text = re.sub(r"<[^<>]{0,2000}>", "\n", text).replace("&nbsp;", " ")
    return text
