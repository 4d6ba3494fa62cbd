"""From what is known about a URL's expressions to its rating, with reasons."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import TypeAdapter

from caseway_catalog.catalog import Catalog
from caseway_contracts.kinds import Rating
from caseway_contracts.results import CategoryName, Reason
from url_rating.canonical import CanonicalUrl
from url_rating.expressions import Expression
from url_rating.heuristics import ALWAYS_SAID, ENGINE, Heuristics
from url_rating.lists import Match
from url_rating.sources import UNTESTED

NO_CATEGORY = 90
ACCOUNT = "account"
_BEFORE = datetime.min.replace(tzinfo=UTC)

_RATING: TypeAdapter[Rating] = TypeAdapter(Rating)


class UnknownCategories(Exception):
    def __init__(self, categories: Sequence[int]) -> None:
        super().__init__(categories)
        self.categories = categories


class Judgement:
    """What a URL is rated, and why."""

    __slots__ = ("categories", "rating", "reasons", "score")

    def __init__(
        self, rating: Rating, score: int, categories: tuple[CategoryName, ...], reasons: tuple[Reason, ...]
    ) -> None:
        self.rating = rating
        self.score = score
        self.categories = categories
        self.reasons = reasons


class Verdicts:
    """The rules. The most specific known expression decides; of one expression, the account that asks before an
    analyst, an analyst before the lists, and of several lists the worst. Where nothing is known, suspicions do."""

    def __init__(self, catalog: Catalog, heuristics: Heuristics) -> None:
        self._catalog = catalog
        self._heuristics = heuristics
        self.release = heuristics.release
        self.version = f"{ENGINE}/{heuristics.version}"

    def judge(self, url: CanonicalUrl, expressions: tuple[Expression, ...], matches: list[Match]) -> Judgement:
        suspicion = self._heuristics.suspect(url)
        hints = [reason for reason in suspicion.reasons if reason.rule in ALWAYS_SAID]
        for expression in expressions:
            known = [match for match in matches if match.digest == expression.digest]
            deciding = _overriding(known) or known
            if deciding:
                score = min(match.score for match in deciding)
                categories = dict.fromkeys(number for match in deciding for number in match.categories)
                reasons = [self._reason(match, expression) for match in deciding]
                return Judgement(self.rating(score), score, self.names(tuple(categories)), (*reasons, *hints))
        if suspicion.score is None:
            return self.untested(*suspicion.reasons)
        return Judgement(self.rating(suspicion.score), suspicion.score, self.names((NO_CATEGORY,)), suspicion.reasons)

    def untested(self, *reasons: Reason) -> Judgement:
        return Judgement(self.rating(UNTESTED), UNTESTED, self.names((NO_CATEGORY,)), reasons)

    def invalid(self, says: str) -> Judgement:
        return self.untested(Reason(engine=ENGINE, version=self._heuristics.version, rule="url-invalid", says=says))

    def rating(self, score: int) -> Rating:
        return _RATING.validate_python(self._catalog.rating_for(score))

    def score(self, rating: Rating) -> int:
        """A score in the middle of what the rating means, for a decision that names no score."""
        if rating == "dangerous":
            return 49
        return {"safe": 90, "suspicious": 75, "highly-suspicious": 60, "untested": UNTESTED}[rating]

    def names(self, numbers: tuple[int, ...]) -> tuple[CategoryName, ...]:
        known = self._catalog.url_categories
        return tuple(
            CategoryName(id=number, name=known[number].name if number in known else str(number)) for number in numbers
        )

    def knows(self, category: int) -> bool:
        return category in self._catalog.url_categories

    def _reason(self, match: Match, expression: Expression) -> Reason:
        if match.override:
            says = "An analyst decided how this URL is rated."
            if match.source == ACCOUNT:
                says = f"Your account decided how this URL is rated: {match.why}"
            return Reason(engine=match.source, version=match.version, rule="decided", where=expression.text, says=says)
        names = ", ".join(category.name for category in self.names(match.categories))
        return Reason(
            engine=match.source,
            version=match.version,
            rule="listed",
            where=expression.text,
            says=f"The list {match.source} has it under {names}." if names else f"It is on the list {match.source}.",
        )


def _overriding(known: list[Match]) -> list[Match]:
    overrides = [match for match in known if match.override]
    return sorted(overrides, key=lambda match: (match.source == ACCOUNT, match.at or _BEFORE))[-1:]
