"""Text of reports and logs, streamed: whatever they say their encoding is, and however long a line gets."""

import codecs
from collections.abc import Iterator

from caseway_kit.archives import Content

LONGEST_LINE = 64 * 1024

_UTF8_WITH_ANSI = "utf-8-with-ansi"


def _ansi(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_UTF8_WITH_ANSI, _ansi)


def decoded(content: Content) -> Iterator[str]:
    """As text, by its mark or by its look: what a declaration states is often of an earlier life of the file."""
    head = content.head(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
    elif b"\x00" in head:
        decoder = codecs.getincrementaldecoder("utf-16-be" if head[0] == 0 else "utf-16-le")("replace")
    else:
        decoder = codecs.getincrementaldecoder("utf-8-sig")(_UTF8_WITH_ANSI)
    for chunk in content.chunks():
        yield decoder.decode(chunk)


def lines(content: Content) -> Iterator[str]:
    """Line by line, without their ends; of a longer one than ``LONGEST_LINE`` the rest is passed over."""
    pending = ""
    cutting = False
    for text in decoded(content):
        *whole, rest = text.split("\n")
        for line in whole:
            if not cutting:
                yield (pending + line)[:LONGEST_LINE].rstrip("\r")
            pending, cutting = "", False
        if not cutting:
            pending += rest[: LONGEST_LINE + 1]
            if len(pending) > LONGEST_LINE:
                yield pending[:LONGEST_LINE]
                pending, cutting = "", True
    if pending and not cutting:
        yield pending.rstrip("\r")
