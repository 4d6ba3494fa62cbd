"""Reads lines of a list. One that says nothing (empty, a comment) gives no row; one that makes no sense is refused."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field

from url_rating.canonical import FOUND_LIMIT, InvalidUrl, canonicalize
from url_rating.expressions import digest
from url_rating.list_rows import NOTHING, Reader, Refused, Row, UnknownCategory
from url_rating.lists import ListEntry
from url_rating.rpz import RpzReader
from url_rating.sources import UNTESTED, Meaning, Sources

LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "0.0.0.0"})  # noqa: S104 - the name that hosts files block to, not an address to bind
URL_COLUMNS = ("url", "domain", "host", "hostname")


def read_ut1(line: str) -> Iterable[Row]:
    """``category<TAB>entry``: a line of a UT1 file behind the name of its folder; without a tab, the entry alone."""
    category, tab, entry = line.rpartition("\t")
    entry = entry.strip()
    if not entry or entry.startswith("#"):
        return NOTHING
    return (Row(entry, category.strip() if tab else None),)


def read_hosts(line: str) -> Iterable[Row]:
    """``address name…``, as in ``/etc/hosts``; a name alone will do."""
    words = line.partition("#")[0].split()
    names = words[1:] if len(words) > 1 else words
    return [Row(name) for name in names if name.casefold() not in LOCAL_NAMES]


class CsvReader:
    """Rows of comma-separated values; the first names the columns: one of url, domain, host, and category, score."""

    def __init__(self) -> None:
        self._columns: dict[str, int] | None = None

    def __call__(self, line: str) -> Iterable[Row]:
        if not line.strip() or line.startswith("#"):
            return NOTHING
        try:
            [cells] = csv.reader([line], strict=True)
        except csv.Error:
            raise Refused("not a row") from None
        if self._columns is None:
            self._columns = {cell.strip().casefold(): index for index, cell in enumerate(cells)}
            if not any(column in self._columns for column in URL_COLUMNS):
                raise Refused("the first row names no column url, domain or host")
            return NOTHING
        entry = next((cell for column in URL_COLUMNS if (cell := self._cell(cells, column))), None)
        if entry is None:
            raise Refused("no URL in the row")
        score = self._cell(cells, "score")
        if score is not None and not (score.isascii() and score.isdigit() and int(score) <= 100):
            raise Refused("not a score")
        return (Row(entry, self._cell(cells, "category"), None if score is None else int(score)),)

    def _cell(self, cells: list[str], column: str) -> str | None:
        assert self._columns is not None
        index = self._columns.get(column)
        return (cells[index].strip() or None) if index is not None and index < len(cells) else None


FORMATS = ("ut1", "hosts", "csv", "rpz")


def reader(name: str) -> Reader:
    """A reader of one of the formats, for one list: some remember what the lines before have said."""
    if name == "csv":
        return CsvReader()
    if name == "rpz":
        return RpzReader()
    return {"ut1": read_ut1, "hosts": read_hosts}[name]


@dataclass(slots=True)
class Parsed:
    """What a batch of lines came to."""

    entries: list[ListEntry] = field(default_factory=list)
    lines: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    unknown_categories: dict[str, int] = field(default_factory=dict)


def parse(lines: Iterable[bytes], read: Reader, sources: Sources, default: Meaning | None) -> Parsed:
    parsed = Parsed()
    for line in lines:
        parsed.lines += 1
        try:
            for row in read(line.decode("utf-8", "replace")):
                parsed.entries.append(_entry(row, sources, default))
        except UnknownCategory as unknown:
            count(parsed.unknown_categories, unknown.category[:64])
        except Refused as refused:
            count(parsed.refused, str(refused))
    return parsed


def count(counts: dict[str, int], what: str) -> None:
    counts[what] = counts.get(what, 0) + 1


def _entry(row: Row, sources: Sources, default: Meaning | None) -> ListEntry:
    meaning = default if row.category is None else sources.meaning(row.category)
    if meaning is None:
        raise Refused("no category") if row.category is None else UnknownCategory(row.category)
    if row.score == UNTESTED:
        raise Refused("score 71 means untested")
    try:
        url = canonicalize(row.entry.removeprefix("*").lstrip("."), limit=FOUND_LIMIT)
    except InvalidUrl:
        raise Refused("not a URL") from None
    return ListEntry(digest(url.expression), meaning.score if row.score is None else row.score, meaning.categories)
