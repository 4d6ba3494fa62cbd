"""Domains of addresses and links, and the part of one that somebody registered."""

import re

import can_ada
from publicsuffixlist import PublicSuffixList

# Read when the module is imported: nothing can be opened inside the sandbox.
_SUFFIXES = PublicSuffixList(accept_unknown=False)
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})")


def registered(host: str) -> str:
    """``example.co.uk`` of ``www.example.co.uk``; of a name without a known suffix its last two labels."""
    host = host.strip(".").lower()[:255]
    found = _SUFFIXES.privatesuffix(host)
    return found if isinstance(found, str) else ".".join(host.split(".")[-2:]) if not _is_address(host) else host


def is_known(host: str) -> bool:
    """Whether the name ends as one on the internet can."""
    return _SUFFIXES.privatesuffix(host.lower()[:255]) is not None


def of_url(url: str) -> str:
    try:
        return str(can_ada.parse(url).hostname).lower()
    except ValueError:
        return ""


def of_person(person: str) -> str:
    """Of an address with or without a name before it; the library's parser goes as deep as its brackets do."""
    return person[-1000:].rpartition("<")[2].rpartition("@")[2].strip("<>\"' ").lower()


def addresses_in(text: str) -> list[str]:
    return [match.group(1).lower() for match in _ADDRESS.finditer(text[:1000])]


def _is_address(host: str) -> bool:
    return host.startswith("[") or host.replace(".", "").isdigit()
