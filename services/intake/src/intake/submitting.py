"""A submission becomes a case, exactly once, and never without its event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from caseway_kit.faults import fault_point
from intake.cases import Case, Request
from intake.checks import Checks
from intake.drafts import Draft
from intake.fingerprints import fingerprint, upload_ids
from intake.keys import Keys
from intake.ports import CaseRepository, KeyTaken, NumberTaken, Person, UploadClaimed
from intake.profiles_cache import ProfilesCache
from intake.refusals import Fault, Refused
from intake.sr_blocks import SrNumbers
from intake.upload import Upload
from intake.uploads import UploadRepository

NUMBERS_TRIED = 20

log = structlog.get_logger()


@dataclass(frozen=True)
class Submitted:
    case: Case
    replayed: bool


class Submitting:
    def __init__(
        self,
        region: str,
        *,
        cases: CaseRepository,
        numbers: SrNumbers,
        checks: Checks,
        profiles: ProfilesCache,
        uploads: UploadRepository,
        clock: Clock,
    ) -> None:
        self._region = region
        self._cases = cases
        self._keys = Keys(cases)
        self._numbers = numbers
        self._checks = checks
        self._profiles = profiles
        self._uploads = uploads
        self._clock = clock

    async def submit(self, person: Person, body: Mapping[str, Any], key: str | None = None) -> Submitted:
        """Make a case of ``body``. Raises Refused with every fault, or WrongState for a form of before."""
        uploads = await self.uploads_of(person, body)
        mark = fingerprint("submit", body, uploads)
        if (known := await self._keys.known(person, key, mark)) is not None:
            return Submitted(known[0], replayed=True)
        return await self.create(person, body, uploads, key=key, mark=mark)

    async def check(self, person: Person, body: Mapping[str, Any]) -> Sequence[Fault]:
        """What would be refused if this were submitted; nothing is kept. Raises WrongState for a form of before."""
        try:
            await self._draft(person, body, await self.uploads_of(person, body), ())
        except Refused as refused:
            return refused.faults
        return await self._keys.claimed_faults(body)

    async def uploads_of(self, person: Person, body: Mapping[str, Any]) -> dict[str, Upload]:
        ids = upload_ids(body)
        return await self._uploads.find(person.account_id, ids) if ids else {}

    async def create(
        self,
        person: Person,
        body: Mapping[str, Any],
        uploads: Mapping[str, Upload],
        *,
        key: str | None,
        mark: str,
        promoted_from: Sequence[str] = (),
    ) -> Submitted:
        draft = await self._draft(person, body, uploads, promoted_from)
        request = None if key is None else Request(key=key, fingerprint=mark, revision=1)
        for _ in range(NUMBERS_TRIED):
            number = await self._numbers.take()
            case, event = draft.case(number, request)
            fault_point("K2")
            try:
                await self._cases.add(case, event)
            except NumberTaken:
                log.error("an SR number was given out twice; the next block is taken", case=number)
                self._numbers.drop_block()
            except (KeyTaken, UploadClaimed):
                winner, _ = await self._keys.winner(person, key, mark, body)
                return Submitted(winner, replayed=True)
            else:
                fault_point("K3")
                return Submitted(case, replayed=False)
        raise OutageError("MongoDB", "no SR number is free")

    async def _draft(
        self, person: Person, body: Mapping[str, Any], uploads: Mapping[str, Upload], promoted_from: Sequence[str]
    ) -> Draft:
        profile = await self._profile(person, body)
        now = self._clock.now()
        try:
            attached = await self._checks.submission(body, profile, uploads, now)
        except Refused as refused:
            raise Refused(*refused.faults, *await self._keys.claimed_faults(body)) from None
        assert profile is not None, "without a profile it would have been refused"
        version = self._checks.catalog.version
        return Draft.of(self._region, person, body, profile, version, attached, now, promoted_from)

    async def _profile(self, person: Person, body: Mapping[str, Any]) -> dict[str, Any] | None:
        profile_id, revision = body.get("profile_id"), body.get("profile_revision")
        if not isinstance(profile_id, str) or not 0 < len(profile_id) <= 64:
            return None
        at_least = revision if isinstance(revision, int) and not isinstance(revision, bool) else 0
        return await self._profiles.profile(person.account_id, person.token, profile_id, at_least)
