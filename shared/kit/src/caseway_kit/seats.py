"""Who does something at the same time: so many for one person or account, and so many altogether."""

from collections import Counter
from types import TracebackType
from typing import Self


class Full(Exception):
    """No seat is free; with ``own``, because the asker has as many as anybody may have."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("no seat is free")
        self.own = own


class Seat:
    def __init__(self, taken: Counter[str], who: str) -> None:
        self._taken = taken
        self._who = who
        self._taken[who] += 1

    def leave(self) -> None:
        self._taken[self._who] -= 1
        if not self._taken[self._who]:
            del self._taken[self._who]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


class Seats:
    def __init__(self, *, each: int, most: int | None = None) -> None:
        """``most`` is for all together; None: as many as come."""
        self._each = each
        self._most = most
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> Seat:
        """Counts until it is left. Raises Full."""
        if self._taken[who] >= self._each:
            raise Full(own=True)
        if self._most is not None and self._taken.total() >= self._most:
            raise Full(own=False)
        return Seat(self._taken, who)
