"""A thousand guesses at what another account has (S02): each is answered as if it were nothing, and as fast."""

import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from embedded_system import Client, System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

GUESSES = 1000
# A stranger's answer may take this much longer or shorter where there is something: far beyond what a busy machine adds
# to medians of calls that take turns, far below what it takes to read a case.
FACTOR = 4
BODIES: dict[str, dict[str, Any]] = {
    "close": {},
    "reopen": {"comment": "x"},
    "updates": {"comment": "x"},
    "escalate": {"type": "slow-response", "comment": "x"},
}


@pytest.fixture(scope="module")
def theirs(system: System) -> dict[str, list[str]]:
    """What there is, of another account, by the name that routes have for it."""
    owner = system.client("customer")
    opened = [owner.opened(category="threat-inquiry", fields={}, severity="low") for _ in range(3)]
    uploads = [owner.upload("theirs.txt", b"theirs") for _ in range(3)]
    return {
        "sr": opened,
        "sr_number": opened,
        "upload_id": uploads,
        "profile_id": [owner.profile()["id"]],
    }


def guesses(name: str, known: list[str]) -> Iterator[str]:
    while True:
        if name in ("sr", "sr_number"):
            yield f"SR01-{uuid4().int % 10**9:09}-{uuid4().int % 10}"
        else:
            yield str(uuid4())
        yield from (one[:-1] + ("0" if one[-1] != "0" else "1") for one in known[:1])


def routes(client: Client) -> list[tuple[str, str, str]]:
    """Method, address and the name of what it names, of every route that names something of an account's."""
    found = []
    for path, methods in client.get("/openapi.json")["paths"].items():
        if "{" in path:
            name = path.partition("{")[2].partition("}")[0]
            found += [(method.upper(), path.removeprefix("/api/v1"), name) for method in methods]
    return found


def test_what_is_not_ours_is_answered_as_if_it_were_nothing(
    other_customer: Client, theirs: dict[str, list[str]]
) -> None:
    mine = other_customer.submission()
    bodies = {**BODIES, "promote": {"evidence_ids": ["x"], "submission": mine}}
    changed = {name: other_customer.profile()[name] for name in ("product", "version", "operating_systems", "language")}
    asked = routes(other_customer)
    assert {*theirs} <= {name for _, _, name in asked}
    took: dict[bool, dict[str, list[float]]] = {True: defaultdict(list), False: defaultdict(list)}
    for method, path, name in asked:
        known = theirs.get(name, [])
        ids = guesses(name, known)
        answers = set()
        for number in range(-(-GUESSES // len(asked))):
            real = number % 3 == 0 and bool(known)
            target = known[number % len(known)] if real else next(ids)
            body = bodies.get(path.rpartition("/")[2]) if method == "POST" else None
            body = {**changed, "name": "x", "revision": 1} if method == "PUT" else body
            options: dict[str, Any] = {} if body is None else {"json": body}
            if method == "PATCH":
                options = {"content": b"x", "headers": {"Upload-Offset": "0"}}
            started = time.monotonic()
            answer = other_customer.request(method, path.replace(f"{{{name}}}", target), **options)
            took[real][f"{method} {path}"].append(time.monotonic() - started)
            answers.add((answer.status_code, answer.text, answer.headers["content-type"]))
        # What only others may ask for is refused before anybody looks at what is named.
        expected = [[404]] if known else [[403], [404], [422]]
        assert [status for status, _, _ in answers] in expected, (method, path, answers)
    ratios = {
        route: statistics.median(took[True][route]) / statistics.median(times)
        for route, times in took[False].items()
        if took[True][route]
    }
    assert 1 / FACTOR < statistics.median(ratios.values()) < FACTOR, ratios


def test_what_is_not_ours_is_named_in_vain(other_customer: Client, theirs: dict[str, list[str]]) -> None:
    def refused(**changes: Any) -> str:
        answer = other_customer.submit(**changes)
        assert answer.status_code == 422, answer.text
        return answer.text

    own = other_customer.opened(category="threat-inquiry", fields={}, severity="low")
    for upload_id in theirs["upload_id"]:
        named = [{"upload_id": one} for one in (upload_id, str(uuid4()))]
        answers = {
            other_customer.request("POST", f"/cases/{own}/updates", json={"attachments": [one]}).text for one in named
        }
        assert len(answers) == 1
    assert refused(profile_id=theirs["profile_id"][0]) == refused(profile_id=str(uuid4()))
    for sr in theirs["sr"]:
        assert other_customer.get("/cases", q=sr)["items"] == []
