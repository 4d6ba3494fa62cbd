"""When ratings change, every case that holds the URL is told: the lot that it came in is stated again, as its next
revision. In small lots and in the background, so that a list of millions that switches holds nobody up.

A lot is looked at again with what is newer than what it was stated with, and never with what is older: replicas of two
releases, or of which one has seen a list switch and the other has not yet, leave one another's statements alone.

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
from url_rating.lookup import Lookup, Rated, Standing
from url_rating.lots import ChangeLog, Lot, LotRepository, Told
from url_rating.overrides import ANALYSTS
from url_rating.reclassifications import Reclassification
from url_rating.service import Objects, rerated, tombstone

AT_ONCE = 50
LOOK_SECONDS = 2.0

_log = structlog.stdlib.get_logger("url_rating.revising")


class Requests(Protocol):
    async def find(self, request_id: str) -> Reclassification | None: ...

    async def changed_in(self, sr_number: str) -> list[Reclassification]: ...


class Revising:
    def __init__(
        self,
        *,
        lots: LotRepository,
        changes: ChangeLog,
        told: Told,
        lookup: Lookup,
        requests: Requests,
        objects: Objects,
        clock: Clock,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._lots = lots
        self._changes = changes
        self._told = told
        self._lookup = lookup
        self._requests = requests
        self._objects = objects
        self._clock = clock
        self._look_seconds = look_seconds

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
        """Mark the lots that what was decided concerns, and look at some that are to be looked at; whether there may be
        more to do."""
        await self._changes.expire()
        standing = await self._lookup.standing()
        if standing is None:  # a list that cannot be read was not taken away: nobody is told so
            return False
        for change in await self._changes.pending():
            await self._lots.mark(change.site, change.token)
            await self._changes.seen(change)
        lots = await self._lots.behind(standing, AT_ONCE)
        same = [lot for lot in lots if lot.given_up or not await self._looked_at(lot, standing)]
        await self._lots.looked_at(same, standing)
        return bool(lots)

    async def _looked_at(self, lot: Lot, standing: Standing) -> bool:
        """Whether something was done about it."""
        try:
            return await self._revise(lot, standing)
        except OutageError:
            raise
        except Exception:  # whatever is wrong with one lot, the others are told
            _log.exception("lot left as it was stated", sr_number=lot.sr_number, subject_id=lot.subject_id)
            return False

    async def _revise(self, lot: Lot, standing: Standing) -> bool:
        try:
            before = await self._objects.get_json(lot.report, UrlReport)
        except ObjectMissing:
            await self._lots.forget(lot.subject_id)
            return True
        rated = await self._lookup.rate([one.url for one in before.urls], limit=FOUND_LIMIT)
        after = [await self._decided(rerated(one, what)) for one, what in zip(before.urls, rated, strict=True)]
        if all(_says(one) == _says(other) for one, other in zip(before.urls, after, strict=True)):
            return False
        if await self._objects.exists(tombstone(lot.sr_number)):
            await self._lots.forget(lot.subject_id)
            return True
        if await self._lookup.standing() is None:
            raise OutageError("lists", "not all can be asked")
        turned = [
            what for what, one, other in zip(rated, before.urls, after, strict=True) if one.rating != other.rating
        ]
        await self._state(lot, before, after, await self._news(lot, turned), standing)
        return True

    async def _state(
        self, lot: Lot, before: UrlReport, after: Sequence[UrlResult], changed: int, standing: Standing
    ) -> None:
        now, revision = self._clock.now(), lot.revision + 1
        report = before.model_copy(update={"salt": new_salt(), "revision": revision, "urls": tuple(after)})
        prefix = f"cases/{lot.sr_number}/ratings/revised/{lot.subject_id.replace('/', '-')}/{revision}"
        ref = await self._objects.put_json(prefix, report)
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
            changed=changed,
            waiting=tuple(sorted(one.id for one in after if one.requested is not None and one.outcome is None)),
        )
        # No event on the log caused it; the id is derived all the same.
        await self._lots.revise(lot, stated.model_copy(update={"caused_by": None}), standing)

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

    async def _news(self, lot: Lot, turned: Sequence[Rated]) -> int:
        """How many of the URLs that are rated otherwise the people of the case hear of by this statement. Of the others
        they hear by another lot's, or by the decision about the case's own request."""
        if not turned:
            return 0
        for request in await self._requests.changed_in(lot.sr_number):
            if request.digest is not None and request.decided_at is not None:
                await self._told.decided(lot.sr_number, request.digest, request.rating, request.decided_at)
        by, now = f"{lot.subject_id}/{lot.revision + 1}", self._clock.now()
        return sum(
            [
                what.digest is None
                or await self._told.claim(lot.sr_number, what.digest, what.judgement.rating, now, by=by)
                for what in turned
            ]
        )


def _says(result: UrlResult) -> tuple[str, int, tuple[int, ...], str | None]:
    return result.rating, result.score, tuple(category.id for category in result.categories), result.outcome
