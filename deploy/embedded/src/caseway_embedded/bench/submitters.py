"""Customers who submit at once: upload, then submit, each on a connection of its own that stays open."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from caseway_embedded.bench.corpus import PASSWORD, Sample

PRODUCT = "officescan"
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Submitted:
    sr: str
    sample: Sample
    started: float
    accepted: float
    """Seconds of the clock, from before the upload to after the answer to the submission."""


class Submitters:
    def __init__(self, url: str, credentials: dict[str, str]) -> None:
        self._url = f"{url}/api/v1"
        self._here = threading.local()
        self._clients: list[httpx.Client] = []
        self.throttled = 0
        """Answers 429 that were met and waited out."""
        self.accepted: list[str] = []
        """SR numbers, as they come."""
        session = httpx.post(f"{self._url}/session", json=credentials, timeout=PATIENCE_SECONDS, trust_env=False)
        session.raise_for_status()
        self._headers = {"Authorization": f"Bearer {session.json()['token']}"}
        self._profile = self._profile_of_account()

    def run(self, samples: Sequence[Sample], *, at_once: int) -> list[Submitted]:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._submit, samples))

    def call(self, method: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._client().request(method, path, **options)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                break
            self.throttled += 1
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        if answer.is_error:
            raise RuntimeError(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _client(self) -> httpx.Client:
        if not hasattr(self._here, "client"):
            self._here.client = httpx.Client(
                base_url=self._url, headers=self._headers, timeout=PATIENCE_SECONDS, trust_env=False
            )
            self._clients.append(self._here.client)
        client: httpx.Client = self._here.client
        return client

    def _submit(self, sample: Sample) -> Submitted:
        started = time.time()
        upload = self.call(
            "POST",
            "/uploads",
            content=sample.content,
            headers={"Content-Disposition": f'attachment; filename="{sample.name}"'},
        )
        case = self.call("POST", "/cases", json=self._submission(sample, upload["upload_id"]))
        self.accepted.append(case["sr_number"])
        return Submitted(case["sr_number"], sample, started, time.time())

    def _submission(self, sample: Sample, upload_id: str) -> dict[str, Any]:
        return {
            "profile_id": self._profile["id"],
            "affected_operating_systems": self._profile["operating_systems"][:1],
            "issue_type": "threat",
            "category": "collected-threat-sample-analysis",
            "subject": sample.name,
            "description": "One case of a benchmark.",
            "severity": "medium",
            "cc": [],
            "contact": {"method": "email"},
            "fields": {"virus_pattern_type": "virus-pattern-cpr"},
            "attachments": [{"upload_id": upload_id, "password": PASSWORD}],
            "urls": [],
        }

    def _profile_of_account(self) -> dict[str, Any]:
        """The first product profile, made when the account has none."""
        if known := self.call("GET", "/profiles")["items"]:
            found: dict[str, Any] = known[0]
            return found
        product = next(one for one in self.call("GET", "/catalog")["products"] if one["slug"] == PRODUCT)
        code = self.call("GET", "/activation-codes", params={"product": PRODUCT})["items"][0]["code"]
        body = {
            "name": "Benchmark",
            "product": PRODUCT,
            "version": product["versions"][-1],
            "operating_systems": product["operating_systems"][:2],
            "language": product["languages"][0],
            "activation_code": code,
        }
        made: dict[str, Any] = self.call("POST", "/profiles", json=body)
        return made
