from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from caseway_contracts.base import Event
from intake.cases import Case


@dataclass(frozen=True)
class Person:
    """Who asks, as the token says."""

    contact_id: str
    account_id: str
    email: str
    token: str = field(default="", repr=False)
    sees_all: bool = False

    @property
    def scope(self) -> str | None:
        """The account whose cases may be read; None for those who work on everybody's."""
        return None if self.sees_all else self.account_id


class KeyTaken(Exception):
    """The account has used the idempotency key."""


class UploadClaimed(Exception):
    """A case has one of the uploads."""


class NumberTaken(Exception):
    """There is a case with that SR number."""


class CaseRepository(Protocol):
    async def add(self, case: Case, event: Event) -> None:
        """Store the case and its pending event in one write. Raises KeyTaken, UploadClaimed or NumberTaken."""

    async def change(self, before: Case, after: Case, event: Event) -> bool:
        """Likewise for a change; False when the case is not at the revision of ``before`` any more."""

    async def find(self, sr_number: str, account_id: str | None) -> Case | None:
        """The case, if it is the account's; None as the account means anybody's."""

    async def by_key(self, account_id: str, key: str) -> Case | None: ...

    async def claimed(self, upload_ids: Sequence[str]) -> set[str]:
        """Those of the uploads that a case names."""

    async def changed_since(self, account_id: str | None, since: datetime, limit: int) -> list[Case]:
        """Cases that changed since then or whose events wait to be published, the latest change first."""
