"""Whether so many people use a site that a change of its rating is for two to decide."""

from functools import cache
from importlib.resources import files
from typing import Protocol

from url_rating.expressions import is_address, registrable_domain, site

# So many accounts that sent URLs of a site make it widely used.
ACCOUNTS = 25


class Sightings(Protocol):
    async def accounts(self, site: bytes, most: int) -> int:
        """How many accounts sent URLs of a site; counting ends at ``most``."""


class Popularity:
    def __init__(self, sightings: Sightings, *, accounts: int = ACCOUNTS) -> None:
        self._sightings = sightings
        self._accounts = accounts

    async def widely_used(self, host: str) -> bool:
        if not is_address(host) and (registrable_domain(host) or host) in _listed():
            return True
        return await self._sightings.accounts(site(host), self._accounts) >= self._accounts


@cache
def _listed() -> frozenset[str]:
    lines = (files("url_rating") / "popular.txt").read_text("utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
