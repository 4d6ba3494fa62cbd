from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from caseway_contracts.http import SignIn as Credentials
from caseway_kit.auth import Caller, public, require
from caseway_kit.bodies import StrictRoute
from profiles.sign_in import SignIn, Token
from profiles.signing_keys import SigningKeys

signed_in = require()


class TokenOut(BaseModel):
    token: str
    expires_at: datetime


class KeySet(BaseModel):
    keys: list[dict[str, Any]]


def session_routes(sign_in: SignIn, keys: SigningKeys) -> APIRouter:
    routes = APIRouter(route_class=StrictRoute, tags=["session"])

    @routes.post("/session", dependencies=[Depends(public())])
    async def open_session(request: Request, body: Credentials | None = None) -> TokenOut:
        """With an e-mail address and a password: signs in. With a token instead of a body: another token of the same
        session."""
        if body is None:
            return _out(await sign_in.refresh(await signed_in(request)))
        address = request.client.host if request.client else ""
        return _out(await sign_in.open(body.email, body.password, address))

    @routes.delete("/session", status_code=204)
    async def end_session(caller: Annotated[Caller, Depends(signed_in)]) -> None:
        """Ends the session: no more tokens of it. The token itself stays good until its short time is over."""
        await sign_in.end(caller)

    @routes.get("/.well-known/jwks.json", dependencies=[Depends(public())])
    async def key_set() -> KeySet:
        """The public keys of the tokens, for every service."""
        return KeySet(keys=keys.published())

    return routes


def _out(token: Token) -> TokenOut:
    return TokenOut(token=token.token, expires_at=token.expires_at)
