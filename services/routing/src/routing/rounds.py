"""Which results a case is owed, round by round. Sets commute, so results may come before what they belong to."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from caseway_contracts.analyses import EvidenceAnalyzed
from caseway_contracts.cases import CaseSubmitted, CaseUpdated
from caseway_contracts.kinds import Rating, Verdict
from caseway_contracts.ratings import UrlsRated, typed_urls
from caseway_contracts.routes import Covered


class Value(BaseModel):
    """A frozen value that a document holds."""

    model_config = ConfigDict(frozen=True)


class Owed(Value):
    """A result by type and subject of the event that will bring it."""

    type: Literal["EvidenceAnalyzed", "UrlsRated"]
    id: str


class Done(Value):
    """A result that came. ``urls``: the piece holds URLs, whose rating is owed as well."""

    owed: Owed
    revision: int
    account_id: str
    verdict: Verdict | None = None
    rating: Rating | None = None
    urls: bool = False
    waiting: tuple[str, ...] = ()
    """Ids of URLs that wait for an analyst."""

    @classmethod
    def of(cls, event: EvidenceAnalyzed | UrlsRated) -> Self:
        owed = Owed(type=event.type, id=event.subject_id)
        result = cls(owed=owed, revision=event.revision, account_id=event.account_id)
        if isinstance(event, EvidenceAnalyzed):
            return result.model_copy(update={"verdict": event.verdict, "urls": event.urls > 0})
        return result.model_copy(update={"rating": event.worst, "waiting": event.waiting})


class Round(Value):
    """What one case event brought; its number is that event's revision, its cause that event."""

    number: int
    cause: str
    """The case event as JSON; it holds facts only."""
    owed: tuple[Owed, ...]
    completed: bool = False

    @classmethod
    def opened_by(cls, event: CaseSubmitted | CaseUpdated) -> Self:
        pieces = [Owed(type="EvidenceAnalyzed", id=one.id) for one in event.evidence if one.kind != "url"]
        typed = [Owed(type="UrlsRated", id=typed_urls(event.key, event.revision))]
        has_urls = any(one.kind == "url" for one in event.evidence)
        owed = tuple(pieces + (typed if has_urls else []))
        return cls(number=event.revision, cause=event.model_dump_json(), owed=owed)

    def owed_with(self, done: Iterable[Done]) -> set[Owed]:
        """All that the round is owed, as far as its results tell."""
        found = {Owed(type="UrlsRated", id=one.owed.id) for one in done if one.urls and one.owed in self.owed}
        return {*self.owed, *found}

    def covers(self, done: Iterable[Done]) -> list[Done] | None:
        """The results that complete the round, None while one is missing."""
        results = {one.owed: one for one in done}
        owed = self.owed_with(results.values())
        if not owed <= results.keys():
            return None
        return [results[one] for one in sorted(owed, key=lambda one: (one.type, one.id))]


def covered(results: Iterable[Done]) -> tuple[Covered, ...]:
    return tuple(Covered(type=one.owed.type, id=one.owed.id, revision=one.revision) for one in results)
