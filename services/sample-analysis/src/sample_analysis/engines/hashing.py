"""The hashes by which the field names a sample, in one pass."""

import hashlib

import tlsh

from caseway_kit.archives import Content


def hashes(content: Content) -> dict[str, str | int | None]:
    md5 = hashlib.md5(usedforsecurity=False)
    sha1 = hashlib.sha1(usedforsecurity=False)
    sha256 = hashlib.sha256()
    fuzzy = tlsh.Tlsh()
    for chunk in content.chunks():
        md5.update(chunk)
        sha1.update(chunk)
        sha256.update(chunk)
        fuzzy.update(chunk)
    return {
        "md5": md5.hexdigest(),
        "sha1": sha1.hexdigest(),
        "sha256": sha256.hexdigest(),
        "tlsh": _digest(fuzzy),
        "size": content.size,
    }


def _digest(fuzzy: tlsh.Tlsh) -> str | None:
    """None for what is too short or too uniform to have one."""
    try:
        fuzzy.final()
        return fuzzy.hexdigest() or None
    except ValueError:
        return None
