"""Stand-ins for what the pages ask, and a browser's few habits."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx

from caseway_contracts.clients import Refused, ServiceAway
from caseway_kit.clock import Clock
from caseway_kit.errors import OutageError
from portal.sessions import Issued, Session

PRODUCT_PROFILE = {
    "id": "prof-ours",
    "revision": 1,
    "name": "Our PCs",
    "product": "officescan",
    "version": "XG",
    "operating_systems": ["windows-10", "windows-11"],
    "language": "en",
    "activation_code": "OS-0001",
    "settings": ["web-reputation"],
    "toolbox_guid": "01234567-89ab-cdef-0123-456789abcdef",
}
PASSWORD = "a long password"
TOKEN_LIFE = timedelta(minutes=15)


class InMemorySessionRepository:
    def __init__(self) -> None:
        self.sessions: dict[str, tuple[Session, datetime]] = {}

    async def add(self, session: Session, idle_until: datetime) -> None:
        self.sessions[session.key] = session, idle_until

    async def find(self, key: str) -> Session | None:
        return self.sessions[key][0] if key in self.sessions else None

    async def save(self, session: Session, idle_until: datetime) -> None:
        if session.key in self.sessions:
            self.sessions[session.key] = session, idle_until

    async def end(self, key: str) -> None:
        self.sessions.pop(key, None)


class FakeIssuer:
    """The sign-in service: a token is ``role@account`` and, refreshed, the same again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.over = False
        self.away = False
        self.asked = 0

    def issue(self, token: str) -> Issued:
        return Issued(token, self._clock.now() + TOKEN_LIFE)

    async def refresh(self, token: str) -> Issued | None:
        self.asked += 1
        if self.away:
            raise OutageError("sign-in")
        return None if self.over else self.issue(token)


class FakeProfiles:
    """What the pages ask of profiles. Its users are ``role@account``, all with one password."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.recipients: dict[str, list[str]] = {}
        self.people: dict[str, list[dict[str, Any]]] = {}
        self.codes: dict[str, list[dict[str, Any]]] = {}
        self.saved: dict[str, dict[str, dict[str, Any]]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.refusal: Refused | None = None
        self.away = False

    async def sign_in(self, email: str, password: str, *, address: str = "") -> dict[str, Any]:
        self._check()
        if password != PASSWORD:
            raise Refused(401, {"detail": "wrong"})
        return {"token": email, "expires_at": (self._clock.now() + TOKEN_LIFE).isoformat()}

    async def sign_out(self, token: str) -> None:
        self._check()

    async def case_recipients(self, token: str) -> list[dict[str, Any]]:
        return [{"email": one} for one in self.recipients.get(_account(token), [])]

    async def choose_case_recipients(self, token: str, emails: list[str]) -> list[dict[str, Any]]:
        self._check()
        self.recipients[_account(token)] = emails
        return [{"email": one} for one in emails]

    async def contacts(self, token: str) -> list[dict[str, Any]]:
        return self.people.get(_account(token), [])

    async def profiles(self, token: str) -> list[dict[str, Any]]:
        if self.away:
            raise ServiceAway("profiles did not answer")
        return list(self.saved.get(_account(token), {}).values())

    async def profile(self, token: str, profile_id: str) -> dict[str, Any] | None:
        return self.saved.get(_account(token), {}).get(profile_id)

    async def add_profile(self, token: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        self._check()
        if key not in self.keys:
            mine = self.saved.setdefault(_account(token), {})
            profile_id = f"prof-{len(mine) + 1}"
            self.keys[key] = mine[profile_id] = {**body, "id": profile_id, "revision": 1}
        return self.keys[key]

    async def change_profile(self, token: str, profile_id: str, body: dict[str, Any]) -> dict[str, Any]:
        self._check()
        known = await self.profile(token, profile_id)
        if known is None:
            raise Refused(404, {})
        if body.get("revision", known["revision"]) != known["revision"]:
            raise Refused(409, {"detail": "Somebody has changed the profile since; read it again."})
        changed = {**body, "id": profile_id, "revision": known["revision"] + 1}
        self.saved[_account(token)][profile_id] = changed
        return changed

    async def delete_profile(self, token: str, profile_id: str) -> None:
        self._check()
        if self.saved.get(_account(token), {}).pop(profile_id, None) is None:
            raise Refused(404, {})

    async def activation_codes(self, token: str, product: str) -> list[dict[str, Any]]:
        return [one for one in self.codes.get(_account(token), []) if one["product"] == product]

    def _check(self) -> None:
        if self.refusal is not None:
            raise self.refusal


class Tab:
    """One browser's tab on the pages: keeps cookies, posts the page's own token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.csrf = ""

    async def get(self, path: str, **options: Any) -> httpx.Response:
        answer = await self.http.get(path, **options)
        self._look(answer)
        return answer

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As a script of the page asks: with the token in a header."""
        headers = {"X-CSRF-Token": self.csrf, **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def post(
        self, path: str, form: Mapping[str, str | Sequence[str]] | None = None, **options: Any
    ) -> httpx.Response:
        if not self.csrf:
            await self.get("/sign-in")
        answer = await self.http.post(path, data={"csrf_token": self.csrf, **(form or {})}, **options)
        self._look(answer)
        return answer

    def _look(self, answer: httpx.Response) -> None:
        if found := re.search(r'name="csrf-token" content="([^"]*)"', answer.text):
            self.csrf = unescape(found[1])


def _account(token: str) -> str:
    return token.partition("@")[2]


class _Fields(HTMLParser):
    """What a browser would show in a form's fields, and the texts of elements of a class."""

    def __init__(self, css_class: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self._class = css_class
        self._into: list[str] | None = None
        self._tag = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        name = given.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.values.setdefault(self._select, []).append(given.get("value") or "")
        elif tag == "input" and ("checked" in given or given.get("type") not in ("checkbox", "radio")):
            self.values.setdefault(name, []).append(given.get("value") or "")
        elif tag == "textarea":
            self._tag, self._into = tag, self.values.setdefault(name, [""])
        elif self._into is None and self._class in (given.get("class") or "").split():
            self.texts.append("")
            self._tag, self._into = tag, self.texts

    def handle_endtag(self, tag: str) -> None:
        if tag == self._tag and self._into is not None:
            if tag == "textarea":
                self._into[-1] = self._into[-1].removeprefix("\n")
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


def fields_of(answer: httpx.Response) -> dict[str, list[str]]:
    return _parsed(answer, "").values


def texts_of(answer: httpx.Response, css_class: str = "typed") -> list[str]:
    return _parsed(answer, css_class).texts


def tags_of(answer: httpx.Response) -> set[str]:
    return _parsed(answer, "").tags


def _parsed(answer: httpx.Response, css_class: str) -> _Fields:
    parser = _Fields(css_class)
    parser.feed(answer.text)
    parser.close()
    return parser
