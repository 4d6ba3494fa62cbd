"""The one form of a URL that ratings are kept under.

WHATWG says which host and path a browser would open; on top of that come the published rules of Safe Browsing, so that
spellings which open the same page share one form. User name, password, port and fragment are not part of it. Nothing
here, or anywhere in this service, fetches a URL.
"""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv6Address, IPv6Network

import ada_url

from url_rating.refang import refang

TYPED_LIMIT = 2_048
FOUND_LIMIT = 65_536

_SCHEMES = ("http", "https", "ftp")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_HOST_AND_PORT = re.compile(r"[a-zA-Z0-9.-]+:\d{1,5}(?:[/?#]|$)")
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DROPPED = {ord(character): None for character in "\t\r\n"}
_NAT64 = IPv6Network("64:ff9b::/96")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_ESCAPES = tuple(chr(byte) if 0x20 < byte < 0x7F and byte not in b"#%" else f"%{byte:02X}" for byte in range(0x100))
_PLAIN_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9]*")


class InvalidUrl(Exception):
    """Not something that a browser would open: what is wrong, and what to do about it."""

    def __init__(self, says: str, help: str) -> None:  # noqa: A002 - the field's name in every problem document
        super().__init__(says)
        self.says = says
        self.help = help


@dataclass(frozen=True, slots=True)
class CanonicalUrl:
    """``path`` starts with a slash; ``query`` is None where there is none, and may be empty. User name and port tell
    something about a URL, and are no part of what it is known by."""

    scheme: str
    host: str
    path: str
    query: str | None = None
    user: str = field(default="", compare=False)
    port: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.expression}"

    @property
    def expression(self) -> str:
        """The most specific expression that the URL can be known by."""
        return f"{self.host}{self.path}" if self.query is None else f"{self.host}{self.path}?{self.query}"


def canonicalize(url: str, *, limit: int = TYPED_LIMIT) -> CanonicalUrl:
    """Canonical form of ``url`` as somebody typed it, defanged or not; :class:`InvalidUrl` where it has none."""
    if len(url) > limit:
        raise InvalidUrl(f"The URL is longer than {limit:,} characters.", "Shorten it, for example to host and path.")
    if plain := _plain(url):
        return plain
    text = refang(_LONE_SURROGATE.sub("\ufffd", url.strip(_C0_AND_SPACE).translate(_DROPPED)))
    if not text:
        raise InvalidUrl("The URL is empty.", "Give one URL, for example https://www.example.com/page.")
    return _parsed(text)


def _plain(text: str) -> CanonicalUrl | None:
    # Most entries of a list are bare host names, and a parse of each would double the time of an import.
    if len(text) > 253 or "xn--" in text or not _PLAIN_HOST.fullmatch(text):
        return None
    return CanonicalUrl("http", text, "/")


def _parsed(text: str) -> CanonicalUrl:
    try:
        parsed = ada_url.URL(_with_scheme(text))
    except ValueError:
        raise InvalidUrl("No browser would open this URL.", "Check its spelling, its host name above all.") from None
    scheme = parsed.protocol.removesuffix(":")
    if scheme not in _SCHEMES:
        raise InvalidUrl(
            f"URLs of the scheme {scheme[:32]!r} are not rated.", "Give a URL that starts with http or https."
        )
    path, mark, query = _unescape(f"{parsed.pathname}{_search(parsed, text)}".encode()).partition(b"?")
    user = parsed.username if "@" in text else ""
    return CanonicalUrl(
        scheme, _host(parsed.hostname), _path(path), _escape(query) if mark else None, user, parsed.port
    )


def _with_scheme(text: str) -> str:
    if text.startswith(("//", "\\\\")):
        return f"http:{text}"
    if _SCHEME.match(text) and not _HOST_AND_PORT.match(text):
        return text
    return f"http://{text}"


def _search(parsed: ada_url.URL, text: str) -> str:
    # ``search`` of "x?" is empty although the question mark belongs to the URL.
    if (search := parsed.search) or "?" not in text:
        return search
    return "?" if "?" in parsed.href.partition("#")[0] else ""


def _host(hostname: str) -> str:
    if hostname.startswith("["):
        return _ipv6(hostname)
    host = ".".join(label for label in hostname.split(".") if label)
    if not host:
        raise InvalidUrl("The URL has no host name.", "Give the whole URL, for example https://www.example.com/page.")
    if host == hostname:
        return host
    try:
        # What was no address with its surplus dots may be one without them.
        return ada_url.URL(f"http://{host}/").hostname
    except ValueError:
        raise InvalidUrl("The URL's host is not a valid name or address.", "Check its host name.") from None


def _ipv6(hostname: str) -> str:
    try:
        address = IPv6Address(hostname.strip("[]"))
    except AddressValueError:
        raise InvalidUrl("The URL's host is not a valid address.", "Check the address in brackets.") from None
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if address in _NAT64:
        return ".".join(str(byte) for byte in address.packed[-4:])
    return f"[{address.compressed}]"


def _path(path: bytes) -> str:
    kept: list[bytes] = []
    segments = path.split(b"/")
    for segment in segments:
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment not in (b"", b"."):
            kept.append(segment)
    if not kept:
        return "/"
    tail = "/" if segments[-1] in (b"", b".", b"..") else ""
    return f"/{_escape(b'/'.join(kept))}{tail}"


def _unescape(data: bytes) -> bytes:
    """Percent-unescaped until nothing is left to unescape, in one pass: a URL of nested escapes costs no more."""
    if b"%" not in data:
        return data
    out = bytearray()
    for byte in data:
        out.append(byte)
        while len(out) > 2 and out[-3] == 0x25 and out[-1] in _HEX and out[-2] in _HEX:
            out[-3:] = bytes((int(out[-2:], 16),))
    return bytes(out)


def _escape(data: bytes) -> str:
    return "".join([_ESCAPES[byte] for byte in data])
