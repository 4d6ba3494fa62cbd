"""What the service keeps: accounts, their contacts, codes and product profiles."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from caseway_contracts.kinds import Role


class Record(BaseModel):
    """Something with a revision, whose every change is stated as an event."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int = 1

    def changed(self, **fields: Any) -> Any:
        return self.model_copy(update={**fields, "revision": self.revision + 1})


class Account(Record):
    name: str
    active: bool = True
    case_recipients: tuple[str, ...] = ()
    created_at: datetime


class Contact(Record):
    account_id: str
    email: str
    email_key: str
    name: str
    role: Role
    teams: tuple[str, ...] = ()
    password_hash: str
    disabled: bool = False
    created_at: datetime


class ActivationCode(BaseModel):
    """A product activation code that is registered for an account."""

    model_config = ConfigDict(frozen=True)

    id: str
    account_id: str
    product: str
    code: str


class ProductProfile(Record):
    account_id: str
    name: str
    name_key: str
    product: str
    version: str
    operating_systems: tuple[str, ...]
    language: str
    activation_code: str | None = None
    settings: tuple[str, ...] = ()
    toolbox_guid: str | None = None
    deleted: bool = False

    def tombstone(self) -> "ProductProfile":
        """What stays of a deleted profile until its event is out: no word of the customer."""
        gone: ProductProfile = self.changed(
            name="", name_key="", activation_code=None, settings=(), toolbox_guid=None, deleted=True
        )
        return gone


class Taken(Exception):
    """A record with the same unique value is there already; ``what`` names the fields of the rule."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def email_key(email: str) -> str:
    """Addresses that differ in case only are one person's."""
    return email.strip().lower()


def name_key(name: str) -> str:
    return " ".join(name.split()).casefold()
