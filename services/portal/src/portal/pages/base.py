"""What every page has: its frame, its texts, its security headers, and refusals that a person can read."""

import contextlib
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import httpx
import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from caseway_catalog import Catalog
from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.bodies import StrictRoute
from caseway_kit.errors import OutageError
from caseway_kit.problems import Problem
from portal.pages import assets
from portal.pages.forms import Form
from portal.pages.nav import menu_of
from portal.pages.visitors import KEPT, Doorkeeper, SeeOther, Visitor
from portal.phrases import phrases

THEME_COOKIE = "caseway-theme"
THEMES = ("light", "dark")
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LABELLED = (
    "products",
    "operating_systems",
    "languages",
    "settings",
    "issue_types",
    "categories",
    "severities",
    "escalation_types",
    "contact_methods",
    "teams",
)

_log = structlog.stdlib.get_logger("portal.pages")


def labels_of(catalog: Catalog) -> Callable[[str, str | None], str]:
    """``label("products", "apex-one")``; what the catalogue does not know is shown as it is."""
    labels: dict[str, dict[str, str]] = {
        name: {entry.slug: entry.label for entry in getattr(catalog, name)} for name in LABELLED
    }

    def label(what: str, slug: str | None) -> str:
        return labels[what].get(slug or "", slug or "")

    return label


def environment_of(catalog: Catalog) -> Environment:
    """The templates and what all of them may use."""
    environment = Environment(
        loader=FileSystemLoader(str(files("portal").joinpath("templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=phrases(), static=assets.address_of, label=labels_of(catalog), catalog=catalog)
    environment.filters.update(iso=_iso, utc=_utc)
    return environment


class Site:
    """Renders templates for a request; one for all pages, in ``request.app.state.site``."""

    def __init__(self, catalog: Catalog, door: Doorkeeper, environment: Environment | None = None) -> None:
        self.catalog = catalog
        self.door = door
        self.say = phrases()
        self.label = labels_of(catalog)
        self.environment = environment or environment_of(catalog)

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        visitor: Visitor | None = request.scope.get(KEPT)
        theme = request.cookies.get(THEME_COOKIE)
        notice = f"notices.{request.query_params.get('notice', '')}"
        frame = {
            "visitor": visitor,
            "path": request.url.path,
            "menu": menu_of(visitor.caller.role if visitor else None),
            "csrf": self.door.csrf_of(request),
            "theme": theme if theme in THEMES else None,
            "notice": self.say(notice) if notice in self.say else None,
            "no_form": Form(),
        }
        response = HTMLResponse(self.environment.get_template(template).render(frame | context), status)
        self.door.keep_form_secret(request, response)
        # A page that is a whole one for htmx too must not be kept in place of the other.
        response.headers["Vary"] = "HX-Request"
        return response

    def refuse(self, request: Request, status: int, says: str, headers: Mapping[str, str] | None = None) -> Response:
        title = HTTPStatus(status).phrase
        response = self.render(
            request, "refused.html", status=status, code=status, title=self._title(status, title), says=says
        )
        response.headers.update({name: value for name, value in (headers or {}).items() if name == "Retry-After"})
        return response

    def _title(self, status: int, otherwise: str) -> str:
        key = f"refusals.{status}"
        return self.say(key) if key in self.say else otherwise


def site_of(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    return site_of(request).render(request, template, status=status, **context)


def see_other(request: Request, location: str, *, notice: str | None = None) -> Response:
    """After a form was taken. ``notice`` is a key below ``notices`` in the texts."""
    if notice is not None:
        path, mark, fragment = location.partition("#")
        location = f"{path}{'&' if '?' in path else '?'}notice={quote(notice)}{mark}{fragment}"
    if "hx-request" in request.headers:
        return Response(headers={"HX-Redirect": location})
    return RedirectResponse(location, 303)


class PageRoute(StrictRoute):
    """Answers in HTML, also when it refuses, and with the security headers of a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                response = await handle(request)
            except SeeOther as away:
                response = see_other(request, away.location)
            except Exception as error:
                if _signed_out(error):
                    await site_of(request).door.sign_out(request)
                response = _refusal(request, error)
            for name, value in SECURITY.items():
                response.headers.setdefault(name, value)
            return response

        return page


def page_router() -> APIRouter:
    """Every page is on one of these, and each route on it has a rule of ``visitors`` among its parameters."""
    return APIRouter(route_class=PageRoute, include_in_schema=False, default_response_class=HTMLResponse)


def install_pages(api: FastAPI, site: Site, routers: Sequence[APIRouter]) -> None:
    api.state.site = site
    api.state.door = site.door
    for router in routers:
        api.include_router(router)
    api.router.default = _NoSuchPage(api.router.default, site)


class _NoSuchPage:
    """A person who mistypes an address gets a page; a program gets its problem as ever."""

    def __init__(self, otherwise: ASGIApp, site: Site) -> None:
        self._otherwise = otherwise
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        if scope["path"].startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
            await self._otherwise(scope, receive, send)
            return
        with contextlib.suppress(OutageError):
            scope[KEPT] = await self._site.door.visitor(request)
        answer = self._site.refuse(request, 404, self._site.say("refusals.not_found"))
        answer.headers.update(SECURITY)
        await answer(scope, receive, send)


def _refusal(request: Request, error: Exception) -> Response:
    site = site_of(request)
    match error:
        case Problem() if error.status_code == 404:
            return site.refuse(request, 404, site.say("refusals.not_found"))
        case HTTPException():
            return site.refuse(request, error.status_code, str(error.detail), error.headers)
        case RequestValidationError():
            return site.refuse(request, 422, site.say("refusals.address"))
        case Refused() if error.status == 404:
            return site.refuse(request, 404, site.say("refusals.not_found"))
        case Refused() if error.status == 401:
            return see_other(request, "/sign-in")
        case Refused():
            headers = {"Retry-After": error.retry_after} if error.retry_after else {}
            return site.refuse(request, error.status, str(error.problem.get("detail", "")), headers)
        case httpx.HTTPStatusError() if error.response.status_code == 401:
            return see_other(request, "/sign-in")
        case OutageError() | ServiceAway():
            _log.warning("a page answered 503", why=str(error))
            return site.refuse(request, 503, site.say("refusals.away"), {"Retry-After": "5"})
        case _:
            incident = uuid.uuid4().hex
            _log.error("unexpected error in a page", id=incident, exc_info=error)
            return site.refuse(request, 500, site.say("refusals.unexpected", id=incident))


def _signed_out(error: Exception) -> bool:
    """Another service knows the visitor's session no more: kept here, it would send the browser round in circles."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 401
    return isinstance(error, Refused) and error.status == 401


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
