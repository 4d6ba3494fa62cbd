"""The desk of an analyst, and overrides, from a shell: what is asked of the system, and what is printed."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from caseway_embedded.cli.main import app

HOSTILE = "http://evil.example/\x1b]0;owned\x07"
Commands = Callable[..., Result]
CATEGORIES = [{"id": 58, "name": "Shopping", "group": "x"}, {"id": 75, "name": "Phishing", "group": "x"}]
REQUEST = {
    "id": "u1",
    "sr_number": "SR01-000000042-4",
    "url": HOSTILE,
    "requested_rating": "safe",
    "requested_categories": [58],
    "rating": "dangerous",
    "score": 49,
    "categories": [75],
    "outcome": None,
    "proposed": {"rating": "safe", "categories": [58], "reason": "Cleaned."},
}
OVERRIDE = {
    "id": "o1",
    "expression": "shop.example/",
    "rating": "safe",
    "categories": [58],
    "reason": HOSTILE,
    "by": "con-1",
    "at": "2026-01-05T09:00:00Z",
    "expires_at": None,
    "awaits_second": False,
    "removal_by": None,
    "removed_at": None,
    "removed_reason": None,
}


class System:
    """Answers by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/catalog": {"url_categories": CATEGORIES}}
        self.asked: list[tuple[str, Any]] = []

    def page(self, path: str, *items: Any) -> None:
        self.answers[path] = {"items": items, "next_cursor": None}

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api/v1")
        self.asked.append((path, json.loads(request.content) if request.content else dict(request.url.params)))
        return httpx.Response(200, json=self.answers[path])


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    system = System()
    real = httpx.Client

    def make(**options: Any) -> httpx.Client:
        return real(transport=httpx.MockTransport(system.answer), **options)

    monkeypatch.setattr(httpx, "Client", make)
    monkeypatch.setenv("CASEWAY_URL", "http://test")
    monkeypatch.setenv("CASEWAY_TOKEN", "token")
    return system


@pytest.fixture
def caseway(system: System) -> Commands:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


def test_desk_shows_what_waits_with_the_words_of_url_rating(system: System, caseway: Commands) -> None:
    case = {
        "sr_number": REQUEST["sr_number"],
        "team": "web-reputation",
        "priority": 3,
        "due_at": "2026-01-06T09:00:00Z",
    }
    system.page("/desk/reclassifications", {**case, "url_ids": ["u1", "decided-just-now"]})
    system.page("/ratings/reclassifications", REQUEST)
    [listed] = json.loads(caseway("reclassifications", "list", "--team", "web-reputation", "--json").stdout)
    assert (listed["id"], listed["team"], listed["due_at"]) == ("u1", "web-reputation", "2026-01-06T09:00:00Z")
    assert system.asked[0][1]["team"] == "web-reputation"

    shown = caseway("reclassifications", "list").stdout
    assert "\x1b" not in shown
    assert "it is dangerous (Phishing); the customer wants safe (Shopping)" in shown
    assert "waits for a second analyst: safe (Shopping)" in shown


def test_decision_goes_to_url_rating_with_categories_by_name(system: System, caseway: Commands) -> None:
    path = "/ratings/reclassifications/..%2Fu1/decision"
    system.answers[path] = {**REQUEST, "outcome": "changed", "rating": "safe", "score": 90}
    why = ("--reason", "Cleaned.")
    done = caseway("reclassifications", "decide", "../u1", "--rating", "safe", "--category", "shopping", *why)
    assert done.exit_code == 0
    body = {"outcome": "changed", "rating": "safe", "categories": [58], "reason": "Cleaned."}
    assert system.asked[-1] == (path, body)
    assert "is safe (90)" in done.stdout
    assert "\x1b" not in done.stdout

    system.answers[path] = {**REQUEST, "outcome": None}
    assert "another analyst" in caseway("reclassifications", "decide", "../u1", "--category", "58", *why).stdout
    system.answers[path] = {**REQUEST, "outcome": "kept"}
    assert "stays dangerous" in caseway("reclassifications", "decide", "../u1", "--keep", *why).stdout
    assert system.asked[-1][1]["outcome"] == "kept"


@pytest.mark.parametrize("arguments", [[], ["--keep", "--rating", "safe"], ["--category", "no-such-one"]])
def test_decision_that_says_nothing_or_too_much_is_not_sent(
    system: System, caseway: Commands, arguments: list[str]
) -> None:
    done = caseway("reclassifications", "decide", "u1", "--reason", "why", *arguments)
    assert done.exit_code == 2
    assert [path for path, _ in system.asked if path != "/catalog"] == []


def test_override_is_added_listed_and_removed(system: System, caseway: Commands) -> None:
    system.answers["/ratings/overrides"] = {**OVERRIDE, "awaits_second": True}
    given = ("--rating", "safe", "--reason", "Ours.", "--category", "58", "--expires-at", "2030-01-01")
    added = caseway("overrides", "add", "shop.example", *given)
    assert added.stdout.startswith("o1\n")
    assert "caseway overrides second o1" in added.stdout
    assert system.asked[-1][1] == {
        "url": "shop.example",
        "rating": "safe",
        "reason": "Ours.",
        "categories": [58],
        "expires_at": "2030-01-01T00:00:00+00:00",
    }

    over = {**OVERRIDE, "id": "o0", "removed_at": "2026-01-06T09:00:00Z", "removed_reason": "Over."}
    expired = {**OVERRIDE, "id": "o2", "expires_at": "2020-01-01T00:00:00Z"}
    system.page("/ratings/overrides", over, OVERRIDE, expired)
    assert [one["id"] for one in json.loads(caseway("overrides", "list", "--json").stdout)] == ["o1"]
    assert len(json.loads(caseway("overrides", "list", "--all", "--json").stdout)) == 3
    shown = caseway("overrides", "list", "--all").stdout
    assert "o1  shop.example/  safe (Shopping)\n" in shown
    assert "over since 2026-01-06T09:00:00Z: Over." in shown
    assert "\x1b" not in shown

    system.answers["/ratings/overrides/o1/second"] = OVERRIDE
    assert "shop.example/ is safe" in caseway("overrides", "second", "o1").stdout
    system.answers["/ratings/overrides/o1/remove"] = {**OVERRIDE, "removal_by": "con-1"}
    assert "another one" in caseway("overrides", "remove", "o1", "--reason", "over").stdout
    system.answers["/ratings/overrides/o1/remove"] = over
    assert "is over" in caseway("overrides", "remove", "o1", "--reason", "over").stdout
