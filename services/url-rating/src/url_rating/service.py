from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.base import Event, ObjectRef
from caseway_contracts.cases import CaseErased, CaseSubmitted, CaseUpdated
from caseway_contracts.kinds import worst_rating
from caseway_contracts.ratings import UrlReclassified, UrlsDelayed, UrlsRated, typed_urls
from caseway_contracts.results import EvidenceReport, Reason, Requested, UrlReport, UrlResult
from caseway_contracts.sheets import Evidenced, SheetUrl
from caseway_kit.clock import Clock
from caseway_kit.errors import InvalidEvent
from caseway_kit.messaging import Encoded, encode
from caseway_kit.objects import Model, ObjectMissing, new_salt
from url_rating.canonical import FOUND_LIMIT
from url_rating.expressions import site
from url_rating.lookup import NEVER, Lookup, Rated, Standing
from url_rating.lots import Lot, LotRepository, Told
from url_rating.popularity import Popularity
from url_rating.ratings import RatingRepository, Sighting, StatedRatings
from url_rating.reclassifications import IMITATION, Reclassification, ReclassificationRepository, requested

SERVICE = "url-rating"
GIVEN_UP = Reason(
    engine="url-rating", version="1", rule="dropped", says="It could not be rated, and an operator gave it up."
)


class Objects(Protocol):
    """What we use of the kit's object store."""

    async def put_json(self, prefix: str, model: UrlReport) -> ObjectRef: ...

    async def get_json(self, ref: ObjectRef, model: type[Model]) -> Model: ...

    async def exists(self, key: str) -> bool: ...


class UrlRating:
    """Rates the URLs of a case, once for each event that brings some, and says the same again to a redelivery."""

    def __init__(
        self,
        *,
        lookup: Lookup,
        ratings: RatingRepository,
        lots: LotRepository,
        told: Told,
        reclassifications: ReclassificationRepository,
        popularity: Popularity,
        objects: Objects,
        clock: Clock,
    ) -> None:
        self._lookup = lookup
        self._ratings = ratings
        self._lots = lots
        self._told = told
        self._reclassifications = reclassifications
        self._popularity = popularity
        self._objects = objects
        self._clock = clock

    async def rate_case_urls(self, case: CaseSubmitted | CaseUpdated, digest: str) -> tuple[Encoded, ...]:
        """The URLs that a customer typed, and what the customer wants them to be."""
        if not has_urls(case):
            return ()
        if known := await self._known(case, digest):
            return known
        sheet = await self._read(case, case.sheet, Evidenced)
        if sheet is None:
            return ()
        standing = await self._lookup.standing()
        rated = await self._lookup.rate([one.url for one in sheet.urls])
        asked = await self._ask(case, sheet.urls, rated)
        pairs = zip(sheet.urls, rated, strict=True)
        decided = [request.stated() for request in asked.values() if (request.decided_by or "").startswith("rule:")]
        return await self._state(
            case,
            digest,
            subject_id=typed_urls(case.key, case.revision),
            least=1,
            case_revision=case.revision,
            prefix=f"cases/{case.key}/ratings/{case.revision}",
            standing=standing,
            rated=rated,
            results=[_typed(one, what, asked.get(one.evidence_id)) for one, what in pairs],
            also=tuple(decided),
            waiting=tuple(sorted(request.id for request in asked.values() if request.outcome is None)),
        )

    async def rate_found_urls(self, analyzed: EvidenceAnalyzed, digest: str) -> tuple[Encoded, ...]:
        """The URLs that were found inside a piece of evidence, as one lot."""
        if not analyzed.urls:
            return ()
        if known := await self._known(analyzed, digest):
            return known
        report = await self._read(analyzed, analyzed.report, EvidenceReport)
        if report is None:
            return ()
        if report.sr_number != analyzed.key:
            raise InvalidEvent("the report is another case's")
        standing = await self._lookup.standing()
        rated = await self._lookup.rate([found.url for found in report.urls], limit=FOUND_LIMIT)
        return await self._state(
            analyzed,
            digest,
            subject_id=analyzed.subject_id,
            least=analyzed.revision,
            case_revision=analyzed.case_revision,
            prefix=f"cases/{analyzed.key}/ratings/{analyzed.subject_id}/{analyzed.revision}",
            standing=standing,
            rated=rated,
            results=[result(found.id, found.parent_id, what) for found, what in zip(report.urls, rated, strict=True)],
        )

    async def forget(self, erased: CaseErased) -> None:
        await self._ratings.erase(erased.key)
        await self._reclassifications.erase(erased.key)
        await self._lots.erase(erased.key)
        await self._told.erase(erased.key)

    async def delayed(self, event: Event, reason: str) -> Encoded | None:
        """What is owed because of a parked event, None where nothing is. One that is parked again says the same.

        A forgery under the id of an event that was answered delays nothing.
        """
        if (answered := await self._ratings.find(event.event_id)) and answered.statements:
            return None
        if isinstance(event, CaseSubmitted | CaseUpdated) and has_urls(event):
            subject_id, revision = typed_urls(event.key, event.revision), 1
        elif isinstance(event, EvidenceAnalyzed) and event.urls:
            subject_id, revision = event.subject_id, event.revision
        else:
            return None
        delayed = UrlsDelayed.following(
            event, subject_id=subject_id, revision=revision, occurred_at=self._clock.now(), reason=reason
        )
        said = StatedRatings(delayed.event_id, "", event.key, (encode(delayed, source=SERVICE),))
        return (await self._ratings.add(said)).statements[0]

    async def dropped(self, event: Event, digest: str) -> tuple[Encoded, ...]:
        """An operator gave the event up: its URLs stay untested, and the case can be complete. Of a forgery nothing is
        said: the event whose id it has was answered."""
        if answered := await self._ratings.find(event.event_id):
            return answered.statements if answered.digest == digest else ()
        if isinstance(event, CaseSubmitted | CaseUpdated) and has_urls(event):
            sheet = await self._read(event, event.sheet, Evidenced)
            results = [_given_up(one.evidence_id, None, one.url) for one in (sheet.urls if sheet else ())]
            subject_id, revision, case_revision = typed_urls(event.key, event.revision), 1, event.revision
        elif isinstance(event, EvidenceAnalyzed) and event.urls:
            report = await self._read(event, event.report, EvidenceReport)
            results = [_given_up(one.id, one.parent_id, one.url) for one in (report.urls if report else ())]
            subject_id, revision, case_revision = event.subject_id, event.revision, event.case_revision
        else:
            return ()
        return await self._state(
            event,
            digest,
            subject_id=subject_id,
            least=revision,
            case_revision=case_revision,
            prefix=f"cases/{event.key}/ratings/dropped/{subject_id}/{revision}",
            rated=(),
            results=results,
            given_up=True,
        )

    async def _known(self, event: Event, digest: str) -> tuple[Encoded, ...]:
        known = await self._ratings.find(event.event_id)
        if known is None:
            return ()
        if known.digest != digest:
            raise InvalidEvent("an event of this id said something else before")
        return known.statements

    async def _read(self, event: Event, ref: ObjectRef, model: type[Model]) -> Model | None:
        if not ref.key.startswith(f"cases/{event.key}/"):
            raise InvalidEvent("the object is another case's")
        try:
            return await self._objects.get_json(ref, model)
        except ObjectMissing:
            # Beside a tombstone the words are gone on purpose, and there is nothing left to rate.
            if await self._objects.exists(tombstone(event.key)):
                return None
            raise

    async def _ask(
        self, case: Event, wanted: Sequence[SheetUrl], rated: Sequence[Rated]
    ) -> dict[str, Reclassification]:
        now = self._clock.now()
        requests = []
        for one, what in zip(wanted, rated, strict=True):
            request = requested(
                one,
                what,
                sr_number=case.key,
                account_id=case.account_id,
                cause=case.event_id,
                at=now,
                widely_used=await self._imitates_where_many_go(what),
            )
            if request is not None:
                requests.append(request)
        return {request.id: request for request in await self._reclassifications.add(requests)} if requests else {}

    async def _imitates_where_many_go(self, rated: Rated) -> bool:
        if rated.canonical is None or all(reason.rule != IMITATION for reason in rated.judgement.reasons):
            return False
        return await self._popularity.widely_used(rated.canonical.host)

    async def _state(
        self,
        cause: Event,
        digest: str,
        *,
        subject_id: str,
        least: int,
        case_revision: int,
        prefix: str,
        standing: Standing | None = None,
        rated: Sequence[Rated],
        results: Sequence[UrlResult],
        also: tuple[UrlReclassified, ...] = (),
        waiting: tuple[str, ...] = (),
        given_up: bool = False,
    ) -> tuple[Encoded, ...]:
        now = self._clock.now()
        await self._ratings.add_sightings(
            [
                Sighting(
                    subject_id,
                    one.id,
                    cause.key,
                    cause.account_id,
                    what.digest,
                    site(what.canonical.host),
                    one.score,
                    now,
                )
                for one, what in zip(results, rated, strict=bool(rated))
                if what.digest is not None and what.canonical is not None
            ]
        )
        ratings = [one.rating for one in results]
        while True:
            revision = await self._revision(cause, subject_id, least)
            report = UrlReport(
                salt=new_salt(), sr_number=cause.key, subject_id=subject_id, revision=revision, urls=tuple(results)
            )
            ref = await self._objects.put_json(prefix, report)
            stated = UrlsRated.following(
                cause,
                subject_id=subject_id,
                revision=revision,
                occurred_at=now,
                case_revision=case_revision,
                urls=len(results),
                counts=dict(Counter(ratings)),
                worst=worst_rating(ratings),
                lists=await self._lookup.sources(),
                report=ref,
                waiting=waiting,
            )
            if await self._lots.put(Lot.of(stated, cause.event_id, standing or NEVER, given_up=given_up)):
                break  # else the lot was stated anew meanwhile, and ours comes after that
        said = tuple(encode(one, source=SERVICE) for one in (stated, *also))
        kept = await self._ratings.add(StatedRatings(cause.event_id, digest, cause.key, said))
        return kept.statements

    async def _revision(self, cause: Event, subject_id: str, least: int) -> int:
        """``least``, unless we have stated more of the subject than that; of one cause always the same."""
        lot = await self._lots.find(subject_id)
        if lot is None:
            return least
        if lot.cause == cause.event_id:
            return lot.first or least
        return max(least, lot.revision + 1)


def _typed(wanted: SheetUrl, rated: Rated, request: Reclassification | None) -> UrlResult:
    typed = result(wanted.evidence_id, None, rated)
    if request is None:
        return typed
    asked = Requested(rating=request.requested_rating, categories=request.requested_categories)
    return typed.model_copy(update={"requested": asked, "outcome": request.outcome})


def _given_up(url_id: str, parent_id: str | None, url: str) -> UrlResult:
    return UrlResult(id=url_id, parent_id=parent_id, url=url, reasons=(GIVEN_UP,))


def has_urls(case: CaseSubmitted | CaseUpdated) -> bool:
    return any(piece.kind == "url" for piece in case.evidence)


def tombstone(sr_number: str) -> str:
    return f"cases/{sr_number}/tombstone"


def rerated(before: UrlResult, rated: Rated) -> UrlResult:
    """What is said of a URL of a case now, beside what its customer asked for."""
    now = result(before.id, before.parent_id, rated)
    return now.model_copy(update={"requested": before.requested, "outcome": before.outcome})


def result(url_id: str, parent_id: str | None, rated: Rated) -> UrlResult:
    judgement = rated.judgement
    return UrlResult(
        id=url_id,
        parent_id=parent_id,
        url=rated.url,
        canonical=None if rated.canonical is None else str(rated.canonical),
        rating=judgement.rating,
        score=judgement.score,
        categories=judgement.categories,
        reasons=judgement.reasons,
    )
