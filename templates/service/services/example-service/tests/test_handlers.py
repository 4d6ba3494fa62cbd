"""From a case event to what is stated about its pieces, on the in-memory broker."""

import pytest
from example_service.pieces import Findings
from example_service.service import KIND, Analysis
from example_service_fakes import FakeEngine, Kafka, MakeCase

from caseway_contracts.base import ObjectRef
from caseway_contracts.results import EvidenceReport, Reason
from caseway_kit.errors import OutageError
from caseway_kit.objects import Objects


async def test_every_piece_of_our_kind_is_analysed_and_stated_once(kafka: Kafka, make_case: MakeCase) -> None:
    case = await make_case({"a": KIND, "f": "file", "b": KIND})
    await kafka.state(case)
    assert [(one["type"], one["subject_id"], one["verdict"]) for one in kafka.stated] == [
        ("EvidenceAnalyzed", "a", "unknown"),
        ("EvidenceAnalyzed", "b", "unknown"),
    ]
    assert {(one["key"], one["caused_by"]) for one in kafka.stated} == {(case.key, str(case.event_id))}
    assert kafka.parked == []


async def test_the_report_holds_what_was_found(
    kafka: Kafka, make_case: MakeCase, engine: FakeEngine, objects: Objects
) -> None:
    reason = Reason(engine="fake", version="1", rule="r1", says="It beacons.")
    engine.outcomes = [Findings(verdict="malicious", reasons=(reason,))]
    await kafka.state(await make_case())
    [stated] = kafka.stated
    report = await objects.get_json(ObjectRef.model_validate(stated["report"]), EvidenceReport)
    assert stated["verdict"] == "malicious"
    assert [(file.name, file.verdict, file.reasons) for file in report.files] == [
        ("piece-1.bin", "malicious", (reason,))
    ]


async def test_redelivery_repeats_the_event_without_a_second_analysis(
    kafka: Kafka, make_case: MakeCase, engine: FakeEngine
) -> None:
    for _ in range(2):
        await kafka.state(await make_case())
    first, second = kafka.stated
    assert first == second
    assert len(engine.examined) == 1


async def test_the_same_id_with_other_facts_is_parked(kafka: Kafka, make_case: MakeCase) -> None:
    await kafka.state(await make_case())
    await kafka.state(await make_case(severity="critical"))
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["invalid"]
    assert len(kafka.stated) == 1


async def test_a_piece_of_another_event_is_parked(kafka: Kafka, make_case: MakeCase) -> None:
    await kafka.state(await make_case())
    await kafka.state(await make_case(seed="another"))
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["invalid"]


async def test_an_outage_is_waited_out(kafka: Kafka, make_case: MakeCase, engine: FakeEngine) -> None:
    engine.outcomes = [OutageError("sandbox")]
    await kafka.state(await make_case())
    assert kafka.waits
    assert [one["type"] for one in kafka.stated] == ["EvidenceAnalyzed"]


async def test_a_bug_parks_the_event_and_states_the_delay(
    kafka: Kafka, make_case: MakeCase, engine: FakeEngine
) -> None:
    engine.outcomes = [RuntimeError("bug")] * 5
    await kafka.state(await make_case())
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["bug"]
    assert [(one["type"], one["subject_id"]) for one in kafka.stated] == [("EvidenceDelayed", "piece-1")]


@pytest.mark.parametrize("body", [b"not json", b'{"type": "CaseSubmitted"}'])
async def test_what_cannot_be_read_is_parked(kafka: Kafka, body: bytes) -> None:
    await kafka.send("cases", body)
    assert [headers["dlq-topic"] for headers in kafka.parked] == ["cases"]


async def test_a_dropped_event_ends_as_not_analysed(analysis: Analysis, make_case: MakeCase) -> None:
    case = await make_case()
    await analysis.delayed(case, "bug")
    [stated] = await analysis.dropped(case)
    assert '"verdict":"not_analyzed"' in stated.body
    assert await analysis.analyze(case) == [stated]


async def test_dropping_an_event_says_nothing_of_a_piece_that_another_has_brought(
    analysis: Analysis, make_case: MakeCase
) -> None:
    await analysis.analyze(await make_case())
    assert await analysis.dropped(await make_case(seed="another")) == []
