"""Whether all readers would take the same members out of a zip; reads neither names nor data into anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from caseway_kit.archives.content import Content
from caseway_kit.archives.zipend import DirectoryPlace, find_directory, holds_other_end
from caseway_kit.archives.zipentries import (
    ENCRYPTED,
    LOCAL,
    MASKED_HEADERS,
    SIZES_FOLLOW,
    Entry,
    Header,
    data_at,
    descriptor_length,
    read_entries,
    read_local,
)
from caseway_kit.archives.zipnames import clashing

_DIRECTORY_READ = 8 * 1024 * 1024
_ALL_ONES = 0xFFFFFFFF
_SIGNING_BLOCK = b"APK Sig Block 42"
_GAPS_SEARCHED = 64 * 1024 * 1024
_MOST_SHARING = 3
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class ZipLayout:
    """``oddities``: why readers may differ. ``overlapping``: members share bytes, as only a bomb's do.

    ``disputed``: entries that their own header contradicts, each with its place. ``unlisted``: places of headers that
    the directory does not speak of. ``gaps``: what lies before, between and behind members and belongs to none.
    ``cut``: whether there are more of these than were searched for.
    """

    oddities: tuple[str, ...] = ()
    overlapping: bool = False
    entries: int = 0
    empty: bool = False
    disputed: tuple[Entry, ...] = ()
    unlisted: tuple[int, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    cut: bool = False


def ends_as_zip(sample: Content) -> bool:
    """Whether a zip's directory closes the sample, whatever its beginning looks like."""
    place = find_directory(sample)
    return place is not None and place.count > 0 and place.plausible


def read_layout(sample: Content, entries: int) -> ZipLayout:
    """Compare the first ``entries`` entries; a zip without a directory at all is odd too."""
    place = find_directory(sample)
    if place is None:
        headers, whole = _headers_in(sample, 0, sample.size, entries)
        return ZipLayout(oddities=("no-directory",), unlisted=headers, cut=not whole)
    odd = set(place.oddities)
    directory = sample.read(place.at, min(place.size, _DIRECTORY_READ))
    found, length = read_entries(directory, entries)
    if place.size <= _DIRECTORY_READ and (
        len(found) != min(place.count, entries) or (len(found) < entries and length != place.size)
    ):
        odd.add("entries-miscounted")
    if holds_other_end(directory):
        odd.add("two-directories")
    found = [_moved(entry, place.shift) for entry in found]
    comparison = _Comparison(sample, place, odd)
    comparison.run(found)
    odd.update(clashing(found))
    unlisted = {gap: _headers_in(sample, *gap, entries) for gap in comparison.gaps[:entries]}
    unlisted_headers = [place for places, _ in unlisted.values() for place in places]
    return ZipLayout(
        oddities=tuple(sorted(odd)),
        overlapping=comparison.overlapping,
        entries=place.count,
        empty=place.count == 0 and not odd,
        disputed=tuple(comparison.disputed),
        unlisted=tuple(unlisted_headers[:entries]),
        gaps=tuple(gap for gap, (places, _) in unlisted.items() if not places),
        cut=max(len(comparison.gaps), len(unlisted_headers)) > entries
        or not all(whole for _, whole in unlisted.values()),
    )


def _moved(entry: Entry, shift: int) -> Entry:
    if not shift:
        return entry
    fields = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    return Entry(**{**fields, "at": max(0, entry.at + shift)})


class _Comparison:
    """Each entry against the header before its data, and what lies between them all."""

    def __init__(self, sample: Content, place: DirectoryPlace, odd: set[str]) -> None:
        self._sample = sample
        self._place = place
        self._odd = odd
        self._end = 0
        self.overlapping = False
        self.disputed: list[Entry] = []
        self.gaps: list[tuple[int, int]] = []

    def run(self, found: list[Entry]) -> None:
        last, sharing = -1, 0
        for entry in sorted(found, key=lambda entry: entry.at):
            sharing = sharing + 1 if entry.at == last else 0
            last = entry.at
            if sharing:
                # Two names for the same bytes can be a mistake; more are how a bomb is built.
                self._odd.add("shared-data")
                self.overlapping = self.overlapping or sharing >= _MOST_SHARING
            local = read_local(self._sample, entry.at)
            if local is None:
                self._odd.add("local-header-missing")
                continue
            if differences := set(_differences(entry, local)):
                self._odd |= differences
                self.disputed.append(entry)
            if not sharing:
                self._follow(entry, local)
        self._leave(self._end, self._place.at, before_directory=True)
        self._leave(self._place.ends, self._sample.size, before_directory=False)

    def _follow(self, entry: Entry, local: Header) -> None:
        if entry.at < self._end:
            self.overlapping = True
        else:
            self._leave(self._end, entry.at, before_directory=False)
        end = data_at(entry.at, local)
        if entry.packed != _ALL_ONES:
            end += entry.packed
        if local.sizes_follow:
            length = descriptor_length(self._sample, end, entry)
            if length is None and not entry.flags & ENCRYPTED:
                self._odd.add("sizes-differ")
                self.disputed.append(entry)
            end += length or 0
        if end > self._place.at:
            self.overlapping = True
        self._end = max(self._end, end)

    def _leave(self, start: int, end: int, *, before_directory: bool) -> None:
        if start >= end:
            return
        if before_directory and self._sample.read(end - 16, 16) == _SIGNING_BLOCK:
            return
        if start == 0:
            self._odd.add("data-before-the-start")
        elif end == self._sample.size:
            self._odd.add("data-after-the-end")
        else:
            self._odd.add("data-between-members")
        if holds_other_end(self._sample.read(start, min(end - start, _CHUNK))):
            self._odd.add("two-directories")
        self.gaps.append((start, end))


def _differences(entry: Entry, local: Header) -> Iterator[str]:
    if entry.malformed or local.malformed:
        yield "extra-malformed"
    if entry.misnamed or local.misnamed or set(entry.unicode_paths) != set(local.unicode_paths):
        yield "unicode-names-differ"
    if entry.called_a_directory and entry.unpacked:
        yield "directory-with-data"
    if local.flags & MASKED_HEADERS:
        return
    if local.name != entry.name:
        yield "names-differ"
    if local.method != entry.method:
        yield "methods-differ"
    if (local.flags ^ entry.flags) & (ENCRYPTED | SIZES_FOLLOW):
        yield "flags-differ"
    said, stated = (local.packed, local.unpacked, local.crc), (entry.packed, entry.unpacked, entry.crc)
    # Where they follow the data, the header may leave them out, but not state others.
    if local.sizes_follow:
        agree = all(here in (0, _ALL_ONES, there) for here, there in zip(said, stated, strict=True))
    else:
        agree = said == stated or _ALL_ONES in said[:2]
    if not agree:
        yield "sizes-differ"


def _headers_in(sample: Content, start: int, end: int, most: int) -> tuple[tuple[int, ...], bool]:
    """Where members begin in bytes that the directory leaves out, and whether all of these bytes were searched.

    Each member is taken by its size, if it states one.
    """
    room, at = _GAPS_SEARCHED, start
    places: list[int] = []
    while at < end and room > 0 and len(places) < most:
        window = sample.read(at, min(_CHUNK, end - at))
        room -= max(1, len(window))
        found = window.find(LOCAL)
        if found < 0:
            at += max(1, len(window) - len(LOCAL) + 1)
            continue
        place = at + found
        local = read_local(sample, place)
        at = place + len(LOCAL)
        if local is not None:
            places.append(place)
            skipped = data_at(place, local) + (0 if local.sizes_follow else local.packed)
            at = max(at, skipped) if skipped <= end else at
    return tuple(places), at >= end
