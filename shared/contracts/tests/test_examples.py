import json
from typing import Any
from uuid import UUID, uuid5

import pytest
from jsonschema import Draft202012Validator

from caseway_contracts.gates import examples as gates
from caseway_contracts.gates.repository import examples
from caseway_contracts.schemas import generated
from caseway_contracts.sr_numbers import parse_sr

FILE = "cases/CaseSubmitted/v1/file.json"
EXAMPLES = examples()
STORY: dict[str, dict[str, Any]] = {path: json.loads(raw) for path, raw in EXAMPLES.items()}


def test_every_example_parses_and_every_event_has_one() -> None:
    assert gates.examples_parse(EXAMPLES) == []
    assert gates.every_event_has_one(EXAMPLES) == []


@pytest.mark.parametrize("path", EXAMPLES)
def test_ids_follow_from_causes(path: str) -> None:
    event = STORY[path]
    if event["caused_by"] is None:
        return
    cause = UUID(event["caused_by"])

    assert str(cause) in {other["event_id"] for other in STORY.values()}
    assert event["event_id"] == str(uuid5(cause, f"{event['type']}/{event['subject_id']}/{event['revision']}"))


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_published_schema_takes_what_the_classes_take(path: str) -> None:
    _, name, version, _ = path.split("/")
    schema = json.loads(generated()[f"{name}.{version}.json"])

    assert list(Draft202012Validator(schema).iter_errors(STORY[path])) == []


def test_no_two_examples_share_an_id() -> None:
    assert len({event["event_id"] for event in STORY.values()}) == len(STORY)


def test_keys_are_true_sr_numbers() -> None:
    for path, event in STORY.items():
        if not path.startswith(("profiles/", "cases/LegacyRequestImported/")):
            assert parse_sr(event["key"]).region == "01"


def test_one_case_goes_through_every_topic_about_cases() -> None:
    told = {path.split("/")[0] for path, event in STORY.items() if event["key"] == "SR01-000000042-4"}

    assert told == {"cases", "analyses", "ratings", "routes", "notifications"}


def test_an_event_without_an_example_is_named() -> None:
    [finding] = gates.every_event_has_one({path: b"" for path in EXAMPLES if "/CaseRouted/" not in path})

    assert finding.where == "routes/CaseRouted/v1"


@pytest.mark.parametrize(
    ("path", "change", "says"),
    [
        ("cases/CaseSubmited/v1/file.json", {}, "is an orphan"),
        ("case/CaseSubmitted/v1/file.json", {}, "is an orphan"),
        ("cases/CaseSubmitted/file.json", {}, "is not named"),
        ("cases/CaseSubmitted/v1/README.md", {}, "is not named"),
        ("cases/CaseSubmitted/v2/file.json", {}, "is of version 1"),
        (FILE, {"severity": "extreme"}, "does not parse: severity"),
        (FILE, {"type": "CaseClosed"}, "does not parse: type"),
        (FILE, {"tpye": "CaseSubmitted"}, "/tpye is"),
        (FILE, {"revision": "1"}, "/revision is '1' here and 1 once read and written"),
    ],
)
def test_a_bad_example_is_named(path: str, change: dict[str, object], says: str) -> None:
    raw = json.dumps(STORY[FILE] | change).encode()

    [finding] = gates.examples_parse({path: raw})

    assert says in finding.says


def test_an_example_that_leaves_its_type_to_a_default_is_read_by_nobody() -> None:
    nameless = {name: value for name, value in STORY[FILE].items() if name != "type"}

    [finding] = gates.examples_parse({FILE: json.dumps(nameless).encode()})

    assert "does not parse" in finding.says


def test_a_team_may_show_its_own_analyses() -> None:
    path = "analyses/EvidenceAnalyzed/v1/malicious-file.json"

    assert gates.examples_parse({path.replace("analyses", "analyses-attk-log"): EXAMPLES[path]}) == []
