import json
from pathlib import Path

import pytest

from caseway_contracts import schemas


def test_what_is_committed_equals_what_is_generated() -> None:
    assert schemas.stale(schemas.generated(), schemas.committed()) == []


def test_a_schema_that_is_missing_stale_or_without_a_class_is_named() -> None:
    found = schemas.stale({"A.v1.json": "{}", "B.v1.json": "{}"}, {"B.v1.json": "[]", "C.v1.json": "{}"})

    assert found == [
        ("A.v1.json", "is missing"),
        ("B.v1.json", "differs from its class"),
        ("C.v1.json", "has no class"),
    ]


def test_writing_leaves_what_has_no_class_to_the_gates(tmp_path: Path) -> None:
    (tmp_path / "Removed.v1.json").write_text("{}")

    schemas.write(tmp_path)

    assert schemas.committed(tmp_path) == schemas.generated() | {"Removed.v1.json": "{}"}


def test_the_command_fails_on_what_it_did_not_expect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schemas.committed, "__defaults__", (tmp_path,))

    assert schemas.main(["--check"]) == 1
    assert "CaseSubmitted.v1.json is missing" in capsys.readouterr().out


def test_an_open_union_is_published_as_any_of() -> None:
    # A known piece fits its own member and the one for kinds added later: with oneOf no piece would be valid.
    schema = json.loads(schemas.generated()["CaseSubmitted.v1.json"])

    assert len(schema["properties"]["evidence"]["items"]["anyOf"]) == 5
