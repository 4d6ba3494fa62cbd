"""The rule that each route declares and enforces in one place; a route without one is found by a test."""

from collections.abc import Collection, Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import Request

from caseway_kit.problems import Problem
from caseway_kit.tokens import (
    ROLES,
    Caller,
    DisabledContacts,
    KeyCache,
    Role,
    Tokens,
    TokenVerifier,
    keys_at,
    sign_token,
)

__all__ = [
    "ROLES",
    "Caller",
    "DisabledContacts",
    "KeyCache",
    "Role",
    "Rule",
    "TokenVerifier",
    "Tokens",
    "check_tokens",
    "declared_rules",
    "keys_at",
    "public",
    "require",
    "sign_token",
    "undeclared_routes",
]


class Rule:
    """Who may call a route."""

    roles: frozenset[Role] = frozenset()


class SignedIn(Rule):
    """As a dependency it lets in who has one of the roles, and gives the Caller."""

    def __init__(self, roles: Collection[Role]) -> None:
        self.roles = frozenset(roles)

    async def __call__(self, request: Request) -> Caller:
        tokens: Tokens = request.app.state.tokens
        caller = await tokens.caller(_bearer(request))
        if caller.role not in self.roles:
            raise Problem.forbidden()
        return caller


class Public(Rule):
    """Anybody may call."""

    async def __call__(self) -> None:
        return


def require(*roles: Role) -> SignedIn:
    """``caller: Annotated[Caller, Depends(require("analyst"))]``; without a role: whoever has signed in."""
    return SignedIn(roles or ROLES)


def public() -> Public:
    """``dependencies=[Depends(public())]``: declares that a route needs no token."""
    return Public()


def check_tokens(api: FastAPI, tokens: Tokens) -> None:
    """Let the rules of ``api`` ask ``tokens``; called once, when the service starts."""
    api.state.tokens = tokens


def declared_rules(api: FastAPI) -> dict[str, Rule | None]:
    """Each route as ``GET /path`` with its rule, None where it has none; not the OpenAPI document, which is public."""
    rules: dict[str, Rule | None] = {}
    for route in iter_route_contexts(api.routes):
        if route.path == api.openapi_url:
            continue
        rule = _rule_of(route)
        for method in sorted(route.methods or {"*"}):
            rules[f"{method} {route.path}"] = rule
    return rules


def undeclared_routes(api: FastAPI, *, ignoring: Collection[str] = ()) -> list[str]:
    """The routes that nobody has decided about; ``ignoring`` names mounts (static files) by path."""
    return [
        name for name, rule in declared_rules(api).items() if rule is None and name.partition(" ")[2] not in ignoring
    ]


def _rule_of(route: RouteContext) -> Rule | None:
    dependant: Dependant | None = getattr(route, "dependant", None)
    calls = () if dependant is None else _calls(dependant)
    return next((call for call in calls if isinstance(call, Rule)), None)


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _bearer(request: Request) -> str:
    given = request.headers.getlist("authorization")
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem.unauthorized()
    return token.strip()
