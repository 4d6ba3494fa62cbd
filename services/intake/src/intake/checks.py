"""Checks what a customer hands in. Every fault is found before any is told."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caseway_catalog import CaseRules, Catalog, check_kinds, check_submission, check_update
from caseway_catalog import FieldError as CatalogError
from intake.cases import Case
from intake.peeking import Glance, Peek, faults_of, kind_of
from intake.refusals import Fault, Refused, WrongState
from intake.typed_urls import check_url
from intake.upload import Upload

MOST_NAMED = 100
_ANOTHER = "Open another case for the rest."
EVIDENCE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Attached:
    """An attachment that has been looked at."""

    upload: Upload
    password: str | None
    opened_with: str | None
    kind: str


class Checks:
    def __init__(self, catalog: Catalog, peek: Peek) -> None:
        self.catalog = catalog
        self._peek = peek

    async def submission(
        self,
        body: Mapping[str, Any],
        profile: Mapping[str, Any] | None,
        uploads: Mapping[str, Upload],
        now: datetime,
    ) -> list[Attached]:
        """The attachments of a submission that can be accepted. Raises Refused, or WrongState for an old form."""
        version = body.get("catalog_version")
        if isinstance(version, str) and version != self.catalog.version:
            raise WrongState("The form has changed since it was opened; load the catalogue again.")
        faults = [_fault(error) for error in check_submission(self.catalog, body, profile, check_url=check_url)]
        if profile is None and isinstance(body.get("profile_id"), str) and body["profile_id"]:
            faults.append(_no_profile())
        rules = self._rules(body)
        attached = await self._attached(body, rules, uploads, now, faults)
        if faults:
            raise Refused(*faults)
        return attached

    async def update(
        self, body: Mapping[str, Any], case: Case, uploads: Mapping[str, Upload], now: datetime
    ) -> list[Attached]:
        rules = self.catalog.rules(case.issue_type, case.category)
        errors = check_update(
            self.catalog, body, rules, business_impact_known=bool(case.business_impact), check_url=check_url
        )
        faults = [_fault(error) for error in errors]
        attached = await self._attached(body, rules, uploads, now, faults, case)
        if faults:
            raise Refused(*faults)
        return attached

    def escalation(self, name: str, evidence_ids: Sequence[str]) -> None:
        faults = []
        known = [entry.slug for entry in self.catalog.escalation_types]
        if name not in known:
            help_text = f"Choose one of: {', '.join(known)}."
            faults.append(Fault("/type", "choice.invalid", "There is no such escalation type.", help_text))
        # They travel in an event, whose size has a bound and which holds no words; what was found inside a piece has
        # ids that are unknown here, so that their shape is all there is to check.
        if len(evidence_ids) > MOST_NAMED or not all(EVIDENCE_ID.fullmatch(one) for one in evidence_ids):
            says = f"At most {MOST_NAMED} pieces can be named, by the ids that the case shows."
            faults.append(Fault("/evidence_ids", "choice.invalid", says, "Name the pieces that matter most."))
        if faults:
            raise Refused(*faults)

    def _rules(self, body: Mapping[str, Any]) -> CaseRules | None:
        """The rules that were meant, where the choice makes sense; what is wrong with it is told elsewhere."""
        issue_type = next((one for one in self.catalog.issue_types if one.slug == body.get("issue_type")), None)
        if issue_type is None or issue_type.rules is not None:
            return None if issue_type is None else issue_type.rules
        return next((one for one in self.catalog.categories if one.slug == body.get("category")), None)

    async def _attached(
        self,
        body: Mapping[str, Any],
        rules: CaseRules | None,
        uploads: Mapping[str, Upload],
        now: datetime,
        faults: list[Fault],
        case: Case | None = None,
    ) -> list[Attached]:
        """The attachments, looked at; what is wrong with them goes to ``faults``."""
        items = body.get("attachments")
        named = _named(items[: self.catalog.limits.files_per_case] if isinstance(items, list) else ())
        usable = list(self._usable(named, uploads, now, faults))
        size = sum(upload.size or 0 for _, upload, _ in usable) + (case.evidence_bytes if case else 0)
        faults += self._too_much(size, len(usable) + (case.attachments() if case else 0))
        if rules is None or not rules.evidence.attachments:
            return []
        glances = await asyncio.gather(*(self._peek.look(upload, password) for _, upload, password in usable))
        attached = []
        for (at, upload, password), glance in zip(usable, glances, strict=True):
            if glance is None:
                faults.append(_unknown(at))
                continue
            faults += faults_of(glance, rules.evidence, at)
            attached.append(_attachment(upload, password, glance, kind_of(glance, rules.evidence)))
        if len(attached) == len(named):  # else the places of the kinds are not those of the attachments
            kinds = check_kinds(rules, [one.kind for one in attached], adding=case is not None)
            told = {(fault.field, fault.code) for fault in faults}
            faults += [_fault(error) for error in kinds if (error.field, error.code) not in told]
        return attached

    def _usable(
        self,
        named: Sequence[tuple[str, str, str | None]],
        uploads: Mapping[str, Upload],
        now: datetime,
        faults: list[Fault],
    ) -> Sequence[tuple[str, Upload, str | None]]:
        usable: list[tuple[str, Upload, str | None]] = []
        seen: set[str] = set()
        for at, upload_id, password in named:
            upload = uploads.get(upload_id)
            if upload_id in seen:
                faults.append(claimed_fault(at))
            elif upload is None or not upload.usable(now):
                faults.append(_unknown(at))
            else:
                usable.append((at, upload, password))
            seen.add(upload_id)
        return usable

    def grown_too_much(self, before: Case, after: Case) -> list[Fault]:
        """What an update makes more of than a case takes, counted with all that others added meanwhile."""
        limits = self.catalog.limits
        faults: list[Fault] = []
        if after.attachments() > before.attachments():
            faults += self._too_much(after.evidence_bytes, after.attachments())
        if after.urls() > max(limits.urls_per_case, before.urls()):
            says = f"A case takes at most {limits.urls_per_case} URLs, its updates included."
            faults.append(Fault("/urls", "urls.too_many", says, _ANOTHER))
        if len(after.recipients) - 1 > max(limits.cc, len(before.recipients) - 1):  # the submitter is no CC
            says = f"A case takes at most {limits.cc} recipients, its updates included."
            faults.append(Fault("/add_cc", "address.invalid", says, "Use a distribution list."))
        return faults

    def _too_much(self, size: int, count: int) -> Sequence[Fault]:
        limits = self.catalog.limits
        faults = []
        if size > limits.case_bytes:
            says = f"A case takes at most {limits.case_bytes // 2**20} MiB of attachments."
            faults.append(Fault("/attachments", "evidence.not_accepted", says, _ANOTHER))
        if count > limits.files_per_case:
            says = f"A case takes at most {limits.files_per_case} attachments, its updates included."
            faults.append(Fault("/attachments", "evidence.not_accepted", says, _ANOTHER))
        return faults


def _named(items: Sequence[object]) -> list[tuple[str, str, str | None]]:
    """Pointer, upload id and password of each attachment that has the shape of one."""
    named = []
    for index, item in enumerate(items):
        upload_id = item.get("upload_id") if isinstance(item, Mapping) else None
        if isinstance(item, Mapping) and isinstance(upload_id, str) and upload_id:
            password = item.get("password")
            named.append((f"/attachments/{index}", upload_id, password if isinstance(password, str) else None))
    return named


def _attachment(upload: Upload, password: str | None, glance: Glance, kind: str) -> Attached:
    opened_with = None if glance.facts is None else glance.facts["opened_with"]
    return Attached(upload, password, opened_with, kind)


def claimed_fault(at: str) -> Fault:
    says = "This upload is part of a case already."
    return Fault(f"{at}/upload_id", "upload.claimed", says, "Upload the file again to hand it in once more.")


def _unknown(at: str) -> Fault:
    says = "There is no such upload, or it is not complete, or it is older than a day."
    return Fault(f"{at}/upload_id", "upload.unknown", says, "Upload the file again.")


def _no_profile() -> Fault:
    says = "There is no such product profile."
    return Fault("/profile_id", "profile.unknown", says, "Choose one of your account's product profiles.")


def _fault(error: CatalogError) -> Fault:
    return Fault(error.field, error.code, error.message, error.help)
