"""Web reputation: rating bands and URL categories."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from caseway_catalog.entries import Data, Entry, Label

Score = Annotated[int, Field(ge=0, le=100)]


class Rating(Entry):
    """A band of scores, or the one score that means it exactly."""

    meaning: str
    min: Score | None = None
    max: Score | None = None
    exactly: Score | None = None

    @model_validator(mode="after")
    def is_a_band_or_a_score(self) -> Self:
        if (self.exactly is None) != (self.min is not None and self.max is not None):
            raise ValueError("a rating has either min and max, or exactly")
        return self

    def holds(self, score: int) -> bool:
        if self.exactly is not None:
            return score == self.exactly
        return self.min is not None and self.max is not None and self.min <= score <= self.max


class UrlCategoryGroup(Data):
    """Categories of URLs under one heading, by their number in the web reputation service."""

    group: Label
    meaning: str
    categories: dict[Annotated[int, Field(gt=0)], Label]


class UrlCategory(Data):
    """What a page is about."""

    id: int
    name: str
    group: str


def rating_for(ratings: tuple[Rating, ...], score: int) -> str:
    """The slug of the rating; an exact score wins over the band around it."""
    for rating in sorted(ratings, key=lambda rating: rating.exactly is None):
        if rating.holds(score):
            return rating.slug
    raise ValueError(f"No rating holds the score {score}.")
