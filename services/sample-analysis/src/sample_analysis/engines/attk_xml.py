"""XML of the ATTK, tolerant by element name: streamed, no entity ever expanded, whatever it says its encoding is."""

import codecs
import re
from collections.abc import Callable, Iterator
from xml.parsers import expat

from caseway_kit.archives import Content

VALUE_KEPT = 4096
DEEPEST = 100
LONGEST_TOKEN = 4 * 1024 * 1024

_UTF8_WITH_ANSI = "utf-8-with-ansi"
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")

Record = dict[str, str]


class Refused(Exception):
    """It declares entities, or is nested or filled as no report is."""


class Damaged(Exception):
    """It breaks off or is not well-formed; the records before stand."""


def _ansi(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_UTF8_WITH_ANSI, _ansi)


def records(content: Content, wanted: frozenset[str], take: Callable[[str, Record], None]) -> None:
    """Call ``take`` with each element named in ``wanted`` (lower case, without namespace) and its children's texts."""
    reader = _Reader(wanted, take)
    for text in _decoded(content):
        reader.feed(text)
    reader.finish()


def _decoded(content: Content) -> Iterator[str]:
    """As text, by its mark or by its look: what the declaration states is often of an earlier life of the file."""
    head = content.head(4)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
    elif b"\x00" in head:
        decoder = codecs.getincrementaldecoder("utf-16-be" if head[0] == 0 else "utf-16-le")("replace")
    else:
        decoder = codecs.getincrementaldecoder("utf-8-sig")(_UTF8_WITH_ANSI)
    first = True
    for chunk in content.chunks():
        text = decoder.decode(chunk).translate(_FORBIDDEN)
        if first:
            text = _DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"), count=1)
            first = not text
        yield text


class _Reader:
    def __init__(self, wanted: frozenset[str], take: Callable[[str, Record], None]) -> None:
        self._wanted = wanted
        self._take = take
        self._open: list[str] = []
        self._records: list[tuple[int, Record]] = []
        self._text: list[str] = []
        self._kept = 0
        self._fed = self._answered = 0
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = 64 * 1024
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def feed(self, text: str) -> None:
        self._fed += len(text)
        self._parse(text, last=False)
        if self._fed - self._answered > LONGEST_TOKEN:
            # Expat keeps an unfinished tag in memory for as long as it grows.
            raise Refused("a tag of several MiB")

    def finish(self) -> None:
        self._parse("", last=True)

    def _parse(self, text: str, *, last: bool) -> None:
        try:
            self._parser.Parse(text, last)
        except expat.ExpatError as error:
            raise Damaged(f"line {error.lineno}") from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._answered = self._fed
        if len(self._open) >= DEEPEST:
            raise Refused("nested deeper than any report")
        name = _local(tag)
        self._open.append(name)
        self._text, self._kept = [], 0
        if name in self._wanted:
            self._records.append((len(self._open), {}))
        if self._records and attributes:
            self._records[-1][1].update({_local(key): value[:VALUE_KEPT] for key, value in attributes.items()})

    def _end(self, _tag: str) -> None:
        self._answered = self._fed
        name = self._open.pop()
        text = "".join(self._text).strip()
        self._text, self._kept = [], 0
        if self._records and self._records[-1][0] == len(self._open) + 1:
            record = self._records.pop()[1]
            if text:
                record.setdefault("", text)
            self._take(name, record)
        elif self._records:
            self._records[-1][1].setdefault(name, text)

    def _characters(self, text: str) -> None:
        self._answered = self._fed
        if self._kept < VALUE_KEPT:
            self._text.append(text[: VALUE_KEPT - self._kept])
            self._kept += len(text)

    def _refuse(self, *_: object) -> int:
        raise Refused("entities")


def _local(tag: str) -> str:
    return tag.rpartition(":")[2].lower()
