"""Encrypted archives that the library cannot decrypt: decrypted here, and then read by it like any other."""

import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from caseway_kit.archives.budget import Budget
from caseway_kit.archives.content import Content
from caseway_kit.archives.locked import Locked, NotOpened, locked_archive
from caseway_kit.archives.passwords import Keys, PasswordNeeded, opens_member, smallest_encrypted
from caseway_kit.archives.reader import Reader, Unreadable


@dataclass(frozen=True)
class Anew:
    """The archive without its encryption, and the word that opened it first."""

    content: Content
    word: str
    _places: frozenset[int] | None

    def was_encrypted(self, place: int) -> bool:
        return self._places is None or place in self._places


def open_anew(
    content: Content, formats: Sequence[str], keys: Keys, budget: Budget, target: int, *, any_open: bool
) -> Anew | None:
    """None where only what is not encrypted can be read. Raises PasswordNeeded where that is nothing."""
    locked = locked_archive(content, budget)
    if locked is None:
        raise PasswordNeeded(tried=0, supported=False)
    places = _places_of_encrypted(content, formats)
    first: str | None = None
    while locked is not None:
        try:
            word, content = _opened(locked, formats, keys, budget, target)
        except PasswordNeeded:
            if first is None and not any_open:
                raise
            break
        first = first or word
        # Files can have passwords of their own: what is left is tried again.
        left, any_open = smallest_encrypted(partial(_reader, content, formats), budget.limits.listed)
        target, locked = left or 0, locked_archive(content, budget) if left is not None else None
    return Anew(content, first, places) if first is not None else None


def _opened(locked: Locked, formats: Sequence[str], keys: Keys, budget: Budget, target: int) -> tuple[str, Content]:
    opened: list[Content] = []

    def opens(typed: bytes) -> bool:
        budget.check_time()
        try:
            plain = locked.opened(typed)
        except NotOpened:
            return False
        except (struct.error, IndexError, ValueError, OverflowError):
            # A header that is damaged where no check looks: no password opens it.
            return False
        if locked.certain or opens_member(partial(_reader, plain, formats), target)(typed):
            opened.append(plain)
            return True
        plain.close()
        return False

    word, _ = keys.find(opens, encodings=(locked.encoding,), longest=locked.longest)
    return word, opened[0]


def _places_of_encrypted(content: Content, formats: Sequence[str]) -> frozenset[int] | None:
    """None where the names are encrypted too, and so is all of it."""
    places, told = set(), 0
    with suppress(Unreadable), _reader(content, formats) as reader:
        for entry in reader.entries():
            told += 1
            if entry.encrypted:
                places.add(entry.index)
    return frozenset(places) if told else None


def _reader(content: Content, formats: Sequence[str], _typed: bytes | None = None) -> Reader:
    return Reader(content, formats)
