"""Which passwords are tried, in which order and in which bytes, and how one is known to be right."""

import time
from collections.abc import Callable, Iterator, Sequence

from caseway_kit.archives.budget import Limits
from caseway_kit.archives.reader import Reader, Unreadable

STANDARD = ("infected", "virus", "novirus")

# A zip does not say in which encoding its password was typed; these are what the common tools use.
ENCODINGS = ("utf-8", "cp1252", "cp437", "cp932")
VERIFIED_BYTES = 4 * 1024 * 1024
SMALLEST_WITH_A_CHECKSUM = 4
_UNKNOWN_SIZE = 1 << 62

OpenReader = Callable[[bytes | None], Reader]


class PasswordNeeded(Exception):
    """No password that was tried opens the archive; ``supported`` is False where none could."""

    def __init__(self, *, tried: int, supported: bool = True) -> None:
        super().__init__("no password opens the archive")
        self.tried = tried
        self.supported = supported


def candidates(passwords: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """The customer's own first, then the standard ones, each in every encoding that gives other bytes."""
    seen: set[bytes] = set()
    for word in (*passwords, *STANDARD):
        for encoding in ENCODINGS:
            try:
                typed = word.encode(encoding)
            except UnicodeEncodeError:
                continue
            # The C library takes a string that ends at the first NUL: no such password can be right.
            if typed and b"\x00" not in typed and typed not in seen:
                seen.add(typed)
                yield word, typed


def find_password(
    open_reader: OpenReader, target: int, passwords: Sequence[str], limits: Limits
) -> tuple[str, bytes, int]:
    """The word, its bytes and the number of tries. Raises PasswordNeeded.

    Known to be right by reading the member ``target`` to its checksum: ZipCrypto's own check is one byte, which takes
    one wrong password in 256 for right.
    """
    started, tried = time.monotonic(), 0
    for word, typed in candidates(passwords):
        if tried >= limits.password_tries or time.monotonic() - started > limits.password_seconds:
            break
        tried += 1
        if _opens(open_reader, target, typed):
            return word, typed, tried
    raise PasswordNeeded(tried=tried)


def _opens(open_reader: OpenReader, target: int, typed: bytes) -> bool:
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


def smallest_encrypted(open_reader: OpenReader, listed: int) -> int | None:
    """Index of the member to try passwords on; None when nothing is encrypted."""
    best: tuple[bool, int, int] | None = None
    with open_reader(None) as reader:
        try:
            for entry in reader.entries():
                if entry.encrypted and entry.kind == "file":
                    size = entry.size if entry.size is not None else _UNKNOWN_SIZE
                    this = (size < SMALLEST_WITH_A_CHECKSUM, size, entry.index)
                    best = this if best is None else min(best, this)
                if entry.index >= listed:
                    break
        except Unreadable:
            # Members after the damage are lost either way.
            pass
        if best is None:
            return 0 if reader.says_encrypted else None
    return best[2]
