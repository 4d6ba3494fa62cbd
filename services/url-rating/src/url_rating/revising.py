"""When ratings change, every case that holds the URL is told: the lot that it came in is stated again, as its next
revision. In small lots and in the background, so that a list of millions that switches holds nobody up.

An account's own override changes no case. What is stated of one case names no other.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import structlog

from caseway_contracts.base import UnknownEvent
from caseway_contracts.kinds import worst_rating
from caseway_contracts.ratings import UrlsRated
from caseway_contracts.results import Reason, UrlReport, UrlResult
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.objects import ObjectMissing, new_salt
from url_rating.canonical import FOUND_LIMIT
from url_rating.heuristics import ENGINE
from url_rating.lookup import Lookup
from url_rating.lots import ChangeLog, Lot, LotRepository, Pass
from url_rating.overrides import ANALYSTS
from url_rating.reclassifications import Reclassification
from url_rating.service import Objects, rerated, tombstone

AT_ONCE = 50
LOOK_SECONDS = 2.0

_log = structlog.stdlib.get_logger("url_rating.revising")


class Requests(Protocol):
    async def find(self, request_id: str) -> Reclassification | None: ...


class Revising:
    def __init__(
        self,
        *,
        lots: LotRepository,
        changes: ChangeLog,
        lookup: Lookup,
        requests: Requests,
        objects: Objects,
        clock: Clock,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._lots = lots
        self._changes = changes
        self._lookup = lookup
        self._requests = requests
        self._objects = objects
        self._clock = clock
        self._look_seconds = look_seconds
        self._complete = True

    async def run(self) -> None:
        """Look for what has changed until cancelled."""
        while True:
            try:
                if await self.once():
                    continue
            except OutageError as outage:
                _log.warning("cases are told later what has changed", part=outage.part)
            await asyncio.sleep(self._look_seconds)

    async def once(self) -> bool:
        """Look at what was decided, then at one lot of lots for a list that switched; whether there is more to do."""
        await self._changes.expire()
        if not await self._is_complete():
            return False
        decided = await self._changes.pending()
        for change in decided:
            behind = ""
            while subjects := await self._lots.of_site(change.site, behind):
                for lot in await self._lots.find_many(subjects):
                    await self._look_at(lot)
                behind = subjects[-1]
            await self._changes.seen(change)
        return bool(decided) or await self._after_a_switch()

    async def _is_complete(self) -> bool:
        """Whether all lists are asked. A list that cannot be read was not taken away: nobody is told so, and what was
        rated without it is looked at when it is back."""
        complete = await self._lookup.complete()
        if complete != self._complete:
            await self._changes.save(Pass())
            self._complete = complete
        return complete

    async def _after_a_switch(self) -> bool:
        lists = await self._lookup.sources()
        progress = await self._changes.progress()
        if progress.done == lists:
            return False
        lots = await self._lots.after(progress.behind if progress.towards == lists else "", AT_ONCE)
        for lot in lots:
            await self._look_at(lot)
        more = len(lots) == AT_ONCE
        await self._changes.save(
            Pass(progress.done, lists, lots[-1].subject_id) if more else Pass(done=lists, towards=lists)
        )
        return True

    async def _look_at(self, lot: Lot) -> None:
        if lot.given_up:
            return
        try:
            await self._revise(lot)
        except OutageError:
            raise
        except Exception:  # whatever is wrong with one lot, the others are told
            _log.exception("lot left as it was stated", sr_number=lot.sr_number, subject_id=lot.subject_id)

    async def _revise(self, lot: Lot) -> None:
        try:
            before = await self._objects.get_json(lot.report, UrlReport)
        except ObjectMissing:
            return await self._lots.forget(lot.subject_id)
        rated = await self._lookup.rate([one.url for one in before.urls], limit=FOUND_LIMIT)
        after = [await self._decided(rerated(one, what)) for one, what in zip(before.urls, rated, strict=True)]
        if all(_says(one) == _says(other) for one, other in zip(before.urls, after, strict=True)):
            return None
        if await self._objects.exists(tombstone(lot.sr_number)):
            return await self._lots.forget(lot.subject_id)
        if not await self._lookup.complete():
            raise OutageError("lists", "not all can be asked")
        return await self._state(lot, before, after)

    async def _state(self, lot: Lot, before: UrlReport, after: Sequence[UrlResult]) -> None:
        now, revision = self._clock.now(), lot.revision + 1
        report = before.model_copy(update={"salt": new_salt(), "revision": revision, "urls": tuple(after)})
        prefix = f"cases/{lot.sr_number}/ratings/revised/{lot.subject_id.replace('/', '-')}/{revision}"
        ref = await self._objects.put_json(prefix, report)
        changed = [
            one
            for one, other in zip(after, before.urls, strict=True)
            if one.rating != other.rating and not await self._was_told(one)
        ]
        ratings = [one.rating for one in after]
        cause = UnknownEvent(
            event_id=lot.cause,
            type="cause",
            version=1,
            occurred_at=now,
            key=lot.sr_number,
            account_id=lot.account_id,
            subject_id=lot.sr_number,
            revision=1,
        )
        stated = UrlsRated.following(
            cause,
            subject_id=lot.subject_id,
            revision=revision,
            occurred_at=now,
            case_revision=lot.case_revision,
            urls=len(after),
            counts=dict(Counter(ratings)),
            worst=worst_rating(ratings),
            lists=await self._lookup.sources(),
            report=ref,
            changed=len(changed),
            waiting=tuple(sorted(one.id for one in after if one.requested is not None and one.outcome is None)),
        )
        # No event on the log caused it; the id is derived all the same.
        await self._lots.revise(lot, stated.model_copy(update={"caused_by": None}))

    async def _decided(self, result: UrlResult) -> UrlResult:
        """With what became of this case's own request, and why."""
        if result.requested is None:
            return result
        request = await self._requests.find(result.id)
        if request is None or request.outcome is None or request.decided_at is None:
            return result
        by = request.decided_by or ""
        reason = Reason(
            engine=ENGINE if by.startswith("rule:") else ANALYSTS,
            version=request.decided_at.date().isoformat(),
            rule=by.removeprefix("rule:") if by.startswith("rule:") else request.outcome,
            says=request.reason or "",
        )
        return result.model_copy(update={"outcome": request.outcome, "reasons": (*result.reasons, reason)})

    async def _was_told(self, result: UrlResult) -> bool:
        """Whether the change is the outcome of this case's own request, which has a statement of its own."""
        if result.requested is None:
            return False
        request = await self._requests.find(result.id)
        return request is not None and request.outcome == "changed" and request.rating == result.rating


def _says(result: UrlResult) -> tuple[str, int, tuple[int, ...], str | None]:
    return result.rating, result.score, tuple(category.id for category in result.categories), result.outcome
