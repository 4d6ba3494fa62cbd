"""Which passwords are tried, in which order, and in which bytes."""

from collections.abc import Iterator, Sequence

STANDARD = ("infected", "virus", "novirus")

# A zip does not say in which encoding its password was typed; these are what the common tools use.
ENCODINGS = ("utf-8", "cp1252", "cp437", "cp932")


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
