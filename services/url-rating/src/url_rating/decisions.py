"""An analyst decides what a customer asked for."""

from collections.abc import Collection, Sequence

from caseway_contracts.kinds import Rating
from caseway_kit.clock import Clock
from url_rating.canonical import FOUND_LIMIT, canonicalize
from url_rating.popularity import Popularity
from url_rating.reclassifications import Outcome, Proposal, Reclassification, ReclassificationRepository
from url_rating.verdicts import UnknownCategories, Verdicts


class NoSuchRequest(Exception):
    pass


class AlreadyDecided(Exception):
    pass


class NothingChanges(Exception):
    """A change names neither a rating nor categories, or the URL is none that can be rated."""


class Decisions:
    def __init__(
        self, *, requests: ReclassificationRepository, popularity: Popularity, verdicts: Verdicts, clock: Clock
    ) -> None:
        self._requests = requests
        self._popularity = popularity
        self._verdicts = verdicts
        self._clock = clock

    async def waiting(
        self, *, ids: Collection[str] | None = None, after: str | None = None, limit: int = 50
    ) -> list[Reclassification]:
        return await self._requests.waiting(ids=ids, after=after, limit=limit)

    async def decide(
        self,
        request_id: str,
        outcome: Outcome,
        *,
        by: str,
        reason: str,
        rating: Rating | None = None,
        categories: Sequence[int] | None = None,
    ) -> Reclassification:
        """Keep and state a decision. A change is in force for every later look-up of the URL; of a widely used site it
        is only proposed, until another analyst decides the same.

        Said again by the same analyst it is answered as it was; anything else about it is :class:`AlreadyDecided`.
        """
        request = await self._requests.find(request_id)
        if request is None or (request.outcome is None and request.url is None):  # its case is erased
            raise NoSuchRequest
        if unknown := [number for number in categories or () if not self._verdicts.knows(number)]:
            raise UnknownCategories(unknown)
        changes: dict[str, object] = {"reason": reason}
        if outcome == "changed":
            if request.digest is None or (rating is None and categories is None):
                raise NothingChanges
            if rating is not None and rating != request.rating:
                changes |= {"rating": rating, "score": self._verdicts.score(rating)}
            if categories is not None:
                changes["categories"] = tuple(categories)
        decided = request.decided(outcome, by=by, at=self._clock.now(), **changes)
        if outcome == "changed" and request.outcome is None and await self._needs_two(request):
            proposal = Proposal(
                by=by, at=self._clock.now(), rating=decided.rating, categories=decided.categories, reason=reason
            )
            if not _seconds(proposal, request.proposed):
                if not await self._requests.propose(request_id, proposal):
                    raise AlreadyDecided
                return request.model_copy(update={"proposed": proposal})
        if request.outcome is None and await self._requests.decide(decided):
            return decided
        kept = await self._requests.find(request_id)
        if kept is None or kept.model_copy(update={"decided_at": decided.decided_at}) != decided:
            raise AlreadyDecided
        return kept

    async def _needs_two(self, request: Reclassification) -> bool:
        if request.canonical is None:
            return False
        return await self._popularity.widely_used(canonicalize(request.canonical, limit=FOUND_LIMIT).host)


def _seconds(proposal: Proposal, first: Proposal | None) -> bool:
    if first is None or first.by == proposal.by:
        return False
    return (first.rating, set(first.categories)) == (proposal.rating, set(proposal.categories))
