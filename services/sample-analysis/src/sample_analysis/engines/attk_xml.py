"""XML of the ATTK, tolerant by element name: streamed, no entity ever expanded, whatever it says its encoding is."""

import codecs
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from caseway_kit.archives import Content

VALUE_KEPT = 4096
DEEPEST = 100
LONGEST_TEXT = 4 * 1024 * 1024

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


def records(
    content: Content, wanted: frozenset[str], take: Callable[[str, Record], None], tick: Callable[[], None]
) -> None:
    """Call ``take`` with each element named in ``wanted`` (lower case, without namespace) and its children's texts.

    ``tick`` is called between chunks and may stop the reading with an exception of its own.
    """
    reader = _Reader(wanted, take)
    for text in _decoded(content):
        tick()
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
        self._parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        self._open: list[Element] = []
        self._in_record = 0
        self._silent = 0
        self._before = ""

    def feed(self, text: str) -> None:
        # The declaration of an entity is the one way to have anything expanded or fetched.
        if "<!ENTITY" in self._before + text:
            raise Refused("entities")
        self._before = text[-8:]
        try:
            self._parser.feed(text)
        except ParseError as error:
            self._drain()
            raise Damaged(str(error.position)) from error
        self._silent = 0 if self._drain() else self._silent + len(text)
        if self._silent > LONGEST_TEXT:
            # The parser keeps an unfinished tag or text in memory for as long as it grows.
            raise Refused("a tag or a text of several MiB")

    def finish(self) -> None:
        try:
            self._parser.close()
        except ParseError as error:
            raise Damaged(str(error.position)) from error
        finally:
            self._drain()

    def _drain(self) -> bool:
        any_came = False
        try:
            events: Iterator[Any] = self._parser.read_events()
            for event, element in events:
                any_came = True
                if event == "start":
                    self._start(element)
                else:
                    self._end(element)
        except ParseError as error:
            # The parser hands its complaint over among the events.
            raise Damaged(str(error.position)) from error
        return any_came

    def _start(self, element: Element) -> None:
        if len(self._open) >= DEEPEST:
            raise Refused("nested deeper than any report")
        self._open.append(element)
        if _local(element.tag) in self._wanted:
            self._in_record += 1

    def _end(self, element: Element) -> None:
        self._open.pop()
        name = _local(element.tag)
        if name in self._wanted:
            self._in_record -= 1
            self._take(name, _record(element))
        if not self._in_record and self._open:
            # What has been read need not be kept; inside a record its children still are.
            self._open[-1].clear()


def _record(element: Element) -> Record:
    record = {_local(key): value[:VALUE_KEPT] for key, value in element.items()}
    for child in element:
        record.setdefault(_local(child.tag), (child.text or "").strip()[:VALUE_KEPT])
    if text := (element.text or "").strip():
        record[""] = text[:VALUE_KEPT]
    return record


@lru_cache(maxsize=4096)
def _local(tag: str) -> str:
    """Without its namespace, declared or only written in front."""
    return tag.rpartition("}")[2].rpartition(":")[2].lower()
