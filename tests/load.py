"""A load of mixed cases with a ledger: what was asked, what was answered, what must have become of it."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from embedded_system import Client, System, eventually, gather_limited
from evidence import EICAR, aes_zip, mail

RETRY_SECONDS = 0.5
GIVE_UP_SECONDS = 180.0


@dataclass
class Ledger:
    """SR numbers by idempotency key, and the recipients of each case."""

    cases: dict[str, str] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    retries: int = 0
    slowest: float = 0.0


class Load:
    """``count`` cases: 40 % files, 20 % mails, 30 % URLs, 10 % without evidence; two recipients each."""

    def __init__(self, client: Client, count: int) -> None:
        self._template = client.submission(attachments=[], cc=["second@customer.example"])
        self._client = client
        self._count = count
        self.ledger = Ledger()

    def run(self, *, at_once: int = 8) -> Ledger:
        asyncio.run(self._run(at_once))
        return self.ledger

    async def _run(self, at_once: int) -> None:
        self._client.get("/contacts")  # signs in
        headers = {"Authorization": self._client.http.headers["Authorization"]}
        async with httpx.AsyncClient(
            base_url=self._client.http.base_url, headers=headers, timeout=20, trust_env=False
        ) as http:
            await gather_limited(at_once, *(self._one(http, number) for number in range(self._count)))

    async def _one(self, http: httpx.AsyncClient, number: int) -> None:
        key = f"load-{number}"
        body = self._template | {"subject": f"Load {number}", "attachments": [], "urls": []}
        kind = number % 10
        if kind < 4:
            archive = aes_zip({"eicar.com": EICAR, "n.txt": str(number).encode()}, "infected")
            body["attachments"] = [await self._upload(http, "s.zip", archive)]
        elif kind < 6:
            sample = mail(f"Mail {number}", f"http://phishing.test/{number}", {"a.txt": b"a"})
            body["attachments"] = [await self._upload(http, "m.zip", aes_zip({"m.eml": sample}, "infected"))]
        elif kind < 9:
            body["urls"] = [{"url": f"http://{number}.example/{one}"} for one in range(3)]
        else:
            body |= {"category": "threat-inquiry", "fields": {}}
        started = time.monotonic()
        answer = await self._until_answered(http, "/cases", json=body, headers={"Idempotency-Key": key})
        self.ledger.slowest = max(self.ledger.slowest, time.monotonic() - started)
        sr = answer["sr_number"]
        if self.ledger.cases.setdefault(key, sr) != sr:
            self.ledger.conflicts.append(key)

    async def _upload(self, http: httpx.AsyncClient, name: str, content: bytes) -> dict[str, str]:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        upload = await self._until_answered(http, "/uploads", content=content, headers=headers)
        return {"upload_id": upload["upload_id"], "password": "infected"}

    async def _until_answered(self, http: httpx.AsyncClient, path: str, **request: Any) -> Any:
        """As a careful client does: the same request again until there is an answer to it."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                answer = await http.post(path, **request)
                if answer.status_code < 400:
                    return answer.json()
                assert answer.status_code in (429, 500, 502, 503, 504), (answer.status_code, answer.text)
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, f"{path} was not answered for {GIVE_UP_SECONDS:g} s"
            self.ledger.retries += 1
            await asyncio.sleep(RETRY_SECONDS)


def check_invariants(system: System, client: Client, ledger: Ledger) -> None:
    """I1, I3 to I6 of the test catalogue, once everything has come to rest."""
    assert ledger.conflicts == []
    accepted = set(ledger.cases.values())
    assert len(accepted) == len(ledger.cases), "one SR number for two cases"

    rest = eventually(
        system.reconcile, lambda one: one["in_flight"] == 0 and one["completed"] >= len(accepted), seconds=240
    )
    assert (rest["lost"], rest["problems"], rest["parked"]) == ([], [], 0)

    for sr in accepted:
        analysis = client.completed(sr)["analysis"]
        for kind in ("files", "urls", "emails", "attk_logs"):
            ids = [one["id"] for one in analysis[kind]]
            assert len(ids) == len(set(ids)), f"{sr}: a result stands twice"

    mails = eventually(lambda: _mails(system, accepted), lambda found: _all_confirmed(found, accepted), seconds=120)
    sent = Counter(mail_id for mail_id, _, _ in mails)
    by_case = Counter((sr, to) for sr, to in {(sr, to) for _, sr, to in mails})
    assert all(count == 1 for count in by_case.values())
    assert len(sent) == 2 * len(accepted), "exactly one confirmation for each case and recipient"
    again = sum(sent.values()) - len(sent)
    assert again <= system.deaths().count("notifier"), "more than one mail doubled for a kill of its sender"


def _mails(system: System, accepted: set[str]) -> list[tuple[str, str, str]]:
    """Message-ID, case and recipient of every confirmation in the mailbox."""
    return [
        (mail_["Message-ID"], mail_["X-Caseway-Case"], mail_["To"])
        for mail_ in system.mails()
        if mail_["X-Caseway-Kind"] == "confirmation" and mail_["X-Caseway-Case"] in accepted
    ]


def _all_confirmed(mails: list[tuple[str, str, str]], accepted: set[str]) -> bool:
    return len({(sr, to) for _, sr, to in mails}) >= 2 * len(accepted)
