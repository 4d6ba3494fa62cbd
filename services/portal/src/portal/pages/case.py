"""The page of a case, and what its customer can do there."""

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Annotated, Any, Protocol
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.problems import FieldError, Problem
from portal.cases import Cases
from portal.pages.base import page_router, render, see_other, site_of
from portal.pages.forms import Form, Posted, errors_in
from portal.pages.live import REGIONS, render_region
from portal.pages.streamed import Streamed, StreamedForm, Uploaded, uploaded
from portal.pages.visitors import CUSTOMERS, Anybody, Customer, Visitor
from portal.phrases import Phrases
from portal.story import Story, story_of

# As many as a case takes; intake counts those that it has.
FILES_AN_UPDATE = 20
AWAY_SECONDS = 5
# Comments of several forms stand on one page: each has a name of its own there.
COMMENTS = {"close": "/closing", "reopen": "/reopening", "escalate": "/reason"}
FIELDS = {
    "updates": ("/comment", "/attachments", "/password", "/urls"),
    "recipients": ("/add_cc",),
    "urgency": ("/severity", "/business_impact"),
    "close": ("/closing",),
    "reopen": ("/reopening",),
    "escalate": ("/type", "/reason"),
}
ANCHORS = {"updates": "conversation", "escalate": "escalations"}
WithFiles = Annotated[Visitor, Depends(StreamedForm(CUSTOMERS, most=FILES_AN_UPDATE))]


class CaseDesk(Protocol):
    """What intake does to a case. Raises ServiceAway, and Refused with intake's own words."""

    async def act(self, token: str, sr: str, verb: str, body: dict[str, Any], *, key: str) -> dict[str, Any]: ...


def build_router(cases: Cases, desk: CaseDesk) -> APIRouter:
    router = page_router()

    async def show(
        request: Request, visitor: Visitor, sr_number: str, name: str = "", form: Form | None = None, status: int = 200
    ) -> Response:
        story = await read_story(cases, visitor, sr_number)
        site = site_of(request)
        parts = {name: render_region(site, name, story, visitor) for name in REGIONS}
        forms = {one: Form() for one in FIELDS} | ({name: form} if form else {})
        if not forms["urgency"].values:
            urgency = {"severity": story.view.severity, "business_impact": story.view.business_impact or ""}
            forms["urgency"] = Form(urgency)
        return render(
            request,
            "cases/case.html",
            status=status,
            story=story,
            case=story.view,
            parts=parts,
            forms=forms,
            wrong=name if status != 200 else "",
            fields=FIELDS,
            can_act=visitor.caller.role in ("customer", "account_admin") and not story.erased,
        )

    @router.get("/requests/{sr_number}")
    async def read(request: Request, visitor: Anybody, sr_number: str) -> Response:
        return await show(request, visitor, sr_number)

    async def act(
        request: Request, visitor: Visitor, sr_number: str, name: str, form: Form, body: Mapping[str, Any], verb: str
    ) -> Response:
        given = {field: value for field, value in body.items() if value not in (None, "", [])}
        try:
            if name == "updates":
                given |= _attached(request, form)
            if name in ("updates", "recipients") and not given:
                raise Refused(422, {"errors": [_nothing(request, name)]})
            await desk.act(visitor.token, sr_number, verb, given, key=form.key)
        except Refused as refused:
            if refused.status not in (409, 413, 422):
                raise
            errors = [_at_home(name, _naming(form, error)) for error in errors_in(refused.problem)]
            return await show(request, visitor, sr_number, name, form.with_errors(errors), status=422)
        except ServiceAway:
            errors = [FieldError(FIELDS[name][0], "away", site_of(request).say("cases.act.away"))]
            answer = await show(request, visitor, sr_number, name, form.with_errors(errors), status=503)
            answer.headers["Retry-After"] = str(AWAY_SECONDS)
            return answer
        anchor = ANCHORS.get(name, "main")
        return see_other(request, f"/requests/{quote(sr_number, safe='')}#{anchor}", notice=f"case-{name}")

    @router.post("/requests/{sr_number}/updates")
    async def update(request: Request, visitor: WithFiles, sr_number: str, form: Streamed) -> Response:
        urls = [{"url": line} for line in form.lines("/urls")]
        body = {"comment": form.one("/comment"), "urls": urls}
        return await act(request, visitor, sr_number, "updates", form, body, "updates")

    @router.post("/requests/{sr_number}/recipients")
    async def add_recipients(request: Request, visitor: Customer, sr_number: str, form: Posted) -> Response:
        body = {"add_cc": form.lines("/add_cc")}
        return await act(request, visitor, sr_number, "recipients", form, body, "updates")

    @router.post("/requests/{sr_number}/urgency")
    async def change_urgency(request: Request, visitor: Customer, sr_number: str, form: Posted) -> Response:
        body = {"severity": form.one("/severity"), "business_impact": form.one("/business_impact")}
        return await act(request, visitor, sr_number, "urgency", form, body, "updates")

    @router.post("/requests/{sr_number}/close")
    async def close(request: Request, visitor: Customer, sr_number: str, form: Posted) -> Response:
        return await act(request, visitor, sr_number, "close", form, {"comment": form.one("/closing")}, "close")

    @router.post("/requests/{sr_number}/reopen")
    async def reopen(request: Request, visitor: Customer, sr_number: str, form: Posted) -> Response:
        comment = form.one("/reopening")
        if not comment.strip():
            return await _needs_comment(request, visitor, sr_number, "reopen", form)
        return await act(request, visitor, sr_number, "reopen", form, {"comment": comment}, "reopen")

    @router.post("/requests/{sr_number}/escalate")
    async def escalate(request: Request, visitor: Customer, sr_number: str, form: Posted) -> Response:
        comment = form.one("/reason")
        if not comment.strip():
            return await _needs_comment(request, visitor, sr_number, "escalate", form)
        body = {"type": form.one("/type"), "comment": comment}
        return await act(request, visitor, sr_number, "escalate", form, body, "escalate")

    async def _needs_comment(request: Request, visitor: Visitor, sr_number: str, name: str, form: Form) -> Response:
        error = FieldError(COMMENTS[name], "required", site_of(request).say("cases.act.needs_comment"))
        return await show(request, visitor, sr_number, name, form.with_errors([error]), status=422)

    return router


async def read_story(cases: Cases, visitor: Visitor, sr_number: str) -> Story:
    found = await cases.look(visitor.caller, sr_number)
    if found is None:
        raise Problem.not_found()
    return story_of(*found)


def _attached(request: Request, form: Form) -> dict[str, Any]:
    """What scripts have uploaded, and the files that came with the form; Refused when one of them was not taken."""
    files, say = uploaded(request), site_of(request).say
    errors = [{"field": "/attachments", "code": one.says, "message": _not_taken(one, say)} for one in files if one.says]
    if errors:
        raise Refused(422, {"errors": errors[-1:] if files[-1].says == "too_many" else errors})
    password = form.one("/password")
    more = {"password": password} if password else {}
    sent = zip_longest(form.many("/upload_id"), form.many("/upload_name")[: len(form.many("/upload_id"))], fillvalue="")
    kept = [*(one for one in sent if one[0] not in form.many("/drop")), *((one.upload_id, one.name) for one in files)]
    # They are there: whatever is refused, nobody has to send them again.
    form.values |= {"upload_id": tuple(one for one, _ in kept), "upload_name": tuple(name for _, name in kept)}
    return {"attachments": [{"upload_id": one, **more} for one, _ in kept]} if kept else {}


def _not_taken(file: Uploaded, say: Phrases) -> str:
    if file.says == "too_many":
        return say("cases.act.too_many_files", most=FILES_AN_UPDATE)
    return f"{file.name}: {say(f'request.file_{file.says}')}"


def _nothing(request: Request, name: str) -> dict[str, str]:
    field, key = ("/add_cc", "no_recipient") if name == "recipients" else ("/comment", "nothing")
    return {"field": field, "code": "required", "message": site_of(request).say(f"cases.act.{key}")}


def _naming(form: Form, error: FieldError) -> FieldError:
    """Which of the files is meant: they stand in one field."""
    names = form.many("/upload_name")
    found = re.match(r"/attachments/(\d{1,3})(?:/|$)", error.field)
    if found is None or int(found[1]) >= len(names):
        return error
    return FieldError(error.field, error.code, f"{names[int(found[1])]}: {error.message}", error.help)


def _at_home(name: str, error: FieldError) -> FieldError:
    """Where the form has the field that intake means."""
    field = error.field
    if field == "/comment" and name in COMMENTS:
        field = COMMENTS[name]
    elif field.endswith("/password"):
        field = "/password"
    return FieldError(field, error.code, error.message, error.help)
