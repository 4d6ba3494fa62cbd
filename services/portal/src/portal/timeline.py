"""The order of a timeline: causes before effects, revisions in sequence, then by the time that was stated."""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from portal.page import Entry

_Key = tuple[float, int, str, str, int, str]

_RANKS = {"intake": 0, "sample-analysis": 1, "url-rating": 2, "routing": 3, "notifier": 4}


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """The same list for the same entries, in whatever order they are given."""
    waiting = sorted(entries, key=_key)
    by_id = {one.event_id: one for one in waiting}
    before = _predecessors(waiting, by_id)
    after: dict[str, list[str]] = defaultdict(list)
    for event_id, causes in before.items():
        for cause in causes:
            after[cause].append(event_id)
    ready = [(_key(one), one.event_id) for one in waiting if not before[one.event_id]]
    heapq.heapify(ready)
    done: list[Entry] = []
    while ready:
        _, event_id = heapq.heappop(ready)
        done.append(by_id[event_id])
        for effect in after[event_id]:
            before[effect].discard(event_id)
            if not before[effect]:
                heapq.heappush(ready, (_key(by_id[effect]), effect))
    placed = {one.event_id for one in done}
    # What claims to be its own cause is shown all the same.
    return done + [one for one in waiting if one.event_id not in placed]


def _predecessors(entries: list[Entry], by_id: dict[str, Entry]) -> dict[str, set[str]]:
    before = {one.event_id: {one.caused_by} & by_id.keys() if one.caused_by else set() for one in entries}
    sequences: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
    for one in entries:
        # Revisions on `cases` count over all types.
        sequences[("intake",) if one.service == "intake" else (one.event, one.subject_id)].append(one)
    for sequence in sequences.values():
        sequence.sort(key=lambda one: one.revision)
        for earlier, later in pairwise(sequence):
            before[later.event_id].add(earlier.event_id)
    return before


def _key(entry: Entry) -> _Key:
    rank = _RANKS.get(entry.service, len(_RANKS))
    return entry.at.timestamp(), rank, entry.event, entry.subject_id, entry.revision, entry.event_id
