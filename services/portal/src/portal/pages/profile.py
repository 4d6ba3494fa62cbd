"""My Profile and the account's contacts."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_contracts.clients import Refused
from caseway_kit.problems import FieldError
from portal.pages.backends import Profiles
from portal.pages.base import page_router, render, see_other
from portal.pages.forms import Form, Posted, errors_in
from portal.pages.visitors import CUSTOMERS, Anybody, Customer

RECIPIENTS = "/case_recipients"


def build_router(profiles: Profiles) -> APIRouter:
    router = page_router()

    @router.get("/profile")
    async def show(request: Request, visitor: Anybody) -> Response:
        if visitor.caller.role not in CUSTOMERS:
            return render(request, "profile.html", form=None, contacts=())
        saved = [one["email"] for one in await profiles.case_recipients(visitor.token)]
        contacts = await profiles.contacts(visitor.token)
        return render(request, "profile.html", form=Form({RECIPIENTS: "\n".join(saved)}), contacts=contacts)

    @router.post("/profile")
    async def save(request: Request, visitor: Customer, form: Posted) -> Response:
        addresses = list(dict.fromkeys([*form.lines(RECIPIENTS), *form.many("/contacts")]))
        try:
            await profiles.choose_case_recipients(visitor.token, addresses)
        except Refused as refused:
            if refused.status != 422:
                raise
            errors = [_of_address(error, addresses) for error in errors_in(refused.problem)]
            contacts = await profiles.contacts(visitor.token)
            return render(request, "profile.html", status=422, form=form.with_errors(errors), contacts=contacts)
        return see_other(request, "/profile", notice="profile-saved")

    @router.get("/contacts")
    async def contacts(request: Request, visitor: Anybody) -> Response:
        return render(request, "contacts.html", contacts=await profiles.contacts(visitor.token))

    return router


def _of_address(error: FieldError, addresses: list[str]) -> FieldError:
    """The service's error about its n-th item, at the text that the person typed and with the address in it."""
    number = next((part for part in error.field.split("/") if part.isdecimal() and len(part) < 4), "")
    at = int(number) if number else -1
    said = f"{addresses[at][:80]}: {error.message}" if 0 <= at < len(addresses) else error.message
    return FieldError(RECIPIENTS, error.code, said, error.help)
