"""The customer's words, in salted, immutable objects under ``cases/{sr}/``, which events name by their hash."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from caseway_contracts.base import Contract
from caseway_contracts.kinds import Rating


class Salted(Contract):
    """An object whose hash must not be guessable from its words."""

    salt: Annotated[str, Field(min_length=32)]


class Recipient(Contract):
    """Somebody who gets the case's mails; events name the id, never the address."""

    id: str
    address: str
    submitter: bool = False


class SheetAttachment(Contract):
    """An attachment's words. ``password`` is the customer's own; ``opened_with`` the one that opened it."""

    evidence_id: str
    name: str
    password: str | None = None
    opened_with: str | None = None


class SheetUrl(Contract):
    """A typed URL, and what the customer wants it to be rated."""

    evidence_id: str
    url: str
    requested_rating: Rating | None = None
    requested_categories: tuple[int, ...] | None = None


class Evidenced(Salted):
    """What a case sheet and an update sheet have in common."""

    recipients: tuple[Recipient, ...] = ()
    attachments: tuple[SheetAttachment, ...] = ()
    urls: tuple[SheetUrl, ...] = ()


class SheetContact(Contract):
    """How the customer wants to be reached."""

    method: Literal["email", "phone"] = "email"
    phone: str | None = None
    preferred_time: str | None = None


class CaseSheet(Evidenced):
    """The words of a case at its submission. Recipients: the submitter first, then the CCs, without repeats."""

    sr_number: str
    subject: str
    description: str
    business_impact: str | None = None
    submitter_name: str = ""
    contact: SheetContact = SheetContact()
    affected_operating_systems: tuple[str, ...] = ()
    fields: dict[str, Any] = Field(default_factory=dict)
    profile: dict[str, Any] = Field(default_factory=dict)
    """The product profile as it was (design section 6), activation code and GUID included."""


class UpdateSheet(Evidenced):
    """The words of an update. Recipients: those that it added."""

    sr_number: str
    update_id: str
    comment: str | None = None
    business_impact: str | None = None


class LegacySheet(Salted):
    """A threat request from before SR numbers, as the system that it was imported from had it."""

    ref_id: str
    subject: str
    description: str = ""
    kind: str = ""
    """What was asked, in the words of that system."""
    status: str = ""
    result: str = ""
    product: str = ""
    submitter: str = ""
    submitted_at: AwareDatetime
    closed_at: AwareDatetime | None = None
