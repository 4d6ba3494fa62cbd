import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog

from caseway_catalog import Catalog, check_profile
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.messaging import Encoded
from caseway_kit.problems import FieldError, Problem
from profiles import facts
from profiles.records import ProductProfile, Taken, name_key

SWEEP_SECONDS = 30.0

log = structlog.get_logger()


class ProfileRepository(Protocol):
    """Profiles of one account at a time; a profile and the events about it are one write. Names are unique in their
    account (Taken); ``replace`` gives False when the revision before is not there any more."""

    async def find(self, account_id: str, profile_id: str) -> ProductProfile | None:
        """None for a deleted one too."""

    async def add(self, profile: ProductProfile, *stated: Encoded) -> None: ...

    async def replace(self, profile: ProductProfile, *stated: Encoded) -> bool: ...

    async def page(self, account_id: str, after: str | None, limit: int) -> Sequence[ProductProfile]:
        """By name, from the one after the name key ``after``."""

    async def sweep(self) -> int:
        """Remove the tombstones whose events are out."""


class RegisteredCodes(Protocol):
    async def find(self, account_id: str, product: str, code: str) -> object | None: ...

    async def any_for(self, account_id: str, product: str) -> bool: ...


class ProductProfiles:
    def __init__(self, profiles: ProfileRepository, *, codes: RegisteredCodes, catalog: Catalog, clock: Clock) -> None:
        self._profiles = profiles
        self._codes = codes
        self._catalog = catalog
        self._clock = clock

    async def page(self, account_id: str, after: str | None, limit: int) -> Sequence[ProductProfile]:
        return await self._profiles.page(account_id, after, limit)

    async def get(self, account_id: str, profile_id: str) -> ProductProfile:
        profile = await self._profiles.find(account_id, profile_id)
        if profile is None:
            raise Problem.not_found("There is no such profile in your account.")
        return profile

    async def add(self, profile_id: str, account_id: str, body: Mapping[str, Any]) -> ProductProfile:
        values = await self._checked(account_id, body)
        profile = ProductProfile(id=profile_id, account_id=account_id, **values)
        try:
            await self._profiles.add(profile, facts.profile_saved(profile, self._clock.now()))
        except Taken:
            if known := await self._profiles.find(account_id, profile_id):
                return known
            raise _name_taken() from None
        return profile

    async def change(
        self, account_id: str, profile_id: str, body: Mapping[str, Any], *, expected: int | None
    ) -> ProductProfile:
        """Replace a profile's content; ``expected`` is the revision that the caller has seen (412 if it is old)."""
        values: dict[str, Any] | None = None
        while True:
            profile = await self.get(account_id, profile_id)
            _check_seen(profile, expected, body)
            values = values or await self._checked(account_id, body)
            after: ProductProfile = profile.changed(**values)
            try:
                if await self._profiles.replace(after, facts.profile_saved(after, self._clock.now())):
                    return after
            except Taken:
                raise _name_taken() from None

    async def delete(self, account_id: str, profile_id: str, *, expected: int | None) -> None:
        while True:
            profile = await self.get(account_id, profile_id)
            _check_seen(profile, expected, {})
            after = profile.tombstone()
            if await self._profiles.replace(after, facts.profile_deleted(after, self._clock.now())):
                return

    async def run_sweep(self) -> None:
        """Remove tombstones until cancelled."""
        while True:
            try:
                await self._profiles.sweep()
            except OutageError as outage:
                log.warning("tombstones not swept", part=outage.part)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _checked(self, account_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        code = (body.get("activation_code") or "").strip()
        errors = [
            FieldError(error.field, error.code, error.message, error.help)
            for error in check_profile(self._catalog, body)
        ]
        if not any(error.field in ("/product", "/activation_code") for error in errors):
            errors += await self._errors_of_code(account_id, str(body["product"]), code)
        if errors:
            raise Problem.rule(*errors)
        return {
            "name": body["name"].strip(),
            "name_key": name_key(body["name"]),
            "product": body["product"],
            "version": body["version"],
            "operating_systems": tuple(dict.fromkeys(body["operating_systems"])),
            "language": body["language"],
            "activation_code": code or None,
            "settings": tuple(dict.fromkeys(body.get("settings") or ())),
            "toolbox_guid": body.get("toolbox_guid") or None,
        }

    async def _errors_of_code(self, account_id: str, product: str, code: str) -> list[FieldError]:
        if code:
            if await self._codes.find(account_id, product, code) is None:
                says = "This activation code is not registered for the product."
                return [FieldError("/activation_code", "choice.invalid", says, "Choose one of the registered codes.")]
        elif await self._codes.any_for(account_id, product):
            help_text = "Choose one of the codes that are registered for the product."
            return [FieldError("/activation_code", "required", "The activation code is required.", help_text)]
        return []


def view(profile: ProductProfile) -> dict[str, Any]:
    """A profile as the interface shows it (what its account is stays out)."""
    return profile.model_dump(mode="json", exclude={"account_id", "name_key", "deleted"})


def _check_seen(profile: ProductProfile, expected: int | None, body: Mapping[str, Any]) -> None:
    if expected is not None and expected != profile.revision:
        raise Problem(412, "Somebody has changed the profile since; read it again.")
    if body.get("revision") not in (None, profile.revision):
        raise Problem.conflict("Somebody has changed the profile since; read it again.")
    if body.get("id") not in (None, profile.id):
        raise Problem.rule(FieldError("/id", "choice.invalid", "This is another profile's id.", "Leave it out."))


def _name_taken() -> Problem:
    says = "Your account has a profile of this name already."
    return Problem.rule(FieldError("/name", "value.taken", says, "Choose another name."))
