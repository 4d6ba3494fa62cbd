"""What happens to a request before it is a case: shown, kept, checked, handed in."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from caseway_catalog import Catalog
from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.auth import Caller
from portal.requests.drafts import Drafts, Owner, Turn
from portal.requests.form import Form, Profile, form_state
from portal.requests.offered import OfferedCatalog
from portal.requests.reclassification import UrlRow, url_rows
from portal.requests.submission import Placed, placed, submission
from portal.requests.typed import Typed

# Nobody is reminded of these while still filling in the form; the upload may be on its way.
NOT_YET = frozenset({"required", "evidence.missing", "upload.unknown"})
OTHER_BODY = "idempotency.other_body"


class Intake(Protocol):
    async def submit(self, token: str, body: dict[str, Any], *, key: str) -> dict[str, Any]: ...

    async def check(self, token: str, body: dict[str, Any]) -> list[dict[str, Any]]: ...

    async def upload(self, token: str, name: str, chunks: AsyncIterator[bytes]) -> dict[str, Any]: ...

    async def withdraw(self, token: str, upload_id: str) -> None: ...


class Directory(Protocol):
    async def profiles(self, token: str) -> list[dict[str, Any]]: ...

    async def case_recipients(self, token: str) -> list[dict[str, Any]]: ...

    async def contacts(self, token: str) -> list[dict[str, Any]]: ...


class Ratings(Protocol):
    async def look_up(self, token: str, urls: list[str]) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Around:
    """What stands on the page beside the form: it depends on who looks, not on what is typed."""

    catalog: Catalog
    profiles: Sequence[Profile]
    contacts: Sequence[Mapping[str, Any]]
    recipients: Sequence[str]

    def form(self, typed: Typed) -> Form:
        if "profile_id" not in typed and len(self.profiles) == 1:
            typed = typed.replaced({"profile_id": str(self.profiles[0]["id"])})
        chosen = typed.one("profile_id")
        profile = next((one for one in self.profiles if one["id"] == chosen), None)
        return form_state(typed, self.catalog, profile, self.recipients)


@dataclass(frozen=True)
class Handed:
    """What became of a submission: a number, or what is wrong with it."""

    sr_number: str = ""
    wrong: Placed | None = None
    says: str = ""
    """The key of a text, or of ``refusal`` with its own words."""
    refusal: str = ""


class Desk:
    def __init__(
        self, *, intake: Intake, directory: Directory, ratings: Ratings, drafts: Drafts, offered: OfferedCatalog
    ) -> None:
        self._intake = intake
        self._directory = directory
        self._ratings = ratings
        self._drafts = drafts
        self._offered = offered

    async def around(self, caller: Caller) -> Around:
        catalog, profiles, contacts, recipients = await asyncio.gather(
            self._offered.current(),
            self._directory.profiles(caller.token),
            self._directory.contacts(caller.token),
            self._directory.case_recipients(caller.token),
        )
        emails = [str(one["email"]) for one in recipients]
        others = [one for one in contacts if one.get("email") != caller.email]
        return Around(catalog, profiles, others, emails)

    async def keep(self, caller: Caller, draft_id: str, typed: Typed, turn: Turn | None) -> None:
        await self._drafts.save(owner_of(caller), draft_id, typed, turn)

    async def faults(self, caller: Caller, form: Form, catalog: Catalog, *, all_of_them: bool) -> Placed:
        """What intake would refuse as it stands; nothing while intake can't be asked."""
        try:
            errors = await self._intake.check(caller.token, submission(form, catalog.version))
        except (Refused, ServiceAway):
            return {}
        return placed([one for one in errors if all_of_them or one.get("code") not in NOT_YET], form)

    async def submit(self, caller: Caller, draft_id: str, form: Form, catalog: Catalog) -> Handed:
        """Hand in what the form says; its draft's id is the key, so that pressed twice it makes one case."""
        try:
            case = await self._intake.submit(caller.token, submission(form, catalog.version), key=draft_id)
        except ServiceAway:
            return Handed(says="away")
        except Refused as refused:
            return self._refused(refused, form)
        await self._drafts.end(owner_of(caller), draft_id)
        return Handed(sr_number=str(case["sr_number"]))

    async def rated(self, caller: Caller, form: Form) -> list[UrlRow] | None:
        """A row for each URL with its rating and categories of now; None while nobody can tell."""
        urls = [row.url for row in url_rows(form.typed)]
        if not urls:
            return []
        try:
            results = await self._ratings.look_up(caller.token, urls)
        except (ServiceAway, Refused):
            return None
        return url_rows(form.typed, dict(zip(urls, results, strict=False)))

    async def take_out(self, caller: Caller, typed: Typed, number: int) -> Typed:
        """Without that attachment, whose upload nobody needs then."""
        rows = typed.rows("attachments")
        if number < len(rows):
            row = rows.pop(number)
            with suppress(Refused, ServiceAway):  # what no case names is swept anyway
                await self._intake.withdraw(caller.token, row.get("upload_id", ("",))[-1])
        return typed.with_rows("attachments", rows)

    def _refused(self, refused: Refused, form: Form) -> Handed:
        errors = list(refused.problem.get("errors") or ())
        if any(one.get("code") == OTHER_BODY for one in errors):
            return Handed(says="submitted_before")
        if refused.status == 409:
            self._offered.is_old()
            return Handed(says="form_changed")
        if errors:
            return Handed(wrong=placed(errors, form))
        if refused.status in (401, 403, 404):
            raise refused
        return Handed(says="refusal", refusal=str(refused.problem.get("detail") or ""))


def owner_of(caller: Caller) -> Owner:
    return Owner(caller.account_id, caller.contact_id)
