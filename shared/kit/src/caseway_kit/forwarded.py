"""Whether a mail is a copy that somebody forwarded: its headers are the forwarder's, not the original's."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message

from caseway_kit.archives import Content

READ = 256 * 1024
BODY_READ = 64 * 1024

_SUBJECT = re.compile(r"(?i)^\s*(?:(?:re|aw|sv)\s*:\s*)?(?:fwd?|wg|tr|rv|enc|vs|doorst|转发|轉寄|転送)\s*[:：]")  # noqa: RUF001 - a full-width colon is meant
_MARK = re.compile(
    r"(?im)^[>\s]*(?:-{2,}\s*(?:original message|forwarded message|forwarded by .{1,80}|ursprüngliche nachricht"
    r"|message transféré|mensaje reenviado)\s*-{0,}|begin forwarded message\s*:)"
)
_QUOTED = re.compile(
    r"(?im)^[>*\s]{0,8}(from|von|de|sent|gesendet|date|datum|envoyé|fecha|to|an|à|para|subject|betreff|objet|asunto)\s*\*?\s*:"
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
