"""Under which expressions a URL may be known: at most five host suffixes times six path prefixes, as Safe Browsing
builds them, the most specific first."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from publicsuffixlist import PublicSuffixList

from url_rating.canonical import CanonicalUrl

MOST = 30
_HOSTS_ABOVE = 4
_FOLDERS_BELOW_ROOT = 3
_LONGEST_SUFFIX = 10


@dataclass(frozen=True, slots=True)
class Expression:
    """A host suffix and a path prefix of a URL, and the hash that lists know it by."""

    text: str
    digest: bytes


def digest(expression: str) -> bytes:
    return sha256(expression.encode()).digest()


def expressions(url: CanonicalUrl) -> tuple[Expression, ...]:
    """Every expression of ``url``; a longer host is more specific than any path, then the longer path."""
    paths = _paths(url)
    texts = (f"{host}{path}" for host in _hosts(url.host) for path in paths)
    return tuple(Expression(text, digest(text)) for text in texts)


def _hosts(host: str) -> list[str]:
    if is_address(host):
        return [host]
    labels = host.split(".")[-_LONGEST_SUFFIX:]
    registrable = registrable_domain(host)
    shortest = len(registrable.split(".")) if registrable else len(labels)
    above = [".".join(labels[-count:]) for count in range(_HOSTS_ABOVE + shortest - 1, shortest - 1, -1)]
    return [host, *[suffix for suffix in dict.fromkeys(above) if suffix != host][-_HOSTS_ABOVE:]]


def site(host: str) -> bytes:
    """What all URLs that one expression may cover have in common, whatever host the expression names."""
    return digest(f"{host if is_address(host) else registrable_domain(host) or host}/")


def registrable_domain(host: str) -> str | None:
    """The domain that somebody registered, None where ``host`` is a public suffix itself."""
    # An attacker's host name may have thousands of labels; no public suffix has more than a few.
    tail = ".".join(host.rsplit(".", _LONGEST_SUFFIX)[-_LONGEST_SUFFIX:])
    found: str | None = _public_suffixes().privatesuffix(tail)
    return found


def is_address(host: str) -> bool:
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


def _paths(url: CanonicalUrl) -> list[str]:
    folders = url.path.split("/")[1:-1][:_FOLDERS_BELOW_ROOT]
    prefixes = ["/" + "".join(f"{folder}/" for folder in folders[:count]) for count in range(len(folders), -1, -1)]
    exact = [url.path] if url.query is None else [f"{url.path}?{url.query}", url.path]
    return list(dict.fromkeys([*exact, *prefixes]))


@cache
def _public_suffixes() -> PublicSuffixList:
    # The private section is left out: a hosting company's own domain stands in lists like any other.
    return PublicSuffixList(only_icann=True)
