"""New Request, and URL Reclassification, which is the same form with its kind chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_catalog import Catalog
from caseway_contracts.clients import ServiceAway
from caseway_kit.problems import Problem
from portal.pages import quick_profile
from portal.pages.backends import Profiles
from portal.pages.base import page_router, render, see_other, site_of
from portal.pages.forms import Form as PageForm
from portal.pages.forms import Posted
from portal.pages.request_shown import shown
from portal.pages.streamed import Streamed, StreamedCustomer, Uploaded, uploaded
from portal.pages.visitors import Customer, Visitor
from portal.phrases import Phrases
from portal.requests.desk import Around, Desk, owner_of
from portal.requests.drafts import DraftIsOver, Drafts, DraftTooLarge, Turn, is_draft_id
from portal.requests.form import Form
from portal.requests.submission import Placed, Said
from portal.requests.typed import Typed

MOST_ATTACHED = 100
AWAY_SECONDS = "5"


@dataclass(frozen=True)
class Kind:
    """One of the two pages."""

    path: str
    texts: str
    fixed: tuple[tuple[str, str], ...] = ()


NEW_REQUEST = Kind("/requests/new", "request")
RECLASSIFY = Kind("/reclassify", "reclassify", (("issue_type", "threat"), ("category", "url-reclassification")))


def build_routers(desk: Desk, drafts: Drafts, profiles: Profiles, catalog: Catalog) -> list[APIRouter]:
    """Before the pages of cases: /requests/new is no case's address."""
    quick = [quick_profile.build_router(profiles, catalog, drafts, kind.path) for kind in (NEW_REQUEST, RECLASSIFY)]
    return [build_router(desk, drafts), *quick]


def build_router(desk: Desk, drafts: Drafts) -> APIRouter:
    router = page_router()
    for kind in (NEW_REQUEST, RECLASSIFY):
        _add_pages(router, kind, desk, drafts)

    @router.post("/requests/new/draft", status_code=204)
    async def keep(visitor: Customer, form: Posted) -> Response:
        kept = await _keep(desk, visitor, form, Typed(_pairs(form)))
        return Response(status_code=204 if kept else 409)

    return router


def _add_pages(router: APIRouter, kind: Kind, desk: Desk, drafts: Drafts) -> None:
    @router.get(kind.path)
    async def show(request: Request, visitor: Customer, draft: str | None = None) -> Response:
        typed, draft_id = _preset(request), token_urlsafe(16)
        if draft is not None:
            found = await drafts.find(owner_of(visitor.caller), draft)
            if found is None:
                raise Problem.not_found()
            typed, draft_id = found.typed, draft
        page = await _Page.of(request, visitor, desk, kind, draft_id, typed)
        if page is None:
            return _without_profiles(request, kind, draft or "")
        others = [] if draft is not None else await drafts.list(owner_of(visitor.caller))
        return await page.rendered(unfinished=others)

    @router.post(kind.path)
    async def act(request: Request, visitor: StreamedCustomer, form: Streamed) -> Response:
        action, _, which = form.one("action").partition(":")
        draft_id = _draft_id(form)
        if action == "discard":
            await drafts.end(owner_of(visitor.caller), draft_id)
            return see_other(request, kind.path, notice="draft-discarded")
        typed, refused = _with_files(Typed(_pairs(form)), uploaded(request), form.one("new_password"))
        if action == "profile":
            await _keep(desk, visitor, form, typed)
            chosen = quote(typed.one("profile_id"), safe="")
            return see_other(request, f"{kind.path}/profile?draft={draft_id}&profile_id={chosen}")
        if action == "remove" and which.isdecimal():
            typed = await desk.take_out(visitor.caller, typed, int(which[:6]))
        if action == "show-ratings":
            typed = typed.replaced({"rated": "1"})
        # Before others are asked: whoever of them is away, what was typed and sent is here.
        kept = await _keep(desk, visitor, form, typed)
        page = await _Page.of(request, visitor, desk, kind, draft_id, typed)
        if page is None:
            return _without_profiles(request, kind, draft_id if kept else "")
        # A file that did not arrive is no file of the case: that is said before anything is handed in.
        if action in ("", "submit") and not refused:
            return await page.submitted()
        tried = form.one("tried") == "1"
        wrong = await desk.faults(visitor.caller, page.form, page.around.catalog, all_of_them=tried)
        return await page.rendered(wrong=_and(wrong, refused, site_of(request).say), tried=tried)

    @router.post(f"{kind.path}/parts")
    async def parts(request: Request, visitor: Customer, form: Posted) -> Response:
        """What scripts put in the place of what other choices have changed."""
        draft_id, typed = _draft_id(form), Typed(_pairs(form))
        kept = await _keep(desk, visitor, form, typed)
        page = await _Page.of(request, visitor, desk, kind, draft_id, typed)
        if page is None:
            return _without_profiles(request, kind, draft_id)
        tried = form.one("tried") == "1"
        wrong = await desk.faults(visitor.caller, page.form, page.around.catalog, all_of_them=tried)
        answer = await page.rendered(wrong=wrong, tried=tried, template="requests/form.html")
        answer.headers["Draft-Kept"] = "yes" if kept else "no"
        return answer


@dataclass(frozen=True)
class _Page:
    request: Request
    visitor: Visitor
    desk: Desk
    kind: Kind
    draft_id: str
    around: Around
    form: Form

    @classmethod
    async def of(
        cls, request: Request, visitor: Visitor, desk: Desk, kind: Kind, draft_id: str, typed: Typed
    ) -> "_Page | None":
        """None while profiles does not answer."""
        try:
            around = await desk.around(visitor.caller)
        except ServiceAway:
            return None
        fixed = {name: value for name, value in kind.fixed if value}
        return cls(request, visitor, desk, kind, draft_id, around, around.form(typed.replaced(fixed)))

    async def submitted(self) -> Response:
        handed = await self.desk.submit(self.visitor.caller, self.draft_id, self.form, self.around.catalog)
        if handed.sr_number:
            return see_other(self.request, f"/requests/{handed.sr_number}", notice="request-submitted")
        says = handed.refusal or (site_of(self.request).say(f"request.{handed.says}") if handed.says else "")
        page = self
        if handed.says == "submitted_before":
            page = _Page(**{**self.__dict__, "draft_id": token_urlsafe(16)})
        status = 503 if handed.says == "away" else 422
        answer = await page.rendered(wrong=handed.wrong or {}, tops=[says] if says else (), tried=True, status=status)
        if status == 503:
            answer.headers["Retry-After"] = AWAY_SECONDS
        return answer

    async def rendered(
        self,
        *,
        wrong: Placed | None = None,
        tops: Sequence[str] = (),
        tried: bool = False,
        status: int = 200,
        template: str = "requests/new.html",
        unfinished: Sequence[object] = (),
    ) -> Response:
        form, wrong = self.form, wrong or {}
        rated = form.reclassifies and form.typed.one("rated") == "1"
        return render(
            self.request,
            template,
            status=status,
            kind=self.kind,
            draft_id=self.draft_id,
            request_form=form,
            form=shown(form, wrong, tops),
            places=[f"/{name}" for name in sorted(wrong) if name],
            around=self.around,
            url_rows=await self.desk.rated(self.visitor.caller, form) if rated else [],
            rated=rated,
            tried=tried,
            unfinished=unfinished,
        )


def _without_profiles(request: Request, kind: Kind, draft_id: str) -> Response:
    answer = render(request, "requests/away.html", status=503, kind=kind, draft_id=draft_id)
    answer.headers["Retry-After"] = AWAY_SECONDS
    return answer


def _preset(request: Request) -> Typed:
    """A link may choose what the form begins with."""
    names = ("profile_id", "issue_type", "category")
    return Typed([(name, value) for name in names if (value := request.query_params.get(name))])


def _draft_id(form: PageForm) -> str:
    draft_id = form.one("draft")
    if not is_draft_id(draft_id):
        raise Problem.bad_request("The form does not say which request it is.")
    return draft_id


def _pairs(form: PageForm) -> list[tuple[str, str]]:
    return [(name, value) for name, values in form.values.items() for value in values]


def _with_files(typed: Typed, files: Sequence[Uploaded], password: str) -> tuple[Typed, list[Uploaded]]:
    rows = typed.rows("attachments")[:MOST_ATTACHED]
    for file in files:
        if file.upload_id:
            row = {"upload_id": (file.upload_id,), "name": (file.name,), "size": (str(file.size),)}
            rows.append({**row, "password": (password,)} if password else row)
    return typed.with_rows("attachments", rows), [file for file in files if not file.upload_id]


def _and(wrong: Placed, refused: Sequence[Uploaded], say: Phrases) -> Placed:
    if not refused:
        return wrong
    said = [Said(say(f"request.file_{file.says}"), about=file.name) for file in refused]
    return {**wrong, "attachments": [*said, *wrong.get("attachments", [])]}


def _turn(form: PageForm) -> Turn | None:
    """As scripts say it; forms that travel with the whole page come one after another."""
    number = form.one("turn")
    usable = number.isascii() and number.isdecimal() and len(number) < 10
    return Turn(form.one("page")[:64], int(number)) if usable else None


async def _keep(desk: Desk, visitor: Visitor, form: PageForm, typed: Typed) -> bool:
    """False: the request was handed in or discarded meanwhile."""
    try:
        await desk.keep(visitor.caller, _draft_id(form), typed, _turn(form))
    except DraftIsOver:
        return False
    except DraftTooLarge:
        raise Problem.too_large("This is more than a request takes.") from None
    return True
