"""What url-rating states about the URLs of a case."""

from typing import Annotated, ClassVar, Literal

from pydantic import Tag

from caseway_contracts.base import OTHER, Event, ObjectRef, UnknownEvent, by_type
from caseway_contracts.kinds import Rating


class UrlsRated(Event):
    """All URLs found in one piece (the subject is the piece), or all URLs typed at once (see ``typed_urls``)."""

    topic: ClassVar[str] = "ratings"

    type: Literal["UrlsRated"] = "UrlsRated"
    version: Literal[1] = 1
    case_revision: int
    """Revision of the case event that brought the URLs or the piece that they were found in."""
    urls: int
    counts: dict[Rating, int]
    worst: Rating
    lists: tuple[str, ...] = ()
    """``name/version`` of every list and rule set that was asked."""
    report: ObjectRef
    """A :class:`caseway_contracts.results.UrlReport`."""
    changed: int = 0
    """How many of these URLs are rated otherwise than in the statement before this one."""
    waiting: tuple[str, ...] = ()
    """Evidence ids of the URLs that the customer wants rated otherwise and that wait for an analyst; UrlReclassified
    says of each what became of it."""


class UrlsDelayed(Event):
    """A lot of URLs was parked and waits for an operator; the subject is that of the UrlsRated that is owed."""

    topic: ClassVar[str] = "ratings"

    type: Literal["UrlsDelayed"] = "UrlsDelayed"
    version: Literal[1] = 1
    reason: str


class UrlReclassified(Event):
    """A request to rate a URL otherwise was decided; the subject is the URL's evidence id."""

    topic: ClassVar[str] = "ratings"

    type: Literal["UrlReclassified"] = "UrlReclassified"
    version: Literal[1] = 1
    outcome: Literal["changed", "kept"]
    rating: Rating
    score: int
    categories: tuple[int, ...] = ()
    decided_by: str
    """``rule:<name>`` or the id of the analyst."""


RatingsEvent = Annotated[
    Annotated[UrlsRated, Tag("UrlsRated")]
    | Annotated[UrlsDelayed, Tag("UrlsDelayed")]
    | Annotated[UrlReclassified, Tag("UrlReclassified")]
    | Annotated[UnknownEvent, Tag(OTHER)],
    by_type(UrlsRated, UrlsDelayed, UrlReclassified),
]


def typed_urls(sr_number: str, case_revision: int) -> str:
    """Subject of the UrlsRated about the URLs that the case event of this revision brought."""
    return f"{sr_number}/urls/{case_revision}"
