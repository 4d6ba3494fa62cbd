"""How services ask one another over HTTP; what comes back are the bodies of the interface, as plain data."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx


class ServiceAway(Exception):
    """The service asked did not answer, or answered that it can't; asking again later may help."""


class _Client:
    _service: str

    def __init__(self, http: httpx.AsyncClient) -> None:
        """``http`` has the service's address as its base URL, and the timeouts that the caller can afford."""
        self._http = http

    async def _get(
        self, path: str, *, token: str | None = None, query: dict[str, str] | None = None
    ) -> httpx.Response | None:
        """None for 404; ServiceAway for no answer, 429 and 5xx; httpx.HTTPStatusError for what the caller did wrong."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            answer = await self._http.get(path, params=query or {}, headers=headers)
        except httpx.TransportError as error:
            raise ServiceAway(f"{self._service} did not answer ({type(error).__name__})") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise ServiceAway(f"{self._service} answered {answer.status_code}")
        return answer.raise_for_status()

    async def _get_one(
        self, folder: str, name: str, *, token: str, query: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        # What a caller typed stays one segment of the path: dots alone would climb out of the folder.
        if not name.strip("."):
            return None
        return _object(await self._get(f"{folder}/{quote(name, safe='')}", token=token, query=query))


class ProfilesClient(_Client):
    """Asks profiles, with the token of the person on whose behalf it is done."""

    _service = "profiles"

    async def profile(self, token: str, profile_id: str) -> dict[str, Any] | None:
        return await self._get_one("/api/v1/profiles", profile_id, token=token)

    async def contacts(self, token: str) -> list[dict[str, Any]]:
        """Contacts of the caller's account, with their addresses."""
        return _items(await self._get("/api/v1/contacts", token=token))

    async def case_recipients(self, token: str) -> list[dict[str, Any]]:
        """Who of the caller's account gets the mails of every case."""
        return _items(await self._get("/api/v1/case-recipients", token=token))

    async def jwks(self) -> dict[str, Any]:
        """Public keys of the tokens; profiles without them is as good as away."""
        keys = _object(await self._get("/api/v1/.well-known/jwks.json"))
        if keys is None:
            raise ServiceAway("profiles has no keys to show")
        return keys


class IntakeClient(_Client):
    """Asks intake for what is younger than a projection."""

    _service = "intake"

    async def case(self, token: str, sr: str, since_revision: int | None = None) -> dict[str, Any] | None:
        """The case as intake has it; with ``since_revision`` only when it has more than that, else None."""
        query = {} if since_revision is None else {"since_revision": str(since_revision)}
        return await self._get_one("/internal/cases", sr, token=token, query=query)

    async def changed(self, token: str, since: datetime) -> list[dict[str, Any]]:
        """Cases of the caller's account that changed since, the latest change first."""
        return _items(await self._get("/internal/cases", token=token, query={"since": since.isoformat()}))


def _object(answer: httpx.Response | None) -> dict[str, Any] | None:
    return None if answer is None or not answer.content else dict(answer.json())


def _items(answer: httpx.Response | None) -> list[dict[str, Any]]:
    """A list as it is, or the items of a page."""
    if answer is None:
        return []
    body = answer.json()
    return list(body["items"] if isinstance(body, dict) else body)
