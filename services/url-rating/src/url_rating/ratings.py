"""What was stated about the URLs of a case, once, and where a URL was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from caseway_kit.messaging import Encoded


@dataclass(frozen=True, slots=True)
class StatedRatings:
    """What was stated because of one event, as it went out: a later release says the same again to the byte.
    ``digest`` is that of the event, so that another under its id is seen."""

    cause: UUID
    digest: str
    sr_number: str
    statements: tuple[Encoded, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A URL in a case, by the hashes of its most specific expression and of its site: who is to be told when its
    rating changes."""

    subject_id: str
    url_id: str
    sr_number: str
    account_id: str
    digest: bytes
    site: bytes
    score: int
    at: datetime


class RatingRepository(Protocol):
    async def find(self, cause: UUID) -> StatedRatings | None: ...

    async def add(self, stated: StatedRatings) -> StatedRatings:
        """Keep what is about to be stated; the answer is what is kept, where another was faster."""

    async def add_sightings(self, sightings: Sequence[Sighting]) -> None:
        """Keep sightings; those that are there are left as they are."""

    async def erase(self, sr_number: str) -> None:
        """Forget where the case's URLs were seen; what was stated are facts, and stays."""
