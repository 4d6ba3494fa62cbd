"""Rates URLs by what lists and analysts know. It asks the database, and never the URL."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from url_rating.canonical import TYPED_LIMIT, CanonicalUrl, InvalidUrl, canonicalize
from url_rating.expressions import Expression, expressions
from url_rating.lists import ListRepository, Match
from url_rating.verdicts import Judgement, Verdicts

T = TypeVar("T")
C = TypeVar("C")
R = TypeVar("R")

# More than this is worked out beside the event loop, which has heartbeats to send.
AT_ONCE = 20


class Overrides(Protocol):
    async def overrides(self, digests: Collection[bytes], account_id: str | None) -> list[Match]:
        """What analysts and this account decided about the expressions, as far as it is in force."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a rating is made with, so that older can be told from newer: the release of our own rules, and how often
    lists have switched. During a roll-out, replicas differ in both."""

    release: int
    switches: int


NEVER = Standing(0, 0)


@dataclass(frozen=True, slots=True)
class Rated:
    """A URL as it was given and what it is rated; ``canonical`` is None where ``error`` says why there is none."""

    url: str
    canonical: CanonicalUrl | None
    judgement: Judgement
    error: InvalidUrl | None = None

    @property
    def digest(self) -> bytes | None:
        """Hash of the most specific expression."""
        return None if self.canonical is None else expressions(self.canonical)[0].digest


@dataclass(frozen=True, slots=True)
class _Asked:
    url: str
    canonical: CanonicalUrl | None
    expressions: tuple[Expression, ...] = ()
    error: InvalidUrl | None = None


class Lookup:
    def __init__(self, *, lists: ListRepository, overrides: Overrides, verdicts: Verdicts) -> None:
        self._lists = lists
        self._overrides = overrides
        self._verdicts = verdicts

    async def rate(
        self, urls: Sequence[str], *, limit: int = TYPED_LIMIT, account_id: str | None = None
    ) -> list[Rated]:
        """Ratings in the order of ``urls``; one that is no URL is untested, with its error.

        An account's own overrides count where it asks (``account_id``), and in no case: those say what we say.
        """
        asked = await _beside(_ask_all, urls, limit)
        digests = {expression.digest for one in asked for expression in one.expressions}
        overrides = self._overrides.overrides(digests, account_id)
        listed, decided = await asyncio.gather(self._lists.find(digests), overrides)
        return await _beside(self._judge_all, asked, [*decided, *listed])

    async def sources(self) -> tuple[str, ...]:
        """``name/version`` of all that is asked."""
        return (*(str(version) for version in await self._lists.active()), self._verdicts.version)

    async def standing(self) -> Standing | None:
        """None while a list that is in force cannot be asked: what is rated then tells of no change."""
        switches = await self._lists.switches()
        return None if switches is None else Standing(self._verdicts.release, switches)

    def _judge_all(self, asked: Sequence[_Asked], matches: Sequence[Match]) -> list[Rated]:
        known: dict[bytes, list[Match]] = {}
        for match in matches:
            known.setdefault(match.digest, []).append(match)
        return [self._judge(one, known) for one in asked]

    def _judge(self, asked: _Asked, known: dict[bytes, list[Match]]) -> Rated:
        if asked.canonical is None:
            says = asked.error.says if asked.error else ""
            return Rated(asked.url, None, self._verdicts.invalid(says), asked.error)
        matches = [match for expression in asked.expressions for match in known.get(expression.digest, ())]
        return Rated(asked.url, asked.canonical, self._verdicts.judge(asked.canonical, asked.expressions, matches))


async def _beside(work: Callable[[Sequence[T], C], list[R]], urls: Sequence[T], context: C) -> list[R]:
    return work(urls, context) if len(urls) <= AT_ONCE else await asyncio.to_thread(work, urls, context)


def _ask_all(urls: Sequence[str], limit: int) -> list[_Asked]:
    return [_ask(url, limit) for url in urls]


def _ask(url: str, limit: int) -> _Asked:
    try:
        canonical = canonicalize(url, limit=limit)
    except InvalidUrl as error:
        return _Asked(url, None, error=error)
    return _Asked(url, canonical, expressions(canonical))
