"""XML of the ATTK, tolerant by element name: streamed, no entity ever expanded, whatever it says its encoding is."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from xml.parsers import expat

from caseway_kit.archives import Content
from sample_analysis.engines.text_streams import decoded

VALUE_KEPT = 4096
DEEPEST = 100
LONGEST_TAG = 4 * 1024 * 1024

_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")

Record = dict[str, str]


class Refused(Exception):
    """It declares entities, or is nested or filled as no report is."""


class Damaged(Exception):
    """It breaks off or is not well-formed; the records before stand."""


def records(
    content: Content, wanted: frozenset[str], take: Callable[[str, Record], None], tick: Callable[[], None]
) -> None:
    """Call ``take`` with each element named in ``wanted`` (lower case, without namespace) and its children's texts.

    ``tick`` is called between chunks and may stop the reading with an exception of its own.
    """
    reader = _Reader(wanted, take)
    for text in _cleaned(content):
        tick()
        reader.feed(text)
    reader.finish()


def _cleaned(content: Content) -> Iterator[str]:
    first = True
    for chunk in decoded(content):
        text = chunk.translate(_FORBIDDEN)
        if first:
            text = _DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"), count=1)
            first = not text
        yield text


class _Open:
    """A record that is being read: its attributes and the texts of its direct children."""

    def __init__(self, name: str, depth: int, attributes: dict[str, str]) -> None:
        self.name = name
        self.depth = depth
        self.record: Record = {_local(key): value[:VALUE_KEPT] for key, value in attributes.items()}

    def take(self, name: str, text: str) -> None:
        if name or text:
            self.record.setdefault(name, text)


class _Reader:
    def __init__(self, wanted: frozenset[str], take: Callable[[str, Record], None]) -> None:
        self._wanted = wanted
        self._take = take
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = _refuse_entities
        self._depth = 0
        self._records: list[_Open] = []
        self._text: list[str] = []
        self._kept = 0
        self._tags = 0
        self._silent = 0

    def feed(self, text: str) -> None:
        before = self._tags
        self._parse(text, final=False)
        self._silent = 0 if self._tags != before else self._silent + len(text)
        if self._silent > LONGEST_TAG:
            # The parser keeps an unfinished tag in memory for as long as it grows.
            raise Refused("a tag or a text of several MiB")

    def finish(self) -> None:
        self._parse("", final=True)

    def _parse(self, text: str, *, final: bool) -> None:
        try:
            self._parser.Parse(text, final)
        except expat.ExpatError as error:
            raise Damaged(str(error)) from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._tags += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise Refused("nested deeper than any report")
        if self._text:
            self._settle_text()
        name = _local(tag)
        if name in self._wanted:
            self._records.append(_Open(name, self._depth, attributes))
            self._parser.CharacterDataHandler = self._on_text

    def _end(self, tag: str) -> None:
        self._tags += 1
        if self._records:
            name = _local(tag)
            self._settle_text(name)
            if self._records[-1].depth == self._depth:
                ended = self._records.pop()
                self._take(ended.name, ended.record)
                if self._records and self._records[-1].depth == self._depth - 1:
                    self._records[-1].take(name, ended.record.get("", ""))
                elif not self._records:
                    self._parser.CharacterDataHandler = None
        self._depth -= 1

    def _on_text(self, text: str) -> None:
        if self._kept < VALUE_KEPT:
            self._text.append(text[: VALUE_KEPT - self._kept])
            self._kept += len(text)

    def _settle_text(self, ending: str = "") -> None:
        """What was read so far is the open record's own text, or that of its child which ends here."""
        if not self._records:
            return
        text = "".join(self._text).strip()
        self._text.clear()
        self._kept = 0
        below = self._depth - self._records[-1].depth
        if below == 0:
            self._records[-1].take("", text)
        elif below == 1 and ending:
            self._records[-1].take(ending, text)


def _refuse_entities(*_declared: object) -> None:
    # The declaration of an entity is the one way to have anything expanded or fetched.
    raise Refused("entities")


@lru_cache(maxsize=4096)
def _local(tag: str) -> str:
    """Without the prefix of its namespace, declared or only written in front."""
    return tag.rpartition(":")[2].lower()
