"""Update or Add a Product Profile without leaving the request: a window, or a page of its own without scripts."""

import json
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_catalog import Catalog
from caseway_contracts.clients import Refused
from caseway_kit.problems import Problem
from portal.pages.backends import Profiles
from portal.pages.base import page_router, render, see_other
from portal.pages.forms import Form, Posted, errors_in
from portal.pages.product_form import ProductForm
from portal.pages.visitors import Customer, Visitor
from portal.requests.desk import owner_of
from portal.requests.drafts import DraftIsOver, Drafts, is_draft_id

PREFIX = "/quick"
SAVED = "profile-saved"


def build_router(profiles: Profiles, catalog: Catalog, drafts: Drafts, path: str) -> APIRouter:
    router = page_router()
    fields = ProductForm(catalog, profiles, PREFIX)
    here = f"{path}/profile"

    async def page(
        request: Request, visitor: Visitor, form: Form, profile_id: str, draft: str, status: int = 200
    ) -> Response:
        return render(
            request,
            "requests/profile.html",
            status=status,
            form=form,
            fields=fields.fields,
            choices=await fields.choices(visitor.token, form),
            profiles=await profiles.profiles(visitor.token),
            profile_id=profile_id,
            draft_id=draft,
            here=here,
            back=f"{path}?draft={draft}" if draft else path,
        )

    async def known(visitor: Visitor, profile_id: str) -> dict[str, Any]:
        profile = await profiles.profile(visitor.token, profile_id)
        if profile is None:
            raise Problem.not_found()
        return profile

    @router.get(here)
    async def show(request: Request, visitor: Customer, profile_id: str = "", draft: str = "") -> Response:
        form = fields.filled(await known(visitor, profile_id)) if profile_id else Form()
        return await page(request, visitor, form, profile_id, draft if is_draft_id(draft) else "")

    @router.post(here)
    async def save(request: Request, visitor: Customer, form: Posted) -> Response:
        profile_id, draft = form.one("profile_id"), form.one("draft") if is_draft_id(form.one("draft")) else ""
        if profile_id:
            await known(visitor, profile_id)
        if form.one("action") == "refresh":
            return await page(request, visitor, form, profile_id, draft)
        try:
            saved = await _saved(visitor, form, profile_id)
        except Refused as refused:
            if refused.status not in (409, 422):
                raise
            wrong = form.with_errors(fields.placed(errors_in(refused.problem)))
            return await page(request, visitor, wrong, profile_id, draft, 422)
        await _choose(visitor, draft, str(saved["id"]))
        if "hx-request" in request.headers:
            return Response(status_code=204, headers={"HX-Trigger": json.dumps({SAVED: {"id": saved["id"]}})})
        return see_other(request, f"{path}?draft={draft}" if draft else f"{path}?profile_id={saved['id']}")

    async def _saved(visitor: Visitor, form: Form, profile_id: str) -> dict[str, Any]:
        if profile_id:
            return await profiles.change_profile(visitor.token, profile_id, fields.body(form))
        return await profiles.add_profile(visitor.token, fields.body(form), key=form.key)

    async def _choose(visitor: Visitor, draft: str, profile_id: str) -> None:
        owner = owner_of(visitor.caller)
        if draft and (kept := await drafts.find(owner, draft)) is not None:
            with suppress(DraftIsOver):
                await drafts.save(owner, draft, kept.typed.replaced({"profile_id": profile_id}))

    return router
