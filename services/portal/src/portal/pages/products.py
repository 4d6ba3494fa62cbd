"""My Products and Services: the product profiles of an account."""

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

REFRESH = "refresh"


def build_router(profiles: Profiles, catalog: Catalog) -> APIRouter:
    router = page_router()
    fields = ProductForm(catalog, profiles)

    async def shown(
        request: Request, visitor: Visitor, form: Form, profile_id: str | None = None, status: int = 200
    ) -> Response:
        choices = await fields.choices(visitor.token, form)
        stale = any(error.code == "stale" for error in form.errors)
        return render(
            request,
            "products/edit.html",
            status=status,
            form=form,
            choices=choices,
            fields=fields.fields,
            profile_id=profile_id,
            stale=stale,
        )

    async def refused(
        request: Request, visitor: Visitor, form: Form, refusal: Refused, profile_id: str | None = None
    ) -> Response:
        if refusal.status not in (409, 422):
            raise refusal
        errors = fields.placed(errors_in(refusal.problem))
        if refusal.status == 409:
            errors = [type(one)("", "stale", one.message, one.help) for one in errors]
        return await shown(request, visitor, form.with_errors(errors), profile_id, 422)

    async def found(visitor: Visitor, profile_id: str) -> dict[str, Any]:
        profile = await profiles.profile(visitor.token, profile_id)
        if profile is None:
            raise Problem.not_found()
        return profile

    @router.get("/products")
    async def table(request: Request, visitor: Customer) -> Response:
        return render(request, "products/list.html", profiles=await profiles.profiles(visitor.token))

    @router.get("/products/new")
    async def show_new(request: Request, visitor: Customer) -> Response:
        return await shown(request, visitor, Form())

    @router.post("/products/new")
    async def add(request: Request, visitor: Customer, form: Posted) -> Response:
        if form.one("action") == REFRESH:
            return await shown(request, visitor, form)
        try:
            await profiles.add_profile(visitor.token, fields.body(form), key=form.key)
        except Refused as refusal:
            return await refused(request, visitor, form, refusal)
        return see_other(request, "/products", notice="product-added")

    @router.get("/products/{profile_id}")
    async def show(request: Request, visitor: Customer, profile_id: str) -> Response:
        return await shown(request, visitor, fields.filled(await found(visitor, profile_id)), profile_id)

    @router.post("/products/{profile_id}")
    async def change(request: Request, visitor: Customer, profile_id: str, form: Posted) -> Response:
        await found(visitor, profile_id)
        if form.one("action") == REFRESH:
            return await shown(request, visitor, form, profile_id)
        try:
            await profiles.change_profile(visitor.token, profile_id, fields.body(form))
        except Refused as refusal:
            return await refused(request, visitor, form, refusal, profile_id)
        return see_other(request, "/products", notice="product-changed")

    @router.get("/products/{profile_id}/delete")
    async def confirm(request: Request, visitor: Customer, profile_id: str) -> Response:
        return render(request, "products/delete.html", profile=await found(visitor, profile_id))

    @router.post("/products/{profile_id}/delete")
    async def delete(request: Request, visitor: Customer, profile_id: str) -> Response:
        await profiles.delete_profile(visitor.token, profile_id)
        return see_other(request, "/products", notice="product-deleted")

    return router
