"""Which passwords are tried, in which order and in which bytes, and how one is known to be right."""

import time
from collections.abc import Callable, Iterator, Sequence

from caseway_kit.archives.budget import Limits
from caseway_kit.archives.reader import Reader, Unreadable

STANDARD = ("infected", "virus", "novirus")

# A zip does not say in which encoding its password was typed; these are what the common tools use.
ENCODINGS = ("utf-8", "cp1252", "cp437", "cp932")
LONGEST = 10_000
VERIFIED_BYTES = 4 * 1024 * 1024
SMALLEST_WITH_A_CHECKSUM = 4
_UNKNOWN_SIZE = 1 << 62

OpenReader = Callable[[bytes | None], Reader]
Opens = Callable[[bytes], bool]


class PasswordNeeded(Exception):
    """No password that was tried opens the archive; ``supported`` is False where none could.

    ``out_of_time``: there were others that were not tried.
    """

    def __init__(self, *, tried: int, supported: bool = True, out_of_time: bool = False) -> None:
        super().__init__("no password opens the archive")
        self.tried = tried
        self.supported = supported
        self.out_of_time = out_of_time


class Keys:
    """The passwords of one archive: the customer's own, then guesses, then the standard ones; those that fit first."""

    def __init__(
        self,
        passwords: Sequence[str],
        guesses: Sequence[str],
        limits: Limits,
    ) -> None:
        self._encodings: Sequence[str] = ENCODINGS
        self._longest = LONGEST
        self._limits = limits
        self._passwords = tuple(passwords)
        self._guesses = tuple(guesses)
        self._started = time.monotonic()
        self._fitting: list[tuple[str, bytes]] = []
        self.tried = 0
        self.out_of_time = False

    def find(self, opens: Opens, *, encodings: Sequence[str] = ENCODINGS, longest: int = LONGEST) -> tuple[str, bytes]:
        """The word and its bytes. Raises PasswordNeeded."""
        self._encodings, self._longest = encodings, longest
        for word, typed in self._fitting:
            if opens(typed):
                return word, typed
        for word, typed in self._candidates():
            if (word, typed) in self._fitting:
                continue
            if self.tried >= self._limits.password_tries:
                break
            if time.monotonic() - self._started > self._limits.password_seconds:
                self.out_of_time = True
                break
            self.tried += 1
            if opens(typed):
                self._fitting.append((word, typed))
                return word, typed
        raise self.needed()

    def needed(self) -> PasswordNeeded:
        return PasswordNeeded(tried=self.tried, out_of_time=self.out_of_time)

    def _candidates(self) -> Iterator[tuple[str, bytes]]:
        """However many guesses there are, each of the standard ones has its turn."""
        standard = list(self._typed(STANDARD))
        seen = {typed for _, typed in standard}
        room = self._limits.password_tries - len(standard)
        for word, typed in self._typed((*self._passwords, *self._guesses)):
            if room > 0 and (typed not in seen or word in self._passwords):
                room -= 1
                seen.add(typed)
                yield word, typed
        yield from standard

    def _typed(self, words: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Each in every encoding that gives other bytes."""
        seen: set[bytes] = set()
        for word in words:
            for encoding in self._encodings:
                try:
                    typed = word.encode(encoding)
                except UnicodeEncodeError:
                    continue
                # The C library takes a string that ends at the first NUL: no such password can be right.
                if typed and "\x00" not in word and len(word) <= self._longest and typed not in seen:
                    seen.add(typed)
                    yield word, typed


def opens_member(open_reader: OpenReader, target: int) -> Opens:
    """A password is known to be right by reading the member ``target`` to its checksum.

    ZipCrypto's own check is one byte, which takes one wrong password in 256 for right.
    """

    def opens(typed: bytes) -> bool:
        try:
            with open_reader(typed) as reader:
                for entry in reader.entries():
                    if entry.index == target:
                        total = 0
                        while total < VERIFIED_BYTES and (chunk := reader.read()):
                            total += len(chunk)
                        return True
        except Unreadable:
            return False
        return False

    return opens


def smallest_encrypted(open_reader: OpenReader, listed: int) -> tuple[int | None, bool]:
    """Index of the member to try passwords on, None when nothing is encrypted; whether another file is not."""
    best: tuple[bool, int, int] | None = None
    any_open = False
    with open_reader(None) as reader:
        try:
            for entry in reader.entries():
                if reader.never_encrypted:
                    # Each entry that is passed over is unpacked to its end, however long that takes.
                    return None, True
                if entry.kind == "file":
                    any_open = any_open or not entry.encrypted
                    if entry.encrypted:
                        size = entry.size if entry.size is not None else _UNKNOWN_SIZE
                        this = (size < SMALLEST_WITH_A_CHECKSUM, size, entry.index)
                        best = this if best is None else min(best, this)
                if entry.index >= listed:
                    break
        except Unreadable:
            # Members after the damage are lost either way.
            pass
        if best is None:
            return (0 if reader.says_encrypted and not any_open else None), any_open
    return best[2], any_open
