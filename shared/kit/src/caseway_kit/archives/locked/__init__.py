"""Encrypted 7z and RAR archives, written anew without their encryption, as the archive library opens none.

Only what is encrypted changes: the packed data are decrypted and stay packed, and the library unpacks them.
"""

from typing import Protocol

from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.locked.parts import NotOpened
from caseway_kit.archives.locked.rar3 import LockedRar3
from caseway_kit.archives.locked.rar5 import LockedRar5
from caseway_kit.archives.locked.sevenzip import LockedSevenZip

__all__ = ["Locked", "NotOpened", "locked_archive"]


class Locked(Protocol):
    """``encoding``: of the password's characters, which these formats fix, other than a zip's."""

    encoding: str
    longest: int

    def opened(self, typed: bytes) -> Content:
        """The archive without its encryption.

        Raises NotOpened where the password is seen to be wrong, LimitReached where time or room come to an end.
        """

    @property
    def certain(self) -> bool:
        """Whether a password that opens it is known to be right without reading a member."""


def locked_archive(content: Content, budget: Budget) -> Locked | None:
    """None where it is of no kind that can be opened here."""
    head = content.head(8)
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return LockedSevenZip(content, budget)
    if head == b"Rar!\x1a\x07\x01\x00":
        return LockedRar5(content, budget)
    return LockedRar3(content, budget) if head.startswith(b"Rar!\x1a\x07\x00") else None
