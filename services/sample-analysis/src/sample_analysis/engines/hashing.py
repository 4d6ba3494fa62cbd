"""The hashes by which the field names a sample, in one pass."""

import hashlib

from caseway_kit.archives import Content
from sample_analysis.engines.tlsh import Tlsh


class Hasher:
    """Takes bytes as they pass by."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._tlsh = Tlsh()
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
            "tlsh": self._tlsh.hexdigest(),
            "size": self._size,
        }


def hashes(content: Content) -> dict[str, str | int | None]:
    hasher = Hasher()
    for chunk in content.chunks():
        hasher.update(chunk)
    return hasher.facts()
