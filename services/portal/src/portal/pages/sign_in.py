from datetime import datetime

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from caseway_contracts.clients import ProfilesClient, Refused, ServiceAway
from caseway_kit.errors import OutageError
from caseway_kit.problems import FieldError
from portal.pages.backends import Profiles
from portal.pages.base import THEME_COOKIE, THEMES, page_router, render, see_other, site_of
from portal.pages.forms import Form, Posted
from portal.pages.visitors import Doorkeeper, Passerby, local_path
from portal.sessions import Issued

YEAR = 365 * 24 * 3600

_log = structlog.stdlib.get_logger("portal.sign_in")


class ProfilesIssuer:
    """Tokens of the profiles service."""

    def __init__(self, profiles: ProfilesClient) -> None:
        self._profiles = profiles

    async def refresh(self, token: str) -> Issued | None:
        try:
            return issued_in(await self._profiles.refresh(token))
        except Refused:
            return None
        except ServiceAway as away:
            raise OutageError("sign-in", str(away)) from away


def issued_in(answer: dict[str, str]) -> Issued:
    return Issued(answer["token"], datetime.fromisoformat(answer["expires_at"]))


def build_router(profiles: Profiles) -> APIRouter:
    router = page_router()

    @router.get("/sign-in")
    async def show(request: Request, visitor: Passerby, next: str = "/") -> Response:  # noqa: A002 - the word in the address
        if visitor is not None:
            return see_other(request, local_path(next))
        return render(request, "sign_in.html", form=Form({"next": next}))

    @router.post("/sign-in")
    async def sign_in(request: Request, _: Passerby, form: Posted) -> Response:
        door: Doorkeeper = request.app.state.door
        say = site_of(request).say
        errors = [
            FieldError(f"/{name}", "required", say(f"sign_in.no_{name}"))
            for name in ("email", "password")
            if not form.one(name)
        ]
        if errors:
            return render(request, "sign_in.html", status=422, form=form.with_errors(errors))
        address = request.client.host if request.client else ""
        try:
            issued = issued_in(await profiles.sign_in(form.one("email"), form.one("password"), address=address))
        except Refused as refused:
            says = say("sign_in.too_many") if refused.status == 429 else say("sign_in.wrong")
            answer = render(
                request, "sign_in.html", status=422, form=form.with_errors([FieldError("/email", "refused", says)])
            )
            if refused.retry_after:
                answer.headers["Retry-After"] = refused.retry_after
            return answer
        # What was known before the sign-in is void: nobody else can hold the id of this session.
        await door.sessions.end(door.secret(request))
        response = see_other(request, local_path(form.one("next")))
        door.let_in(response, await door.sessions.open(issued))
        return response

    @router.post("/sign-out")
    async def sign_out(request: Request, visitor: Passerby) -> Response:
        door: Doorkeeper = request.app.state.door
        if visitor is not None:
            await door.sessions.end(door.secret(request))
            try:
                await profiles.sign_out(visitor.token)
            except (ServiceAway, Refused) as failure:
                _log.warning("signed out here only, the token ends by itself", why=str(failure))
        response = see_other(request, "/sign-in", notice="signed-out")
        door.let_out(response)
        return response

    @router.post("/theme")
    async def choose_theme(request: Request, _: Passerby, form: Posted) -> Response:
        response = see_other(request, local_path(form.one("back")))
        theme = form.one("theme")
        if theme in THEMES:
            response.set_cookie(THEME_COOKIE, theme, max_age=YEAR, path="/", samesite="lax")
        else:
            response.delete_cookie(THEME_COOKIE, path="/")
        return response

    return router
