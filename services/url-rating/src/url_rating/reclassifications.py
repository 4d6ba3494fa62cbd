"""What a customer wants a URL to be, and what became of it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from caseway_contracts.base import UnknownEvent
from caseway_contracts.kinds import Rating
from caseway_contracts.ratings import UrlReclassified
from caseway_contracts.sheets import SheetUrl
from url_rating.expressions import site
from url_rating.lists import Match
from url_rating.lookup import Rated
from url_rating.verdicts import Judgement

Outcome = Literal["changed", "kept"]

ALREADY_SO = "rule:already-so"
SEVERAL_LISTS = "rule:several-lists"
# A rule of the heuristics.
IMITATION = "brand-confusable"
PHISHING = 75
IMITATES_A_BRAND = "rule:imitates-a-brand"


class Proposal(BaseModel):
    """What a first analyst decided of a URL of a widely used site; a second one must decide the same."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    rating: Rating
    categories: tuple[int, ...]
    reason: str | None


class Reclassification(BaseModel):
    """A request about one URL of a case. ``id`` is the URL's evidence id; rating, score and categories are those that
    it had when it was asked for, and those that it has once it is decided."""

    model_config = ConfigDict(frozen=True)

    id: str
    sr_number: str
    account_id: str
    cause: UUID
    url: str | None
    canonical: str | None
    digest: bytes | None
    site: bytes | None = None
    requested_rating: Rating | None
    requested_categories: tuple[int, ...] | None
    rating: Rating
    score: int
    categories: tuple[int, ...]
    asked_at: datetime
    outcome: Outcome | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    proposed: Proposal | None = None

    def decided(self, outcome: Outcome, *, by: str, at: datetime, **changes: object) -> "Reclassification":
        return self.model_copy(update={**changes, "outcome": outcome, "decided_by": by, "decided_at": at})

    def stated(self) -> UrlReclassified:
        """The decision as an event; the same request always yields the same id."""
        assert self.decided_at is not None
        cause = UnknownEvent(
            event_id=self.cause,
            type="cause",
            version=1,
            occurred_at=self.asked_at,
            key=self.sr_number,
            account_id=self.account_id,
            subject_id=self.sr_number,
            revision=1,
        )
        return UrlReclassified.following(
            cause,
            subject_id=self.id,
            occurred_at=self.decided_at,
            outcome=self.outcome,
            rating=self.rating,
            score=self.score,
            categories=self.categories,
            decided_by=self.decided_by,
        )


class ReclassificationRepository(Protocol):
    """Requests and decisions. A decision with its event is one write, and the source of the override that it makes."""

    async def add(self, requests: Sequence[Reclassification]) -> list[Reclassification]:
        """Keep the requests that are not there yet; the answer is what is kept under their ids, in their order."""

    async def find(self, request_id: str) -> Reclassification | None: ...

    async def waiting(
        self, *, ids: Collection[str] | None = None, after: str | None, limit: int
    ) -> list[Reclassification]:
        """Undecided requests, all or those of ``ids``, in the order of their ids, from behind ``after``."""

    async def changed_in(self, sr_number: str) -> list[Reclassification]:
        """Requests of a case that were decided as a change."""

    async def propose(self, request_id: str, proposal: Proposal) -> bool:
        """Keep what a first analyst decided; False where the request does not wait: it is decided, or erased."""

    async def decide(self, decided: Reclassification) -> bool:
        """Keep a decision and state it; False where the request does not wait: it is decided, or erased."""

    async def overrides(self, digests: Collection[bytes]) -> list[Match]:
        """Changes that were decided about the expressions, the last one of each."""

    async def erase(self, sr_number: str) -> None:
        """Forget the words of a case. Its decisions about URLs stay in force: they hold none."""


def requested(
    wanted: SheetUrl,
    rated: Rated,
    *,
    sr_number: str,
    account_id: str,
    cause: UUID,
    at: datetime,
    widely_used: bool = False,
) -> Reclassification | None:
    """The request in a typed URL, None where it asks for nothing. What is so already needs nobody to decide it; a
    widely used site is never changed by a rule."""
    if wanted.requested_rating is None and wanted.requested_categories is None:
        return None
    judgement = rated.judgement
    request = Reclassification(
        id=wanted.evidence_id,
        sr_number=sr_number,
        account_id=account_id,
        cause=cause,
        url=wanted.url,
        canonical=None if rated.canonical is None else str(rated.canonical),
        digest=rated.digest,
        site=None if rated.canonical is None else site(rated.canonical.host),
        requested_rating=wanted.requested_rating,
        requested_categories=wanted.requested_categories,
        rating=judgement.rating,
        score=judgement.score,
        categories=tuple(category.id for category in judgement.categories),
        asked_at=at,
    )
    if _is_so_already(request):
        return request.decided("kept", by=ALREADY_SO, at=at, reason="It is rated so already.")
    decided = _decided_by_evidence(request, judgement, at)
    return request if widely_used and decided.outcome == "changed" else decided


def _decided_by_evidence(request: Reclassification, judgement: Judgement, at: datetime) -> Reclassification:
    """What needs nobody to look at it: several lists agree, or the letters themselves show that a name is imitated."""
    dangerous = {reason.engine for reason in judgement.reasons if reason.rule == "listed"}
    if judgement.rating == "dangerous" and request.requested_rating == "safe" and len(dangerous) > 1:
        says = f"Lists that know nothing of each other have it: {', '.join(sorted(dangerous))}."
        return request.decided("kept", by=SEVERAL_LISTS, at=at, reason=says)
    rules = {reason.rule: reason.says for reason in judgement.reasons}
    worse = {"highly-suspicious": 60, "dangerous": 49}
    if IMITATION in rules and request.requested_rating in worse and request.requested_categories is None:
        return request.decided(
            "changed",
            by=IMITATES_A_BRAND,
            at=at,
            reason=rules[IMITATION],
            rating=request.requested_rating,
            score=worse[request.requested_rating],
            categories=(PHISHING,),
        )
    return request


def _is_so_already(request: Reclassification) -> bool:
    rating = request.requested_rating in (None, request.rating)
    categories = request.requested_categories
    return rating and (categories is None or set(categories) == set(request.categories))
