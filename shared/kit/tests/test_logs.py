import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from caseway_kit import logs


@pytest.fixture
def written() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    logs.configure("intake", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


Written = Callable[[], list[dict[str, Any]]]


def test_a_line_names_service_time_level_and_what_is_bound(written: Written) -> None:
    with logs.bind(case="SR01-000000042-4", event="5d0c"):
        logs.logger("caseway.relay").info("published", events=3)
    logs.logger("caseway.relay").info("idle")

    first, second = written()
    assert first.items() >= {
        "service": "intake", "level": "info", "logger": "caseway.relay", "message": "published", "events": 3,
        "case": "SR01-000000042-4", "event_id": "5d0c",
    }.items()  # fmt: skip
    assert first["at"].endswith("Z")
    assert "case" not in second


@pytest.mark.parametrize("hostile", ["\r\n{}", "\n", "\x1b[2J\x1b]0;owned\x07", "\u2028", "\u2029", "\x85", "\ud800"])
def test_hostile_text_stays_inside_one_ascii_line(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    before = logging.getLogger().handlers[:]
    logs.configure("intake", stream=stream)
    logs.logger("x").info(f"a{hostile}b", **{f"key{hostile}": f"c{hostile}d"})
    logging.getLogger("library").warning("e%sf", hostile)
    logging.captureWarnings(False)
    logging.getLogger().handlers[:] = before

    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert all(line.isascii() and line.isprintable() for line in lines)
    assert json.loads(lines[0])["message"] == f"a{hostile}b"


def test_a_field_of_a_megabyte_is_cut(written: Written) -> None:
    logs.logger("x").info("big", field="y" * 1_000_000, nested={"list": ["z" * 10_000] * 60})

    [line] = written()
    assert line["field"].endswith("y [998000 characters more]")
    assert len(line["nested"]["list"]) == 50
    assert len(json.dumps(line)) < 110_000


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"attachment_passwords": ["hunter2"]},
        {"headers": {"Authorization": "hunter2", "Cookie": "hunter2"}},
        {"says": "Authorization: Bearer hunter2.hunter2"},
        {"says": "cannot reach mongodb://intake:hunter2@db/"},
        {"says": "login with password=hunter2 failed"},
        {"says": "eyJhbGciOiJFZERTQSJ9.hunter2.hunter2"},
        {"deep": [{"token": "hunter2"}]},
    ],
)
def test_secrets_are_left_out(written: Written, fields: dict[str, Any]) -> None:
    logs.logger("x").info("line", **fields)

    assert "hunter2" not in json.dumps(written())


def test_the_standard_library_goes_the_same_way(written: Written) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request\nreceived")
    logging.getLogger("aiokafka").info("chatter")

    [line] = written()
    assert (line["logger"], line["level"], line["service"]) == ("uvicorn.error", "warning", "intake")


def test_an_exception_is_told_with_its_cause_on_one_line(written: Written) -> None:
    try:
        try:
            raise KeyError("inner\nline")
        except KeyError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError:
        logs.logger("x").exception("failed")

    [line] = written()
    outer, inner_cause = line["exception"]
    assert (outer["type"], outer["says"]) == ("builtins.RuntimeError", "outer")
    assert inner_cause["type"] == "builtins.KeyError"
    assert "test_logs.py:" in outer["frames"][0]


def test_a_group_of_exceptions_is_told_with_what_is_in_it(written: Written) -> None:
    try:
        raise ExceptionGroup("unhandled errors in a TaskGroup", [KeyError("letter")])
    except ExceptionGroup:
        logs.logger("x").exception("background task died")

    [line] = written()
    assert [cause["type"] for cause in line["exception"]] == ["builtins.ExceptionGroup", "builtins.KeyError"]


def test_a_validation_error_does_not_repeat_the_customers_words(written: Written) -> None:
    class Form(BaseModel):
        severity: int

    try:
        Form.model_validate({"severity": "my very own words"})
    except ValidationError:
        logs.logger("x").exception("failed")

    assert "my very own words" not in json.dumps(written())
