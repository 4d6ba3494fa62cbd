"""The name of an upload, from its Content-Disposition (RFC 6266): for people to read, never a place to write to."""

import re
from urllib.parse import unquote_to_bytes

UNNAMED = "attachment"
LONGEST = 255

_PARAMETER = re.compile(
    r';\s*(?P<name>[A-Za-z0-9!#$&+.^_`|~-]+\*?)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^;]*))'
)
_EXTENDED = re.compile(r"(?P<charset>[A-Za-z0-9-]+)'[A-Za-z0-9-]*'(?P<value>.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def upload_name(disposition: str | None) -> str:
    """``filename*`` before ``filename``; without either, or without sense, "attachment"."""
    given: dict[str, str] = {}
    for found in _PARAMETER.finditer(f";{disposition or ''}"):
        quoted = found["quoted"]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found["token"].strip()
        given.setdefault(found["name"].lower(), value)
    return _clean(_decoded(given.get("filename*"))) or _clean(_utf8(given.get("filename", ""))) or UNNAMED


def _decoded(extended: str | None) -> str:
    match = _EXTENDED.fullmatch(extended or "")
    if match is None or match["charset"].lower() not in ("utf-8", "iso-8859-1"):
        return ""
    try:
        return unquote_to_bytes(match["value"]).decode(match["charset"])
    except (UnicodeDecodeError, UnicodeEncodeError):
        return ""


def _utf8(text: str) -> str:
    # Header bytes reach us as Latin-1, and what browsers and scripts put there is UTF-8.
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return text


def _clean(name: str) -> str:
    base = re.split(r"[\\/]", _CONTROL.sub("", name))[-1].strip()
    return "" if base in (".", "..") else base[:LONGEST]
