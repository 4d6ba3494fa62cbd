"""Links that a mail gateway or a redirecting page has wrapped, as they were before it."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

LAYERS = 5
_V3 = re.compile(r"(?s)/v3/__(.{1,8000}?)__;([A-Za-z0-9_=-]{0,4000})!")
_RUN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_WEB = ("http://", "https://", "ftp://")


def layers(url: str) -> Iterator[str]:
    """What is inside the link, then inside that."""
    for _ in range(LAYERS):
        inner = inside(url)
        if not inner or inner == url:
            return
        url = inner
        yield url


def inside(url: str) -> str:
    """Empty where nothing is wrapped, or in a way that only the gateway can undo."""
    try:
        parts = urlsplit(url[:8192])
        host, query = (parts.hostname or "").lower(), parse_qs(parts.query, max_num_fields=100)
    except ValueError:
        return ""
    for ending, read in _GATEWAYS:
        if host == ending.lstrip(".") or (host.endswith(ending) if ending.startswith(".") else False):
            found = read(url, parts.path, query)
            return found if found.lower().startswith(_WEB) else ""
    return ""


Query = dict[str, list[str]]
Read = Callable[[str, str, Query], str]


def _value(*names: str, path: str = "") -> Read:
    def read(_url: str, at: str, query: Query) -> str:
        if path and not at.startswith(path):
            return ""
        return next((query[name][0].strip() for name in names if name in query), "")

    return read


def _proofpoint(url: str, path: str, query: Query) -> str:
    if path.startswith("/v1/"):
        return unquote(query.get("u", [""])[0])
    if path.startswith("/v2/"):
        return unquote(query.get("u", [""])[0].replace("-", "%").replace("_", "/"))
    match = _V3.search(url)
    return _restored(match.group(1), match.group(2)) if match else ""


def _restored(shown: str, kept: str) -> str:
    """Version 3 shows ``*`` for letters that it keeps beside; ``**`` and a letter stand for a run of them."""
    try:
        letters = iter(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode("utf-8", "replace"))
    except (binascii.Error, ValueError):
        letters = iter("")
    out: list[str] = []
    at = 0
    while at < len(shown):
        if shown[at] != "*":
            out.append(shown[at])
            at += 1
        elif shown[at + 1 : at + 2] == "*" and shown[at + 2 : at + 3] in _RUN and shown[at + 2 : at + 3]:
            out.extend(next(letters, "") for _ in range(_RUN.index(shown[at + 2]) + 2))
            at += 3
        else:
            out.append(next(letters, "*"))
            at += 1
    # Two slashes in a row do not survive the path of some servers.
    return re.sub(r"^(https?|ftp):/(?=[^/])", r"\1://", "".join(out))


def _last_of_path(_url: str, path: str, _query: Query) -> str:
    for piece in reversed(path.split("/")):
        if (plain := unquote(piece)).lower().startswith(_WEB):
            return plain
    return ""


def _between_underscores(url: str, _path: str, _query: Query) -> str:
    match = re.search(r"___(.{1,8000}?)___", url)
    return unquote(match.group(1)) if match else ""


def _base64(name: str, skipped: int = 0) -> Read:
    def read(_url: str, _path: str, query: Query) -> str:
        text = query.get(name, [""])[0][skipped:]
        try:
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return ""

    return read


_GATEWAYS: tuple[tuple[str, Read], ...] = (
    (".safelinks.protection.outlook.com", _value("url")),
    ("urldefense.proofpoint.com", _proofpoint),
    ("urldefense.com", _proofpoint),
    (".urldefense.com", _proofpoint),
    ("linkprotect.cudasvc.com", _value("a")),
    (".trendmicro.com", _value("url", path="/wis/clicktime/")),
    ("secure-web.cisco.com", _last_of_path),
    (".protection.sophos.com", _base64("u")),
    (".fireeye.com", _value("u")),
    ("clicktime.symantec.com", _value("u")),
    ("url.avanan.click", _between_underscores),
    (".checkpoint.com", _between_underscores),
    ("www.google.com", _value("q", "url", path="/url")),
    ("google.com", _value("q", "url", path="/url")),
    ("l.facebook.com", _value("u")),
    ("lm.facebook.com", _value("u")),
    ("l.instagram.com", _value("u")),
    ("www.youtube.com", _value("q", path="/redirect")),
    ("www.linkedin.com", _value("url", path="/safety/go")),
    ("slack-redir.net", _value("url")),
    ("www.bing.com", _base64("u", skipped=2)),
    (".awstrack.me", _last_of_path),
)
