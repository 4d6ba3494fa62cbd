"""What the analysers found, as report objects hold it and as a case shows it (design section 6, "A case")."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from caseway_contracts.base import Contract
from caseway_contracts.kinds import Rating, Verdict
from caseway_contracts.sheets import Salted


class Reason(Contract):
    """Why: which rule of which engine, where in the sample, and what that means in words."""

    engine: str
    version: str
    rule: str
    where: str = ""
    says: str


class Limit(Contract):
    """A limit that cut the analysis short, and what was left out."""

    limit: str
    says: str


class Result(Contract):
    """What every result has. The id of a submitted piece is its evidence id; a child's is derived from its parent."""

    id: str
    parent_id: str | None = None


class FileResult(Result):
    """A piece of bytes: a submitted file, a member of an archive, a mail or an attachment of one."""

    kind: str = "file"
    name: str
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    tlsh: str | None = None
    size: int | None = None
    type: str | None = None
    """MIME type by content."""
    verdict: Verdict = "unknown"
    reasons: tuple[Reason, ...] = ()
    limits: tuple[Limit, ...] = ()


class Authentication(Contract):
    """What the mail itself states about its authentication (``pass``, ``fail``, ``none``, …)."""

    spf: str = "none"
    dkim: str = "none"
    dmarc: str = "none"
    arc: str = ""
    by: str = ""
    """The host that states this; empty where no line of the mail can be trusted to be the receiver's."""
    dkim_verified: str = ""
    """``pass`` or ``fail`` where the key of a signature was at hand to check it."""


class Hop(Contract):
    """A host that passed a mail on, as the mail says."""

    sender: str = ""
    address: str = ""
    receiver: str = ""
    at: str | None = None
    gap: int | None = None
    """Seconds since the hop before it; below zero where a clock or the line is wrong."""


class EmailResult(Result):
    """A mail; ``from`` and ``date`` as its headers say."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    subject: str = ""
    sender: Annotated[str, Field(alias="from")] = ""
    to: tuple[str, ...] = ()
    date: str | None = None
    reply_to: tuple[str, ...] = ()
    received: tuple[Hop, ...] = ()
    """Oldest first."""
    authentication: Authentication = Authentication()
    attachments: tuple[str, ...] = ()
    """Ids of file results."""
    urls: tuple[str, ...] = ()
    """Ids of URL results."""
    verdict: Verdict = "unknown"
    reasons: tuple[Reason, ...] = ()
    limits: tuple[Limit, ...] = ()


class AttkEntries(Contract):
    """How many files of the host the toolkit put in each of its three sets."""

    suspicious: int = 0
    known_good: int = 0
    unknown: int = 0


class AttkSummary(Contract):
    """How much of each kind the package tells of its host."""

    files: int = 0
    autoruns: int = 0
    processes: int = 0
    ports: int = 0
    dns_entries: int = 0
    urls: int = 0
    events: int = 0
    """Of Windows event logs."""
    detections: int = 0
    """By the antivirus of the host."""


class Finding(Contract):
    """Something on the host that a person should look at."""

    rule: str
    says: str
    where: str = ""


class AttkLogResult(Result):
    """The log package of one host."""

    host: str = ""
    os: str = ""
    entries: AttkEntries = AttkEntries()
    summary: AttkSummary = AttkSummary()
    findings: tuple[Finding, ...] = ()
    verdict: Verdict = "unknown"
    reasons: tuple[Reason, ...] = ()
    limits: tuple[Limit, ...] = ()


class FoundUrl(Result):
    """A URL found inside a piece, as written there; url-rating rates it."""

    url: str


class EvidenceReport(Salted):
    """All that was found out about one submitted piece and what is inside it."""

    sr_number: str
    evidence_id: str
    revision: int
    kind: str
    files: tuple[FileResult, ...] = ()
    emails: tuple[EmailResult, ...] = ()
    attk_logs: tuple[AttkLogResult, ...] = ()
    urls: tuple[FoundUrl, ...] = ()
    urls_truncated: bool = False
    engines: tuple[str, ...] = ()
    """``name/version`` of every engine and rule set that looked."""


class CategoryName(Contract):
    """A URL category by number and name."""

    id: int
    name: str


class Requested(Contract):
    """What the customer wants a URL to be."""

    rating: Rating | None = None
    categories: tuple[int, ...] | None = None


class UrlResult(Result):
    """A URL and what it is rated."""

    url: str
    canonical: str | None = None
    rating: Rating = "untested"
    score: int = 71
    categories: tuple[CategoryName, ...] = ()
    reasons: tuple[Reason, ...] = ()
    requested: Requested | None = None
    outcome: Literal["changed", "kept"] | None = None


class UrlReport(Salted):
    """The ratings of one lot of URLs."""

    sr_number: str
    subject_id: str
    revision: int
    urls: tuple[UrlResult, ...] = ()
