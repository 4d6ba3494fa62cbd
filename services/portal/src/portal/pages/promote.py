"""Verify, then choose: ticked files of a result become a case of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_catalog import Catalog, Category
from caseway_contracts.clients import Refused, ServiceAway
from caseway_contracts.sheets import CaseSheet
from caseway_kit.problems import FieldError, Problem
from portal.cases import Cases
from portal.pages.base import page_router, render, see_other, site_of
from portal.pages.case import AWAY_SECONDS, CaseDesk
from portal.pages.forms import Form, Posted, errors_in
from portal.pages.visitors import Customer, Visitor
from portal.story import Story, story_of

MOST_CHOSEN = 20
PATTERN = "virus_pattern_type"
FIELDS = (
    *("/evidence", "/profile_id", "/category", "/virus_pattern_type", "/subject", "/description"),
    *("/severity", "/business_impact", "/cc"),
)


class ProfileList(Protocol):
    async def profiles(self, token: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Source:
    """The case that the files are chosen from."""

    story: Story
    sheet: CaseSheet | None


def build_router(cases: Cases, desk: CaseDesk, profiles: ProfileList, catalog: Catalog) -> APIRouter:
    router = page_router()
    categories = [one for one in catalog.categories if one.issue_type == "threat" and one.evidence.attachments]

    async def show(
        request: Request, source: Source, form: Form, known: Sequence[Mapping[str, Any]], status: int
    ) -> Response:
        names = source.story.names
        chosen = [(one, names[one]) for one in form.many("/evidence") if one in names]
        return render(
            request,
            "cases/promote.html",
            status=status,
            case=source.story.view,
            form=form,
            fields=FIELDS,
            chosen=chosen,
            profiles=[(one["id"], one["name"]) for one in known],
            categories=[(one.slug, one.label) for one in categories],
            patterns=_patterns(categories),
        )

    @router.get("/requests/{sr_number}/promote")
    async def ask(request: Request, visitor: Customer, sr_number: str) -> Response:
        source = await _source(cases, visitor, sr_number)
        known = await profiles.profiles(visitor.token)
        chosen = list(dict.fromkeys(request.query_params.getlist("evidence")))[:MOST_CHOSEN]
        form = _begun(source, chosen, site_of(request).say)
        return await show(request, source, form, known, 200)

    @router.post("/requests/{sr_number}/promote")
    async def promote(request: Request, visitor: Customer, sr_number: str, form: Posted) -> Response:
        source = await _source(cases, visitor, sr_number)
        say = site_of(request).say

        async def away(known: Sequence[Mapping[str, Any]]) -> Response:
            error = FieldError("/evidence", "away", say("cases.act.away"))
            answer = await show(request, source, form.with_errors([error]), known, 503)
            answer.headers["Retry-After"] = str(AWAY_SECONDS)
            return answer

        try:
            known = await profiles.profiles(visitor.token)
        except ServiceAway:
            # What was chosen stays chosen.
            return await away([{"id": one, "name": one} for one in form.many("/profile_id") if one])
        if len(form.many("/evidence")) > MOST_CHOSEN:
            error = FieldError("/evidence", "too_many", say("cases.promote.too_many", most=MOST_CHOSEN))
            return await show(request, source, form.with_errors([error]), known, 422)
        category = next((one for one in categories if one.slug == form.one("/category")), None)
        profile = next((one for one in known if one["id"] == form.one("/profile_id")), None)
        body = {
            "evidence_ids": list(form.many("/evidence")),
            "submission": _submission(form, source, category, profile, catalog.version),
        }
        try:
            made = await desk.act(visitor.token, sr_number, "promote", body, key=form.key)
        except Refused as refused:
            if refused.status not in (409, 413, 422, 429):
                raise
            wrong = form.with_errors(_at_home(error) for error in errors_in(refused.problem))
            answer = await show(request, source, wrong, known, 429 if refused.status == 429 else 422)
            if refused.retry_after:
                answer.headers["Retry-After"] = refused.retry_after
            return answer
        except ServiceAway:
            return await away(known)
        return see_other(request, f"/requests/{quote(made['sr_number'], safe='')}", notice="case-promoted")

    return router


async def _source(cases: Cases, visitor: Visitor, sr_number: str) -> Source:
    found = await cases.look(visitor.caller, sr_number)
    if found is None:
        raise Problem.not_found()
    sheet = found[1].sheets.get(1) if found[1] else None
    return Source(story_of(*found), sheet if isinstance(sheet, CaseSheet) else None)


def _begun(source: Source, chosen: Sequence[str], say: Any) -> Form:
    """What the form begins with: as the case that the files come from."""
    case, sheet = source.story.view, source.sheet
    subject = say("cases.promote.subject_of", sr=case.sr_number, subject=case.subject)
    return Form(
        {
            "evidence": chosen,
            "profile_id": str(sheet.profile.get("id", "")) if sheet else "",
            "category": case.category or "",
            PATTERN: str(case.fields.get(PATTERN, "")),
            "subject": subject[:255],
            "description": say("cases.promote.description_of", sr=case.sr_number),
            "severity": case.severity,
            "business_impact": case.business_impact or "",
            "cc": "\n".join(case.cc),
        }
    )


def _submission(
    form: Form, source: Source, category: Category | None, profile: Mapping[str, Any] | None, version: str
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "profile_id": form.one("/profile_id"),
        "affected_operating_systems": _systems(source.sheet, profile),
        "issue_type": "threat",
        "category": form.one("/category") or None,
        "subject": form.one("/subject"),
        "description": form.one("/description"),
        "severity": form.one("/severity"),
        "cc": form.lines("/cc"),
        "contact": {"method": "email"},
        "catalog_version": version,
        "fields": {},
    }
    if form.one("/business_impact").strip():
        body["business_impact"] = form.one("/business_impact")
    if profile is not None:
        body["profile_revision"] = profile["revision"]
    if category is not None and PATTERN in category.form.fields and form.one(f"/{PATTERN}"):
        body["fields"] = {PATTERN: form.one(f"/{PATTERN}")}
    return body


def _systems(sheet: CaseSheet | None, profile: Mapping[str, Any] | None) -> list[str]:
    """Those of the first case that the profile has; else all of the profile's."""
    known = list(profile["operating_systems"]) if profile else []
    same = [one for one in (sheet.affected_operating_systems if sheet else ()) if one in known]
    return same or known


def _patterns(categories: Sequence[Category]) -> list[tuple[str, str]]:
    fields = [one.form.fields[PATTERN] for one in categories if PATTERN in one.form.fields]
    hints = fields[0].ui if fields else None
    return list((hints.labels or {}).items()) if hints else []


def _at_home(error: FieldError) -> FieldError:
    field = error.field.removeprefix("/submission")
    for prefix, home in (("/evidence_ids", "/evidence"), ("/attachments", "/evidence"), ("/fields/", "/")):
        if field.startswith(prefix):
            field = home + field.removeprefix(prefix)
    return FieldError(field, error.code, error.message, error.help)
