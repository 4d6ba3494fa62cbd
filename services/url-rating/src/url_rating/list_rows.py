"""What a line of a list came to, in the list's own words."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


class Refused(Exception):
    """A line that is no entry. The reason is a constant, never the line."""


class UnknownCategory(Refused):
    def __init__(self, category: str) -> None:
        super().__init__("category unknown")
        self.category = category


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as a list words it."""

    entry: str
    category: str | None = None
    score: int | None = None


Reader = Callable[[str], Iterable[Row]]
NOTHING: tuple[Row, ...] = ()
