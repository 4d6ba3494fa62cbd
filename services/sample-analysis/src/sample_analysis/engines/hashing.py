"""The hashes by which the field names a sample, in one pass."""

import hashlib

import tlsh

from caseway_kit.archives import Content


class Hasher:
    """Takes bytes as they pass by."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._tlsh = tlsh.Tlsh()
        self._size = 0

    def update(self, chunk: bytes) -> None:
        self._md5.update(chunk)
        self._sha1.update(chunk)
        self._sha256.update(chunk)
        self._tlsh.update(chunk)
        self._size += len(chunk)

    def facts(self) -> dict[str, str | int | None]:
        return {
            "md5": self._md5.hexdigest(),
            "sha1": self._sha1.hexdigest(),
            "sha256": self._sha256.hexdigest(),
            "tlsh": self._fuzzy(),
            "size": self._size,
        }

    def _fuzzy(self) -> str | None:
        """None for what is too short or too uniform to have one."""
        try:
            self._tlsh.final()
            return self._tlsh.hexdigest() or None
        except ValueError:
            return None


def hashes(content: Content) -> dict[str, str | int | None]:
    hasher = Hasher()
    for chunk in content.chunks():
        hasher.update(chunk)
    return hasher.facts()
