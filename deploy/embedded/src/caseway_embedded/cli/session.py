"""Who the commands act as: the environment, or what ``caseway login`` and ``caseway up`` left in the user's folder."""

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import platformdirs

from caseway_embedded.data_dir import write_atomically

DEFAULT_URL = "http://127.0.0.1:8080"
# A token is renewed when it has less than this left.
MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Session:
    """A signed-in user. ``users_file`` (of an embedded system) has the password with which to sign in again."""

    url: str
    token: str = ""
    expires_at: str = ""
    email: str = ""
    users_file: str = ""

    def fresh(self) -> bool:
        return bool(self.expires_at) and datetime.fromisoformat(self.expires_at) - datetime.now(UTC) > MARGIN

    def password(self) -> str | None:
        path = Path(self.users_file) if self.users_file else None
        if path is None or not path.exists():
            return None
        users: dict[str, dict[str, str]] = json.loads(path.read_text())
        return next((user["password"] for user in users.values() if user["email"] == self.email), None)


def session_file() -> Path:
    return Path(platformdirs.user_config_dir("caseway")) / "session.json"


def load() -> Session:
    """The session that commands use; without one, the default address and nobody signed in."""
    path = session_file()
    session = Session(**json.loads(path.read_text())) if path.exists() else Session(DEFAULT_URL)
    url, token = os.environ.get("CASEWAY_URL"), os.environ.get("CASEWAY_TOKEN")
    if token:
        return Session(url or session.url, token)
    return replace(session, url=url) if url else session


def save(session: Session) -> None:
    path = session_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(session), indent=2), mode=0o600)


def sign_in(url: str, email: str, password: str, users_file: str = "") -> Session:
    """Sign in and keep the session. Raises httpx.HTTPError; a refusal is an httpx.HTTPStatusError."""
    return _keep(
        _post_session(url, json={"email": email, "password": password}),
        Session(url, email=email, users_file=users_file),
    )


def renewed(session: Session) -> Session:
    """The session with a token that still lasts; one that can't be renewed comes back as it is."""
    if session.fresh() or not session.email:
        return session
    try:
        answer = _post_session(session.url, headers={"Authorization": f"Bearer {session.token}"})
        return _keep(answer, session)
    except httpx.HTTPStatusError:
        password = session.password()
        return sign_in(session.url, session.email, password, session.users_file) if password else session


def _post_session(url: str, **options: Any) -> dict[str, str]:
    answer = httpx.post(f"{url}/api/v1/session", timeout=30, **options)
    answer.raise_for_status()
    body: dict[str, str] = answer.json()
    return body


def _keep(answer: dict[str, str], session: Session) -> Session:
    session = replace(session, token=answer["token"], expires_at=answer["expires_at"])
    save(session)
    return session
