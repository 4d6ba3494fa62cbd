"""What the command line prints of others' words, and how it reads while a part is away."""

import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import typer
from rich.console import Console

from caseway_embedded.cli import cases, client
from caseway_embedded.cli.client import Api
from caseway_embedded.cli.results import print_case

HOSTILE = "[/]\x1b]0;owned\x07[link=http://x.example]\x9b2J\u202egpj.exe[red]"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Api]:
    def make(*answers: httpx.Response) -> Api:
        left = list(answers)
        made = object.__new__(Api)
        made.url = "http://test"
        transport = httpx.MockTransport(lambda _: left.pop(0))
        made.http = httpx.Client(transport=transport, base_url="http://test/api/v1")
        monkeypatch.setattr("time.sleep", lambda _: None)
        return made

    return make


def case(complete: bool = True) -> dict[str, Any]:
    file: dict[str, Any] = {"id": "1", "parent_id": None, "name": HOSTILE, "verdict": "malicious", "limits": []}
    reason = {"says": HOSTILE}
    url = {"id": "2", "parent_id": "1", "url": f"http://x.example/{HOSTILE}", "rating": "untested", "reasons": [reason]}
    analysis = {"complete": complete, "files": [{**file, "reasons": [reason]}], "emails": [], "attk_logs": []}
    return {
        "sr_number": "SR01-000000042-4",
        "status": "open",
        "severity": "low",
        "subject": HOSTILE,
        "analysis": {**analysis, "urls": [url]},
    }


def test_hostile_words_have_no_power_over_the_terminal() -> None:
    out = io.StringIO()
    print_case(Console(file=out, force_terminal=True, width=200), case())
    printed = out.getvalue()
    assert "[link=http://x.example]" in printed
    assert not [mark for mark in ("\x1b]0", "\x07", "\x9b", "\u202e") if mark in printed]


def test_read_is_tried_again_while_a_part_starts(api: Callable[..., Api]) -> None:
    away = httpx.Response(503, json={"title": "Service unavailable"})
    assert api(away, away, httpx.Response(200, json={"a": 1})).get("/x") == {"a": 1}
    with pytest.raises(typer.Exit):
        api(*[away] * 20).get("/x")


def test_waiting_for_a_case_ends_in_time_however_often_a_read_is_tried(
    api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached = api(*[httpx.Response(503)] * 20)
    passed = [0.0]
    monkeypatch.setattr("time.sleep", lambda seconds: passed.append(passed[-1] + seconds))
    monkeypatch.setattr("time.monotonic", lambda: passed[-1])
    with pytest.raises(typer.Exit) as ended:
        cases.wait_until_complete(reached, "SR01-000000042-4", 5)
    assert (ended.value.exit_code, passed[-1]) == (client.TIMED_OUT, 5)
    assert "not complete after 5 s" in capsys.readouterr().err


def test_write_is_never_repeated_by_itself(api: Callable[..., Api]) -> None:
    with pytest.raises(typer.Exit):
        api(httpx.Response(503, json={})).post("/x", {})


def test_watching_goes_on_where_it_was_when_the_stream_ends(
    api: Callable[..., Api], capsys: pytest.CaptureFixture[str]
) -> None:
    def stream(*events: tuple[str, str, Any]) -> httpx.Response:
        text = "".join(f"event: {name}\nid: {place}\ndata: {json.dumps(data)}\n\n" for name, place, data in events)
        return httpx.Response(200, text=text)

    item = {"at": "2026-03-02T09:15:00Z", "says": "Received."}
    reached = api(
        httpx.Response(200, json=case(complete=False)),
        stream(("timeline", "7", item)),
        httpx.Response(200, json=case(complete=False)),
        httpx.Response(503),
        httpx.Response(200, json=case(complete=False)),
        stream(("complete", "8", {})),
    )
    cases.watch_case(reached, "SR01-000000042-4")
    assert capsys.readouterr().out == "09:15:00  Received.\n"
