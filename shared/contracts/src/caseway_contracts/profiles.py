"""What profiles states about accounts, their contacts and their product profiles: facts and ids, no words."""

from typing import Annotated, ClassVar, Literal

from pydantic import Tag

from caseway_contracts.base import OTHER, Event, UnknownEvent, by_type
from caseway_contracts.kinds import Role


class AccountEvent(Event):
    """What every fact about an account says: the key is the account's id."""

    topic: ClassVar[str] = "profiles"

    version: Literal[1] = 1


class AccountSaved(AccountEvent):
    """An account was made or changed; the subject is the account."""

    type: Literal["AccountSaved"] = "AccountSaved"
    active: bool = True


class ContactSaved(AccountEvent):
    """A contact was made or changed; the subject is the contact."""

    type: Literal["ContactSaved"] = "ContactSaved"
    role: Role
    teams: tuple[str, ...] = ()


class ContactDisabled(AccountEvent):
    """A contact may no longer sign in, and its tokens are void; the subject is the contact."""

    type: Literal["ContactDisabled"] = "ContactDisabled"


class ProductProfileSaved(AccountEvent):
    """A product profile was made or changed; the subject is the profile."""

    type: Literal["ProductProfileSaved"] = "ProductProfileSaved"
    product: str
    product_version: str
    operating_systems: tuple[str, ...]
    language: str
    settings: tuple[str, ...] = ()


class ProductProfileDeleted(AccountEvent):
    """A product profile is gone; cases keep the snapshot that they were opened with."""

    type: Literal["ProductProfileDeleted"] = "ProductProfileDeleted"


ProfilesEvent = Annotated[
    Annotated[AccountSaved, Tag("AccountSaved")]
    | Annotated[ContactSaved, Tag("ContactSaved")]
    | Annotated[ContactDisabled, Tag("ContactDisabled")]
    | Annotated[ProductProfileSaved, Tag("ProductProfileSaved")]
    | Annotated[ProductProfileDeleted, Tag("ProductProfileDeleted")]
    | Annotated[UnknownEvent, Tag(OTHER)],
    by_type(AccountSaved, ContactSaved, ContactDisabled, ProductProfileSaved, ProductProfileDeleted),
]
