"""How services ask one another over HTTP; what comes back are the bodies of the interface, as plain data."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx


class ServiceAway(Exception):
    """The service asked did not answer, or answered that it can't; asking again later may help."""


class Refused(Exception):
    """What was asked is not allowed or not right; ``problem`` is the answer's problem+json, as far as it is one."""

    def __init__(self, status: int, problem: dict[str, Any], retry_after: str | None = None) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.problem = problem
        self.retry_after = retry_after


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

    async def _send(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """ServiceAway for no answer and 5xx; Refused for any other refusal, 404 and 429 among them."""
        bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            answer = await self._http.request(method, path, headers={**bearer, **(headers or {})}, **options)
        except httpx.TransportError as error:
            raise ServiceAway(f"{self._service} did not answer ({type(error).__name__})") from error
        if answer.is_server_error:
            raise ServiceAway(f"{self._service} answered {answer.status_code}")
        if answer.is_client_error:
            raise Refused(answer.status_code, _problem(answer), answer.headers.get("Retry-After"))
        return answer

    async def _all(self, path: str, *, token: str, query: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """The items of every page of a list."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            more = {"limit": "200"} | (query or {}) | ({} if cursor is None else {"cursor": cursor})
            answer = await self._send("GET", path, token=token, params=more)
            found += _items(answer)
            body = answer.json()
            cursor = body.get("next_cursor") if isinstance(body, dict) else None
            if cursor is None:
                return found

    async def _get_one(
        self, folder: str, name: str, *, token: str, query: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        try:
            path = _below(folder, name)
        except Refused:
            return None
        return _object(await self._get(path, token=token, query=query))


class ProfilesClient(_Client):
    """Asks profiles, with the token of the person on whose behalf it is done."""

    _service = "profiles"

    async def profile(self, token: str, profile_id: str) -> dict[str, Any] | None:
        return await self._get_one("/api/v1/profiles", profile_id, token=token)

    async def profiles(self, token: str) -> list[dict[str, Any]]:
        """Product profiles of the caller's account, by name."""
        return await self._all("/api/v1/profiles", token=token)

    async def add_profile(self, token: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        """``key`` is the Idempotency-Key: sent twice, one profile is made. Refused when something is not right."""
        headers = {"Idempotency-Key": key}
        return dict((await self._send("POST", "/api/v1/profiles", token=token, json=body, headers=headers)).json())

    async def change_profile(self, token: str, profile_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Refused with 409 when ``body`` has an old revision."""
        return dict((await self._send("PUT", _below("/api/v1/profiles", profile_id), token=token, json=body)).json())

    async def delete_profile(self, token: str, profile_id: str) -> None:
        await self._send("DELETE", _below("/api/v1/profiles", profile_id), token=token)

    async def activation_codes(self, token: str, product: str) -> list[dict[str, Any]]:
        """Codes that are registered for the caller's account and this product."""
        return await self._all("/api/v1/activation-codes", token=token, query={"product": product})

    async def choose_case_recipients(self, token: str, emails: list[str]) -> list[dict[str, Any]]:
        body = {"items": [{"email": email} for email in emails]}
        return _items(await self._send("PUT", "/api/v1/case-recipients", token=token, json=body))

    async def sign_in(self, email: str, password: str, *, address: str = "") -> dict[str, Any]:
        """A token and its end; ``address`` is the network address of the person, whose attempts are counted."""
        headers = {"X-Forwarded-For": address} if address else {}
        body = {"email": email, "password": password}
        return dict((await self._send("POST", "/api/v1/session", json=body, headers=headers)).json())

    async def refresh(self, token: str) -> dict[str, Any]:
        """Another token of the same session; Refused with 401 when that is over."""
        return dict((await self._send("POST", "/api/v1/session", token=token)).json())

    async def sign_out(self, token: str) -> None:
        await self._send("DELETE", "/api/v1/session", token=token)

    async def contacts(self, token: str) -> list[dict[str, Any]]:
        """Contacts of the caller's account, with their addresses."""
        return await self._all("/api/v1/contacts", token=token)

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


class RequestsClient(_Client):
    """Hands cases and their attachments in, with the token of the person on whose behalf it is done."""

    _service = "intake"

    async def catalog(self, known: str | None = None) -> tuple[str, dict[str, Any]] | None:
        """The catalogue with its ETag; None when it is still the one that is ``known`` by its ETag."""
        headers = {} if known is None else {"If-None-Match": known}
        answer = await self._send("GET", "/api/v1/catalog", headers=headers)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        return answer.headers.get("ETag", ""), dict(answer.json())

    async def submit(self, token: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        """The case; sent twice under one ``key``, one case is made."""
        headers = {"Idempotency-Key": key}
        return dict((await self._send("POST", "/api/v1/cases", token=token, json=body, headers=headers)).json())

    async def check(self, token: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The field errors with which ``body`` would be refused."""
        return list((await self._send("POST", "/api/v1/cases/check", token=token, json=body)).json()["errors"])

    async def act(self, token: str, sr: str, verb: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        """What the owner of a case does to it: ``updates``, ``close``, ``reopen``, ``escalate`` or ``promote``."""
        path = f"{_below('/api/v1/cases', sr)}/{verb}"
        headers = {"Idempotency-Key": key}
        return dict((await self._send("POST", path, token=token, json=body, headers=headers)).json())

    async def upload(self, token: str, name: str, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
        return dict((await self._upload(token, name, {}, content=chunks)).json())

    async def open_upload(self, token: str, name: str, length: int) -> dict[str, Any]:
        return dict((await self._upload(token, name, {"Upload-Length": str(length)})).json())

    async def append(self, token: str, upload_id: str, offset: int, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
        """What is known of the upload now, at least its ``offset``; Refused with 409 at a wrong one."""
        headers = {"Upload-Offset": str(offset)}
        path = _below("/api/v1/uploads", upload_id)
        answer = await self._send("PATCH", path, token=token, headers=headers, content=chunks)
        return dict(answer.json()) if answer.content else {"offset": int(answer.headers["Upload-Offset"])}

    async def offset(self, token: str, upload_id: str) -> tuple[int, int]:
        """How much of an upload is there, and how much there will be."""
        answer = await self._send("HEAD", _below("/api/v1/uploads", upload_id), token=token)
        return int(answer.headers["Upload-Offset"]), int(answer.headers["Upload-Length"])

    async def withdraw(self, token: str, upload_id: str) -> None:
        await self._send("DELETE", _below("/api/v1/uploads", upload_id), token=token)

    async def _upload(self, token: str, name: str, headers: dict[str, str], **options: Any) -> httpx.Response:
        disposition = f"attachment; filename*=UTF-8''{quote(name[:255].encode('utf-8', 'replace'), safe='')}"
        headers = {**headers, "Content-Disposition": disposition}
        return await self._send("POST", "/api/v1/uploads", token=token, headers=headers, **options)


class RatingsClient(_Client):
    """Asks how URLs are rated."""

    _service = "url-rating"

    async def look_up(self, token: str, urls: list[str]) -> list[dict[str, Any]]:
        """A result for each, in their order."""
        answer = await self._send("POST", "/api/v1/ratings/lookup", token=token, json={"urls": urls})
        return list(answer.json()["results"])


def _below(folder: str, name: str) -> str:
    """What a caller typed stays one segment of the path: dots alone would climb out of the folder."""
    if not name.strip("."):
        raise Refused(httpx.codes.NOT_FOUND, {})
    return f"{folder}/{quote(name, safe='')}"


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _object(answer: httpx.Response | None) -> dict[str, Any] | None:
    return None if answer is None or not answer.content else dict(answer.json())


def _items(answer: httpx.Response | None) -> list[dict[str, Any]]:
    """A list as it is, or the items of a page."""
    if answer is None:
        return []
    body = answer.json()
    return list(body["items"] if isinstance(body, dict) else body)
