"""The whole system as tests use it: started by its own command line, spoken to over HTTP, its mails read from disk."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from caseway_kit.testing.waiting import PATIENCE
from caseway_kit.testing.waiting import eventually as eventually

START_SECONDS = 300


class System:
    """An embedded system in a folder of its own, with a home of its own, at a port that is held for it."""

    def __init__(self, folder: Path, *, port: int = 0, **environment: str) -> None:
        self.port = port
        self.data = folder / "data"
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.environment = environment
        self._clients: dict[str, Client] = {}

    def caseway(self, *arguments: str, timeout: float = 240, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line as the user that ``up`` signed in."""
        env = {**os.environ, "HOME": str(self.home), "CASEWAY_CACHE": _cache(), **self.environment, **environment}
        env.pop("XDG_CONFIG_HOME", None)
        command = [str(Path(sys.executable).parent / "caseway"), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)

    def up(self, *arguments: str) -> None:
        done = self.caseway(
            *("up", "--data", str(self.data), "--detach", "--port", str(self.port), *arguments), timeout=START_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.log_tails()

    def hang_up(self) -> None:
        for client in self._clients.values():
            client.http.close()
        self._clients.clear()

    def down(self) -> None:
        self.hang_up()
        done = self.caseway("down", "--data", str(self.data))
        assert done.returncode == 0, done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.caseway("status", "--data", str(self.data), "--json").stdout)
        return found

    def state(self) -> dict[str, Any]:
        """What ``status`` reads, without starting a process."""
        found: dict[str, Any] = json.loads((self.data / "state.json").read_text())
        return found

    @property
    def users(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = json.loads((self.data / "users.json").read_text())
        return found

    def client(self, user: str = "customer") -> "Client":
        if user not in self._clients:
            self._clients[user] = Client(self.state()["url"], **self.users[user])
        return self._clients[user]

    def mails(self) -> list[EmailMessage]:
        found = []
        for path in sorted((self.data / "mailbox").glob("[!.]*.eml")):  # a name with a dot is still being written
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            found.append(mail)
        return found

    def mails_of(self, sr: str) -> list[EmailMessage]:
        return [mail for mail in self.mails() if mail["X-Caseway-Case"] == sr]

    def reconcile(self) -> dict[str, Any]:
        done = self.caseway("reconcile", "--data", str(self.data), "--json")
        if not done.stdout:  # a part that is being started again does not answer
            return {"in_flight": -1, "completed": -1, "says": done.stderr}
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def deaths(self) -> list[str]:
        """Names of what died and was started again, one for each time."""
        lines = (self.data / "logs" / "supervisor.log").read_text().splitlines()
        return [line.split()[0] for line in lines if line.split()[1:2] == ["died"]]

    def log_tails(self) -> str:
        tails = [f"\n== {path.name}\n{path.read_text()[-1500:]}" for path in sorted((self.data / "logs").glob("*.log"))]
        return "".join(tails)


class Client:
    """One signed-in user of the HTTP interface."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
        self._credentials = {"email": email, "password": password}
        self._signed_in = float("-inf")

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        if time.monotonic() - self._signed_in > 600:
            session = self.http.post("/session", json=self._credentials)
            session.raise_for_status()
            self.http.headers["Authorization"] = f"Bearer {session.json()['token']}"
            self._signed_in = time.monotonic()
        return self.http.request(method, path, **options)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.request("GET", path, params=params)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def profile(self) -> dict[str, Any]:
        """The account's first product profile, made when it has none."""
        profiles = self.get("/profiles")["items"]
        if profiles:
            found: dict[str, Any] = profiles[0]
            return found
        catalog = self.get("/catalog")
        product = next(one for one in catalog["products"] if one["slug"] == "officescan")
        body = {
            "name": "Test PCs",
            "product": "officescan",
            "version": product["versions"][-1],
            "operating_systems": product["operating_systems"][:2],
            "language": product["languages"][0],
            "activation_code": self.get("/activation-codes", product="officescan")["items"][0]["code"],
        }
        made = self.request("POST", "/profiles", json=body)
        assert made.status_code == 201, made.text
        profile: dict[str, Any] = made.json()
        return profile

    def upload(self, name: str, content: bytes) -> str:
        disposition = f"attachment; filename*=UTF-8''{quote(name)}"
        answer = self.request("POST", "/uploads", content=content, headers={"Content-Disposition": disposition})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["upload_id"])

    def submission(self, **changes: Any) -> dict[str, Any]:
        """A valid submission about collected samples; ``attachments``: (name, content, password)."""
        profile = self.profile()
        attachments = [
            {"upload_id": self.upload(name, content), **({"password": password} if password else {})}
            for name, content, password in changes.pop("attachments", ())
        ]
        return {
            "profile_id": profile["id"],
            "affected_operating_systems": profile["operating_systems"][:1],
            "issue_type": "threat",
            "category": "collected-threat-sample-analysis",
            "subject": "Something odd",
            "description": "Please have a look.",
            "severity": "medium",
            "cc": [],
            "contact": {"method": "email"},
            "fields": {"virus_pattern_type": "virus-pattern-cpr"},
            "attachments": attachments,
            "urls": [],
            **changes,
        }

    def submit(self, **changes: Any) -> httpx.Response:
        return self.request("POST", "/cases", json=self.submission(**changes))

    def opened(self, **changes: Any) -> str:
        answer = self.submit(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sr_number"])

    def completed(self, sr: str, seconds: float = PATIENCE) -> Any:
        return eventually(lambda: self.get(f"/cases/{sr}"), lambda case: case["analysis"]["complete"], seconds)


def by(results: list[Mapping[str, Any]], **wanted: Any) -> Mapping[str, Any]:
    """The one result that has these values."""
    [found] = [one for one in results if all(one[name] == value for name, value in wanted.items())]
    return found


def _cache() -> str:
    from caseway_embedded.data_dir import cache_dir

    return str(cache_dir())


async def gather_limited(limit: int, *work: Any) -> list[Any]:
    """Await coroutines, so many at a time."""
    slots = asyncio.Semaphore(limit)

    async def one(coroutine: Any) -> Any:
        async with slots:
            return await coroutine

    return await asyncio.gather(*(one(coroutine) for coroutine in work))
