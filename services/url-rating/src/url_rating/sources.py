"""What a list's own word for a category means here: categories of the catalogue and a score, as data."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from caseway_catalog.catalog import Catalog

UNTESTED = 71

Score = Annotated[int, Field(ge=0, le=100)]


class Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: tuple[int, ...]
    score: Score | None = None


class SourceData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scores: dict[int, Score]
    ut1: dict[str, Source]

    @model_validator(mode="after")
    def none_means_untested(self) -> Self:
        if UNTESTED in {*self.scores.values(), *(source.score for source in self.ut1.values())}:
            raise ValueError(f"the score {UNTESTED} means that nobody rated a URL; no source may give it")
        return self


@dataclass(frozen=True, slots=True)
class Meaning:
    score: int
    categories: tuple[int, ...]


class Sources:
    """Looks words up: a category of UT1, or a category of the catalogue by number or name."""

    DEFAULT_SCORE = 90

    def __init__(self, data: SourceData, catalog: Catalog) -> None:
        self._scores = data.scores
        numbers = set(catalog.url_categories)
        used = {number for source in data.ut1.values() for number in source.categories} | set(data.scores)
        if used - numbers:
            raise ValueError(f"sources name URL categories that the catalogue has not: {sorted(used - numbers)}")
        self._known = {name: self._meaning(source.categories, source.score) for name, source in data.ut1.items()}
        for number, category in catalog.url_categories.items():
            meaning = self._meaning((number,), None)
            self._known.setdefault(category.name.casefold(), meaning)
            self._known[str(number)] = meaning

    def meaning(self, word: str) -> Meaning | None:
        return self._known.get(word.strip().casefold())

    def _meaning(self, categories: tuple[int, ...], score: int | None) -> Meaning:
        lowest = min((self._scores.get(number, self.DEFAULT_SCORE) for number in categories), default=UNTESTED)
        return Meaning(lowest if score is None else score, categories)


@cache
def bundled() -> SourceData:
    return SourceData.model_validate(yaml.safe_load((files("url_rating") / "sources.yaml").read_text("utf-8")))
