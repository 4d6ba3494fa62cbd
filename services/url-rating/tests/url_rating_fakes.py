from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from caseway_contracts.kinds import Rating
from caseway_contracts.ratings import UrlReclassified, UrlsRated
from url_rating.lists import ListEntry, ListSuperseded, ListVersion, Match
from url_rating.lookup import Standing
from url_rating.lots import Change, Lot
from url_rating.mongo_overrides import REPLACED
from url_rating.overrides import Override
from url_rating.ratings import Sighting, StatedRatings
from url_rating.reclassifications import Proposal, Reclassification


class InMemoryListRepository:
    def __init__(self) -> None:
        self.entries: dict[int, dict[bytes, ListEntry]] = {}
        self._active: dict[str, ListVersion] = {}
        self._previous: dict[str, ListVersion] = {}
        self._loading: dict[str, int] = {}
        self._last = 0
        self.lost: set[str] = set()
        self.switched = 0

    async def switches(self) -> int | None:
        return None if self.lost else self.switched

    async def find(self, digests: Collection[bytes]) -> list[Match]:
        return [
            Match(entry.digest, entry.score, entry.categories, version.name, version.version)
            for version in self._active.values()
            if version.name not in self.lost
            for digest in digests
            if (entry := self.entries[version.number].get(digest))
        ]

    async def active(self) -> tuple[ListVersion, ...]:
        return tuple(self._active[name] for name in sorted(self._active) if name not in self.lost)

    async def begin(self, name: str, version: str) -> ListVersion:
        if name in self._loading:
            self.entries.pop(self._loading[name], None)
        self._last += 1
        self._loading[name] = self._last
        return ListVersion(name, version, self._last)

    async def add(self, version: ListVersion, entries: Sequence[ListEntry]) -> None:
        kept = self.entries.setdefault(version.number, {})
        for entry in entries:
            kept[entry.digest] = merged(kept[entry.digest], entry) if entry.digest in kept else entry

    async def activate(self, version: ListVersion) -> ListVersion:
        if self._loading.get(version.name) != version.number:
            raise ListSuperseded(version.name)
        del self._loading[version.name]
        if dropped := self._previous.pop(version.name, None):
            self.entries.pop(dropped.number, None)
        if version.name in self._active:
            self._previous[version.name] = self._active[version.name]
        entries = len(self.entries.get(version.number, ()))
        written = ListVersion(version.name, version.version, version.number, entries)
        self._active[version.name] = written
        self.switched += 1
        return written

    async def abandon(self, version: ListVersion) -> None:
        self.entries.pop(version.number, None)
        if self._loading.get(version.name) == version.number:
            del self._loading[version.name]

    async def roll_back(self, name: str) -> ListVersion | None:
        if name not in self._previous:
            return None
        self._active[name], self._previous[name] = self._previous[name], self._active[name]
        self.switched += 1
        return self._active[name]


def merged(one: ListEntry, other: ListEntry) -> ListEntry:
    categories = tuple(sorted({*one.categories, *other.categories}))
    return ListEntry(one.digest, min(one.score, other.score), categories)


class InMemoryRatingRepository:
    def __init__(self) -> None:
        self.stated: dict[UUID, StatedRatings] = {}
        self.sightings: dict[tuple[str, str], Sighting] = {}

    async def find(self, cause: UUID) -> StatedRatings | None:
        return self.stated.get(cause)

    async def add(self, stated: StatedRatings) -> StatedRatings:
        return self.stated.setdefault(stated.cause, stated)

    async def add_sightings(self, sightings: Sequence[Sighting]) -> None:
        for sighting in sightings:
            self.sightings.setdefault((sighting.subject_id, sighting.url_id), sighting)

    async def accounts(self, site: bytes, most: int) -> int:
        return min(most, len({one.account_id for one in self.sightings.values() if one.site == site}))

    async def erase(self, sr_number: str) -> None:
        self.sightings = {key: one for key, one in self.sightings.items() if one.sr_number != sr_number}


class InMemoryReclassificationRepository:
    def __init__(self) -> None:
        self.requests: dict[str, Reclassification] = {}
        self.erased: set[str] = set()
        self.stated: list[UrlReclassified] = []

    async def add(self, requests: Sequence[Reclassification]) -> list[Reclassification]:
        return [self.requests.setdefault(request.id, request) for request in requests]

    async def find(self, request_id: str) -> Reclassification | None:
        return self.requests.get(request_id)

    async def waiting(
        self, *, ids: Collection[str] | None = None, after: str | None, limit: int
    ) -> list[Reclassification]:
        return [
            request
            for request_id, request in sorted(self.requests.items())
            if request.outcome is None and request_id not in self.erased and request_id > (after or "")
            if ids is None or request_id in ids
        ][:limit]

    async def changed_in(self, sr_number: str) -> list[Reclassification]:
        return [one for one in self.requests.values() if (one.sr_number, one.outcome) == (sr_number, "changed")]

    async def propose(self, request_id: str, proposal: Proposal) -> bool:
        if self.requests[request_id].outcome is not None or request_id in self.erased:
            return False
        self.requests[request_id] = self.requests[request_id].model_copy(update={"proposed": proposal})
        return True

    async def decide(self, decided: Reclassification) -> bool:
        if self.requests[decided.id].outcome is not None or decided.id in self.erased:
            return False
        self.requests[decided.id] = decided
        self.stated.append(decided.stated())
        return True

    async def overrides(self, digests: Collection[bytes]) -> list[Match]:
        last = {}
        for one in sorted(self.requests.values(), key=lambda one: (one.decided_at or one.asked_at, one.id)):
            if one.outcome == "changed" and one.digest is not None and one.digest in digests:
                assert one.decided_at is not None
                day = one.decided_at.date().isoformat()
                last[one.digest] = Match(
                    one.digest, one.score, one.categories, "analysts", day, override=True, at=one.decided_at
                )
        return list(last.values())

    async def erase(self, sr_number: str) -> None:
        for request_id, request in self.requests.items():
            if request.sr_number == sr_number:
                self.erased.add(request_id)
                words = {"url": None, "canonical": None, "reason": None, "proposed": None}
                self.requests[request_id] = request.model_copy(update=words)


class InMemoryOverrideRepository:
    def __init__(self) -> None:
        self.kept: dict[str, Override] = {}

    async def put(self, override: Override) -> None:
        if not override.awaits_second:
            await self._replace(override, override.by, override.at)
        self.kept[override.id] = override

    async def second(self, override_id: str, *, by: str, at: datetime) -> Override | None:
        kept = self.kept.get(override_id)
        if kept is None or not kept.awaits_second or kept.by == by or kept.removed_at or kept.account_id:
            return None
        if kept.expires_at is not None and kept.expires_at <= at:
            return None
        await self._replace(kept, by, at)
        self.kept[override_id] = kept.model_copy(update={"awaits_second": False, "seconded_by": by, "seconded_at": at})
        return self.kept[override_id]

    async def find(self, override_id: str) -> Override | None:
        return self.kept.get(override_id)

    async def ask_removal(self, override_id: str, *, by: str) -> Override | None:
        kept = self.kept.get(override_id)
        if kept is not None and kept.removed_at is None and kept.removal_by is None:
            self.kept[override_id] = kept.model_copy(update={"removal_by": by})
        return self.kept.get(override_id)

    async def _replace(self, override: Override, by: str, at: datetime) -> None:
        for one in list(self.kept.values()):
            same = (one.digest, one.account_id) == (override.digest, override.account_id)
            if same and one.removed_at is None and not one.awaits_second:
                await self.remove(one.id, one.account_id, by=by, at=at, reason=REPLACED)

    async def remove(
        self, override_id: str, account_id: str | None, *, by: str, at: datetime, reason: str
    ) -> Override | None:
        kept = self.kept.get(override_id)
        if kept is None or kept.account_id != account_id:
            return None
        if kept.removed_at is None:
            removed = {"removed_by": by, "removed_at": at, "removed_reason": reason}
            self.kept[override_id] = kept.model_copy(update=removed)
        return self.kept[override_id]

    async def listed(self, account_id: str | None, *, after: str | None, limit: int) -> list[Override]:
        mine = [one for one in self.kept.values() if one.account_id == account_id and one.id > (after or "")]
        return sorted(mine, key=lambda one: one.id)[:limit]

    async def in_force(self, digests: Collection[bytes], account_id: str | None, now: datetime) -> list[Override]:
        return [
            one
            for one in self.kept.values()
            if one.removed_at is None
            and not one.awaits_second
            and one.digest in digests
            and one.account_id in (None, account_id)
            and (one.expires_at is None or one.expires_at > now)
        ]


class InMemoryLotRepository:
    def __init__(self, ratings: InMemoryRatingRepository) -> None:
        self.lots: dict[str, Lot] = {}
        self.stated: list[UrlsRated] = []
        self._ratings = ratings

    async def find(self, subject_id: str) -> Lot | None:
        return self.lots.get(subject_id)

    async def put(self, lot: Lot) -> bool:
        kept = self.lots.get(lot.subject_id)
        if kept is None or kept.revision < lot.revision:
            self.lots[lot.subject_id] = replace(lot, marked=None if kept is None else kept.marked)
            return True
        return lot.is_of(kept)

    async def behind(self, standing: Standing, limit: int) -> list[Lot]:
        known = [lot for lot in self.lots.values() if _no_newer(lot.standing, standing)]
        marked = [lot for lot in known if lot.marked is not None]
        return (marked or [lot for lot in known if lot.standing != standing])[:limit]

    async def revise(self, before: Lot, stated: UrlsRated, standing: Standing) -> bool:
        if not self._is_as(before, standing):
            return False
        revision, report = stated.revision, stated.report
        after = replace(before, revision=revision, report=report, standing=standing, marked=None)
        self.lots[before.subject_id] = after
        self.stated.append(stated)
        return True

    async def looked_at(self, lots: Sequence[Lot], standing: Standing) -> None:
        for lot in lots:
            if self._is_as(lot, standing):
                self.lots[lot.subject_id] = replace(lot, standing=standing, marked=None)

    async def mark(self, site: bytes, token: str) -> None:
        for one in self._ratings.sightings.values():
            if one.site == site and one.subject_id in self.lots:
                self.lots[one.subject_id] = replace(self.lots[one.subject_id], marked=token)

    def _is_as(self, read: Lot, standing: Standing) -> bool:
        kept = self.lots.get(read.subject_id)
        same = kept is not None and (kept.revision, kept.marked) == (read.revision, read.marked)
        return same and kept is not None and _no_newer(kept.standing, standing)

    async def forget(self, subject_id: str) -> None:
        self.lots.pop(subject_id, None)

    async def erase(self, sr_number: str) -> None:
        self.lots = {key: lot for key, lot in self.lots.items() if lot.sr_number != sr_number}


def _no_newer(kept: Standing, standing: Standing) -> bool:
    return kept.release <= standing.release and kept.switches <= standing.switches


class InMemoryTold:
    def __init__(self) -> None:
        self.last: dict[tuple[str, bytes], tuple[Rating, str, datetime]] = {}

    async def decided(self, sr_number: str, digest: bytes, rating: Rating, at: datetime) -> None:
        kept = self.last.get((sr_number, digest))
        if kept is None or kept[2] < at:
            self.last[sr_number, digest] = (rating, "decision", at)

    async def claim(self, sr_number: str, digest: bytes, rating: Rating, at: datetime, *, by: str) -> bool:
        kept = self.last.get((sr_number, digest))
        if kept is not None and kept[0] == rating and kept[1] != by:
            return False
        self.last[sr_number, digest] = (rating, by, at)
        return True

    async def erase(self, sr_number: str) -> None:
        self.last = {key: said for key, said in self.last.items() if key[0] != sr_number}


class InMemoryChangeLog:
    def __init__(self) -> None:
        self.changes: list[Change] = []

    async def expire(self) -> None:
        return

    async def pending(self) -> list[Change]:
        return list(self.changes)

    async def seen(self, change: Change) -> None:
        self.changes.remove(change)


class InMemoryContactRepository:
    def __init__(self) -> None:
        self.known: dict[str, tuple[datetime, bool]] = {}

    async def save(self, contact_id: str, *, disabled: bool, at: datetime) -> None:
        if contact_id not in self.known or self.known[contact_id][0] < at:
            self.known[contact_id] = (at, disabled)

    async def disabled(self) -> set[str]:
        return {contact_id for contact_id, (_, disabled) in self.known.items() if disabled}
