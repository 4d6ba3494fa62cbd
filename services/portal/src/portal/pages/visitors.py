"""Who looks at a page: the rule of each page route, the session's cookie, and the check against forged requests."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from caseway_kit.auth import ROLES, Caller, Role, Rule, Tokens
from caseway_kit.problems import Problem
from portal.pages.forms import CSRF, read_form
from portal.sessions import Opened, Sessions

CUSTOMERS: tuple[Role, ...] = ("customer", "account_admin")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
KEPT = "caseway.visitor"
_TOKEN_HEADER = "x-csrf-token"  # noqa: S105 - the name of a header


@dataclass(frozen=True)
class Visitor:
    caller: Caller
    csrf: str

    @property
    def token(self) -> str:
        """For calls to other services in the visitor's name."""
        return self.caller.token


class SeeOther(Exception):
    """Raised by a page or its rule: the browser is to look elsewhere."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


class Doorkeeper:
    """Finds the visitor of a request by the cookie, and hands cookies out. ``secure``: the pages are on https."""

    def __init__(self, sessions: Sessions, *, secure: bool) -> None:
        self.sessions = sessions
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self._session_cookie = f"{prefix}caseway-session"
        self._form_cookie = f"{prefix}caseway-form"

    def secret(self, request: Request) -> str:
        return request.cookies.get(self._session_cookie, "")

    async def visitor(self, request: Request, *, touch: bool = True) -> Visitor | None:
        opened = await self.sessions.find(self.secret(request), touch=touch)
        return None if opened is None else await self._known(request, opened)

    async def _known(self, request: Request, opened: Opened) -> Visitor | None:
        tokens: Tokens = request.app.state.tokens
        try:
            caller = await tokens.caller(opened.token)
        except Problem:
            await self.sessions.end(self.secret(request))
            return None
        return Visitor(caller, opened.session.csrf)

    async def sign_out(self, request: Request) -> None:
        await self.sessions.end(self.secret(request))

    def let_in(self, response: Response, secret: str) -> None:
        self._set(response, self._session_cookie, secret, "lax")

    def let_out(self, response: Response) -> None:
        response.delete_cookie(self._session_cookie, path="/", secure=self._secure, httponly=True, samesite="lax")

    def form_secret(self, request: Request) -> str:
        """Ties a form of somebody who has not signed in to this browser; made at its first need."""
        if "caseway.form_secret" not in request.scope:
            known = request.cookies.get(self._form_cookie, "")
            request.scope["caseway.form_secret"] = known if 20 <= len(known) <= 100 else secrets.token_urlsafe(32)
        secret: str = request.scope["caseway.form_secret"]
        return secret

    def keep_form_secret(self, request: Request, response: Response) -> None:
        made = request.scope.get("caseway.form_secret")
        if made is not None and made != request.cookies.get(self._form_cookie):
            self._set(response, self._form_cookie, made, "strict")

    def csrf_of(self, request: Request) -> str:
        visitor: Visitor | None = request.scope.get(KEPT)
        if visitor is not None:
            return visitor.csrf
        return hashlib.sha256(self.form_secret(request).encode("utf-8", "replace")).hexdigest()

    def _set(self, response: Response, name: str, value: str, same_site: str) -> None:
        response.set_cookie(
            name,
            value,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict" if same_site == "strict" else "lax",
        )


class PageRule(Rule):
    """Whoever has signed in with one of the roles; others are sent to the sign-in page and come back from there."""

    def __init__(self, roles: Collection[Role]) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, request: Request) -> Visitor:
        door: Doorkeeper = request.app.state.door
        visitor = await door.visitor(request)
        if visitor is None:
            raise SeeOther(f"/sign-in?next={quote(_here(request), safe='')}")
        request.scope[KEPT] = visitor
        if visitor.caller.role not in self.roles:
            raise Problem.forbidden()
        await check_forgery(request, door)
        return visitor


class OpenPage(Rule):
    """Anybody; who has signed in is known nevertheless."""

    async def __call__(self, request: Request) -> Visitor | None:
        door: Doorkeeper = request.app.state.door
        visitor = await door.visitor(request)
        if visitor is not None:
            request.scope[KEPT] = visitor
        await check_forgery(request, door)
        return visitor


def visitor(*roles: Role) -> PageRule:
    """``Annotated[Visitor, Depends(visitor("operator"))]``; without a role: whoever has signed in."""
    return PageRule(roles or ROLES)


Anybody = Annotated[Visitor, Depends(visitor())]
Customer = Annotated[Visitor, Depends(visitor(*CUSTOMERS))]
Analyst = Annotated[Visitor, Depends(visitor("analyst"))]
Operator = Annotated[Visitor, Depends(visitor("operator"))]
Passerby = Annotated[Visitor | None, Depends(OpenPage())]


async def check_forgery(request: Request, door: Doorkeeper) -> None:
    """What changes something comes from one of our own pages and has its token."""
    if request.method in SAFE:
        return
    if not _same_origin(request):
        raise _forged()
    given = request.headers.get(_TOKEN_HEADER)
    if given is None:
        given = (await read_form(request)).one(CSRF)
    if not hmac.compare_digest(given.encode("utf-8", "replace"), door.csrf_of(request).encode()):
        raise _forged()


def local_path(path: str) -> str:
    """A path of our own that was handed through a browser; anything else becomes the start page."""
    parts = urlsplit(path) if path.isascii() and path.isprintable() else None
    inside = parts is not None and not parts.scheme and not parts.netloc and "\\" not in path
    return path if inside and path.startswith("/") and not path.startswith("//") else "/"


def _same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    # Neither header: no browser of today, and the token decides.
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _here(request: Request) -> str:
    if request.method not in SAFE or "hx-request" in request.headers:
        return "/"
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def _forged() -> Problem:
    return Problem.forbidden("This form was not sent from its own page, or has grown old. Open the page once more.")
