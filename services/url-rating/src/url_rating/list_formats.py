"""Reads lines of a list. A line that says nothing (empty, a comment) gives None; one that makes no sense is refused."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from url_rating.canonical import FOUND_LIMIT, InvalidUrl, canonicalize
from url_rating.expressions import digest
from url_rating.lists import ListEntry
from url_rating.sources import UNTESTED, Meaning, Sources

LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "0.0.0.0"})  # noqa: S104 - the name that hosts files block to, not an address to bind
URL_COLUMNS = ("url", "domain", "host", "hostname")


class Refused(Exception):
    """A line that is no entry. The reason is a constant, never the line."""


class UnknownCategory(Refused):
    def __init__(self, category: str) -> None:
        super().__init__("category unknown")
        self.category = category


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as a list words it."""

    entry: str
    category: str | None = None
    score: int | None = None


Reader = Callable[[str], Row | None]


def read_ut1(line: str) -> Row | None:
    """``category<TAB>entry``: a line of a UT1 file behind the name of its folder; without a tab, the entry alone."""
    category, tab, entry = line.rpartition("\t")
    entry = entry.strip()
    if not entry or entry.startswith("#"):
        return None
    return Row(entry, category.strip() if tab else None)


def read_hosts(line: str) -> Row | None:
    """``address name``, as in ``/etc/hosts``; a name alone will do."""
    words = line.partition("#")[0].split()
    if not words or words[-1].casefold() in LOCAL_NAMES:
        return None
    return Row(words[-1])


class CsvReader:
    """Rows of comma-separated values; the first names the columns: one of url, domain, host, and category, score."""

    def __init__(self) -> None:
        self._columns: dict[str, int] | None = None

    def __call__(self, line: str) -> Row | None:
        if not line.strip() or line.startswith("#"):
            return None
        try:
            [cells] = csv.reader([line], strict=True)
        except csv.Error:
            raise Refused("not a row") from None
        if self._columns is None:
            self._columns = {cell.strip().casefold(): index for index, cell in enumerate(cells)}
            if not any(column in self._columns for column in URL_COLUMNS):
                raise Refused("the first row names no column url, domain or host")
            return None
        entry = next((cell for column in URL_COLUMNS if (cell := self._cell(cells, column))), None)
        if entry is None:
            raise Refused("no URL in the row")
        score = self._cell(cells, "score")
        if score is not None and not (score.isascii() and score.isdigit() and int(score) <= 100):
            raise Refused("not a score")
        return Row(entry, self._cell(cells, "category"), None if score is None else int(score))

    def _cell(self, cells: list[str], column: str) -> str | None:
        assert self._columns is not None
        index = self._columns.get(column)
        return (cells[index].strip() or None) if index is not None and index < len(cells) else None


FORMATS = ("ut1", "hosts", "csv")


def reader(name: str) -> Reader:
    """A reader of one of the formats, for one list: the CSV one remembers its columns."""
    if name == "csv":
        return CsvReader()
    return {"ut1": read_ut1, "hosts": read_hosts}[name]


@dataclass(slots=True)
class Parsed:
    """What a batch of lines came to."""

    entries: dict[bytes, ListEntry] = field(default_factory=dict)
    lines: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    unknown_categories: dict[str, int] = field(default_factory=dict)


def parse(lines: Iterable[bytes], read: Reader, sources: Sources, default: Meaning | None) -> Parsed:
    parsed = Parsed()
    for line in lines:
        parsed.lines += 1
        try:
            row = read(line.decode("utf-8", "replace"))
            entry = None if row is None else _entry(row, sources, default)
        except UnknownCategory as unknown:
            count(parsed.unknown_categories, unknown.category[:64])
        except Refused as refused:
            count(parsed.refused, str(refused))
        else:
            if entry is not None:
                known = parsed.entries.get(entry.digest)
                parsed.entries[entry.digest] = entry if known is None else merged(known, entry)
    return parsed


def merged(one: ListEntry, other: ListEntry) -> ListEntry:
    categories = tuple(dict.fromkeys((*one.categories, *other.categories)))
    return ListEntry(one.digest, min(one.score, other.score), categories)


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
