from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from caseway_contracts.gates import asyncapi, ownership
from caseway_contracts.gates import topics as gates
from caseway_contracts.gates.repository import codeowners
from caseway_contracts.topics import Topic, topic, topics

MakeTopic = Callable[..., Topic]
MakeDocument = Callable[..., dict[str, Any]]


@pytest.fixture
def source(make_topic: MakeTopic) -> Topic:
    return make_topic("cases", producer="intake", consumers=["routing"])


def test_the_topics_keep_every_rule() -> None:
    known = topics()

    assert gates.names_are_plain(known) == []
    assert gates.one_producer_each(known) == []
    assert gates.events_are_those_of_the_union(known) == []
    assert gates.dead_letters_hold_what_sources_hold(known) == []
    assert gates.every_consumer_can_park(known, ["intake", "routing", "portal"]) == []
    assert ownership.every_topic_has_an_owner(known, codeowners()) == []


def test_the_audit_log_is_kept_for_ever_and_never_compacted() -> None:
    for known in topics():
        assert known.config["retention.ms"] == "-1"
        assert known.config["cleanup.policy"] == "delete"
        assert known.partitions == 8


def test_a_topic_is_found_by_its_name() -> None:
    assert topic("routes").producer == "routing"


def test_a_misspelt_setting_is_refused(make_topic: MakeTopic) -> None:
    with pytest.raises(ValidationError, match="partitons"):
        make_topic(partitons=8)


@pytest.mark.parametrize("name", ["case.events", "case_events", "Cases", "", "cases\n"])
def test_a_name_that_collides_in_metrics_is_refused(make_topic: MakeTopic, name: str) -> None:
    assert gates.names_are_plain([make_topic(name)])


@pytest.mark.parametrize("suffix", ["dlq", "retry"])
def test_a_dead_letter_topic_that_holds_less_than_its_source_is_refused(
    make_topic: MakeTopic, source: Topic, suffix: str
) -> None:
    parking = make_topic(f"routing-{suffix}", config=source.config | {"max.message.bytes": "1000"})

    [finding] = gates.dead_letters_hold_what_sources_hold([source, parking])

    assert "max.message.bytes 1000, but cases has 1048576" in finding.says


def test_a_consumer_that_cannot_park_is_refused(source: Topic) -> None:
    missing = [finding.where for finding in gates.every_consumer_can_park([source], ["routing"])]

    assert missing == ["routing-dlq", "routing-retry"]


def test_a_consumer_that_is_not_built_yet_needs_no_dead_letters(source: Topic) -> None:
    assert gates.every_consumer_can_park([source], ["intake"]) == []


def test_a_service_that_states_facts_on_two_topics_is_refused(make_topic: MakeTopic) -> None:
    both = [make_topic("routes", events=["CaseRouted"]), make_topic("cases", events=["CaseSubmitted"])]

    assert {finding.where for finding in gates.one_producer_each(both)} == {"routes", "cases"}


def test_an_internal_topic_that_others_read_is_refused(make_topic: MakeTopic) -> None:
    assert gates.one_producer_each([make_topic("routing-work", consumers=["routing", "portal"])])


def test_dead_letters_of_another_service_are_refused(make_topic: MakeTopic) -> None:
    assert gates.one_producer_each([make_topic("portal-dlq", producer="routing")])


@pytest.mark.parametrize(
    ("events", "versions", "says"),
    [
        (["CaseRouted", "CaseEscalated", "AnalysisCompleted"], [1], "does not declare CaseStatusChanged"),
        (["CaseRouted", "CaseEscalated", "AnalysisCompleted", "CaseStatusChanged", "X"], [1], "declares X"),
        (["CaseRouted", "CaseEscalated", "AnalysisCompleted", "CaseStatusChanged"], [2], "versions [1]"),
    ],
)
def test_a_topic_file_that_disagrees_with_the_union_is_refused(
    make_topic: MakeTopic, events: list[str], versions: list[int], says: str
) -> None:
    others = [known for known in topics() if known.name != "routes"]

    [finding] = gates.events_are_those_of_the_union([*others, make_topic(events=events, versions=versions)])

    assert says in finding.says


def test_a_union_without_a_topic_file_is_refused() -> None:
    [finding] = gates.events_are_those_of_the_union([known for known in topics() if known.name != "ratings"])

    assert finding.where == "ratings"


def test_a_team_may_state_analyses_on_a_topic_of_its_own(make_topic: MakeTopic) -> None:
    own = make_topic("analyses-attk-log", producer="attk-log", events=["EvidenceAnalyzed"], versions=[1])

    assert gates.events_are_those_of_the_union([*topics(), own]) == []
    assert gates.one_producer_each([*topics(), own]) == []


@pytest.mark.parametrize(
    "lines", ["", "* @caseway/all", "/shared/contracts/ @caseway/contracts", f"/{ownership.TOPICS}/routes.yaml"]
)
def test_a_topic_without_an_owner_of_its_own_is_refused(make_topic: MakeTopic, lines: str) -> None:
    assert ownership.every_topic_has_an_owner([make_topic("routes")], lines)


def test_the_last_line_decides_who_owns() -> None:
    lines = f"/{ownership.TOPICS}/routing-*.yaml @a\n/{ownership.TOPICS}/routing-dlq.yaml @b  # and nobody else"

    assert ownership.owners(f"{ownership.TOPICS}/routing-dlq.yaml", lines, below=ownership.TOPICS) == ["@b"]


def test_a_service_without_a_document_is_refused(make_topic: MakeTopic) -> None:
    [finding] = asyncapi.documents_agree([make_topic("routes")], {"routing": None})

    assert finding.where == "routing"


def test_a_document_that_says_what_the_topic_files_say_passes(
    make_topic: MakeTopic, make_document: MakeDocument, source: Topic
) -> None:
    known = [
        source,
        make_topic("routes", events=["CaseRouted"]),
        make_topic("routing-retry", consumers=["routing"]),
        make_topic("analyses", producer="sample-analysis", consumers=["routing"]),
        make_topic("analyses-attk-log", producer="attk-log", consumers=["routing"]),
    ]
    document = make_document(sends=("routes",), receives=("cases", "routing-retry", "analyses.*"))

    assert asyncapi.documents_agree(known, {"routing": document}) == []


@pytest.mark.parametrize(
    ("sends", "receives", "says"),
    [
        ((), ("cases",), "does not write routes"),
        (("routes", "cases"), ("cases",), "writes cases"),
        (("routes",), (), "does not read cases"),
        (("routes",), ("cases", "routes"), "reads routes"),
        (("routes",), ("cases", "elsewhere"), "names the topic elsewhere, which has no file"),
    ],
)
def test_a_document_that_differs_from_the_topic_files_is_refused(
    make_topic: MakeTopic,
    make_document: MakeDocument,
    source: Topic,
    sends: tuple[str, ...],
    receives: tuple[str, ...],
    says: str,
) -> None:
    document = make_document(sends=sends, receives=receives)

    [finding] = asyncapi.documents_agree([source, make_topic("routes")], {"routing": document})

    assert finding.says.startswith(says)
