"""What an account, or an analyst for everybody, decided about a URL apart from any list and any case."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from caseway_contracts.kinds import Rating
from caseway_kit.clock import Clock
from url_rating.canonical import canonicalize
from url_rating.expressions import digest, site
from url_rating.lists import Match
from url_rating.popularity import Popularity
from url_rating.verdicts import ACCOUNT, UnknownCategories, Verdicts

ANALYSTS = "analysts"


class Override(BaseModel):
    """A rating that outranks every list for one expression. Of an account it counts in that account's look-ups alone;
    without an account it is an analyst's, for everybody. It is never changed, only taken back, and never forgotten: who
    decided what, when and why stays to be read."""

    model_config = ConfigDict(frozen=True)

    id: str
    account_id: str | None
    expression: str
    digest: bytes
    site: bytes = b""
    rating: Rating
    score: int
    categories: tuple[int, ...]
    reason: str
    by: str
    at: datetime
    expires_at: datetime | None = None
    awaits_second: bool = False
    seconded_by: str | None = None
    seconded_at: datetime | None = None
    removal_by: str | None = None
    removed_by: str | None = None
    removed_at: datetime | None = None
    removed_reason: str | None = None

    def match(self) -> Match:
        source = ANALYSTS if self.account_id is None else ACCOUNT
        return Match(
            self.digest, self.score, self.categories, source, self.at.date().isoformat(), True, self.at, self.reason
        )


class NotInTheFuture(Exception):
    pass


class NotYours(Exception):
    """An override waits for another person than the one who made it, or for nobody."""


class OverrideRepository(Protocol):
    async def find(self, override_id: str) -> Override | None: ...

    async def ask_removal(self, override_id: str, *, by: str) -> Override | None:
        """Keep who would take back what two people made, unless somebody asked before; the answer is what is kept."""

    async def put(self, override: Override) -> None:
        """Keep an override; the one of the same account and expression before it is taken back by the same person. One
        that awaits a second person changes nothing until :meth:`second`."""

    async def second(self, override_id: str, *, by: str, at: datetime) -> Override | None:
        """Put in force an analyst's override that awaits somebody else; None where there is none that does."""

    async def remove(
        self, override_id: str, account_id: str | None, *, by: str, at: datetime, reason: str
    ) -> Override | None:
        """Take back one of this account; None where it has none of that id, and as it is where it was taken back."""

    async def listed(self, account_id: str | None, *, after: str | None, limit: int) -> list[Override]:
        """Overrides of this account, those taken back too, in the order of their ids."""

    async def in_force(self, digests: Collection[bytes], account_id: str | None, now: datetime) -> list[Override]:
        """What analysts and, where one is named, this account decided about the expressions, and has not expired."""


class Overriding:
    def __init__(
        self, *, overrides: OverrideRepository, popularity: Popularity, verdicts: Verdicts, clock: Clock
    ) -> None:
        self._overrides = overrides
        self._popularity = popularity
        self._verdicts = verdicts
        self._clock = clock

    async def put(
        self,
        url: str,
        *,
        account_id: str | None,
        rating: Rating,
        categories: Sequence[int],
        reason: str,
        by: str,
        expires_at: datetime | None,
    ) -> Override:
        """Raises InvalidUrl, UnknownCategories and NotInTheFuture."""
        if unknown := [number for number in categories if not self._verdicts.knows(number)]:
            raise UnknownCategories(unknown)
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise NotInTheFuture
        canonical = canonicalize(url)
        expression = canonical.expression
        override = Override(
            id=str(uuid4()),
            account_id=account_id,
            expression=expression,
            digest=digest(expression),
            site=site(canonical.host),
            rating=rating,
            score=self._verdicts.score(rating),
            categories=tuple(categories),
            reason=reason,
            by=by,
            at=now,
            expires_at=expires_at,
            awaits_second=account_id is None and await self._popularity.widely_used(canonical.host),
        )
        await self._overrides.put(override)
        return override

    async def second(self, override_id: str, *, by: str) -> Override:
        """Raises NotYours."""
        seconded = await self._overrides.second(override_id, by=by, at=self._clock.now())
        if seconded is None:
            raise NotYours
        return seconded

    async def remove(self, override_id: str, *, account_id: str | None, reason: str, by: str) -> Override | None:
        """What two people put in force for everybody, two take back: the first one's wish waits for somebody else's."""
        kept = await self._overrides.find(override_id)
        by_two = kept is not None and kept.account_id is None and kept.seconded_by is not None
        if by_two and account_id is None:
            asked = await self._overrides.ask_removal(override_id, by=by)
            if asked is None or asked.removed_at is not None or asked.removal_by == by:
                return asked
        return await self._overrides.remove(override_id, account_id, by=by, at=self._clock.now(), reason=reason)

    async def listed(self, *, account_id: str | None, after: str | None, limit: int) -> list[Override]:
        return await self._overrides.listed(account_id, after=after, limit=limit)


class Decided(Protocol):
    async def overrides(self, digests: Collection[bytes]) -> list[Match]:
        """Changes that were decided on request, the last one of each expression."""


class AllOverrides:
    """What outranks the lists: decisions on request, and overrides apart from any."""

    def __init__(self, *, overrides: OverrideRepository, decided: Decided, clock: Clock) -> None:
        self._overrides = overrides
        self._decided = decided
        self._clock = clock

    async def overrides(self, digests: Collection[bytes], account_id: str | None) -> list[Match]:
        decided, own = await asyncio.gather(
            self._decided.overrides(digests), self._overrides.in_force(digests, account_id, self._clock.now())
        )
        return [*decided, *(override.match() for override in own)]
