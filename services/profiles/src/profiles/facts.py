"""The events of profiles. A fact here has no cause, so its id is derived from what it speaks of: stating it again
after a crash says the same."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from caseway_contracts.profiles import (
    AccountEvent,
    AccountSaved,
    ContactDisabled,
    ContactSaved,
    ProductProfileDeleted,
    ProductProfileSaved,
)
from caseway_kit.messaging import Encoded, encode
from profiles.records import Account, Contact, ProductProfile, Record

NAMESPACE = UUID("6f1c2f64-3a0e-5d0c-9c55-5a3d0a1c7be1")


def account_saved(account: Account, at: datetime) -> Encoded:
    return _stated(AccountSaved, account, account.id, at, active=account.active)


def contact_saved(contact: Contact, at: datetime) -> Encoded:
    return _stated(ContactSaved, contact, contact.account_id, at, role=contact.role, teams=contact.teams)


def contact_disabled(contact: Contact, at: datetime) -> Encoded:
    return _stated(ContactDisabled, contact, contact.account_id, at)


def profile_saved(profile: ProductProfile, at: datetime) -> Encoded:
    return _stated(
        ProductProfileSaved,
        profile,
        profile.account_id,
        at,
        product=profile.product,
        product_version=profile.version,
        operating_systems=profile.operating_systems,
        language=profile.language,
        settings=profile.settings,
    )


def profile_deleted(profile: ProductProfile, at: datetime) -> Encoded:
    return _stated(ProductProfileDeleted, profile, profile.account_id, at)


def _stated(event: type[AccountEvent], record: Record, account_id: str, at: datetime, **facts: Any) -> Encoded:
    name = event.model_fields["type"].default
    identity = {
        "event_id": uuid5(NAMESPACE, f"{name}/{record.id}/{record.revision}"),
        "occurred_at": at,
        "key": account_id,
        "account_id": account_id,
        "subject_id": record.id,
        "revision": record.revision,
    }
    return encode(event.model_validate({**facts, **identity}), source="profiles")
