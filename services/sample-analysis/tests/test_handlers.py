"""From a case event to what is stated about its pieces, on the in-memory broker."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from sample_analysis_fakes import ROOT, FakeSandbox, Kafka, MakeCase

from caseway_contracts.base import ObjectRef
from caseway_contracts.results import EvidenceReport
from caseway_kit.objects import Objects
from caseway_kit.sandbox import ParserError, SandboxCrash, SandboxLimit, SandboxUnavailable
from sample_analysis.service import SampleAnalysis
from sample_analysis.work import EvidenceWork, work_topic, works_of


async def reported(objects: Objects, event: dict[str, Any]) -> EvidenceReport:
    return await objects.get_json(ObjectRef.model_validate(event["report"]), EvidenceReport)


async def test_every_piece_that_is_ours_is_analysed_and_stated_once(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    pieces = {"f": "file", "m": "email", "a": "attk_log", "u": "url", "x": "firmware"}
    case = await make_case(pieces)
    await kafka.state(case)
    assert sandbox.analyzed == ["f", "m", "a"]
    assert [(one["subject_id"], one["kind"], one["verdict"]) for one in kafka.stated] == [
        ("f", "file", "unknown"),
        ("m", "email", "unknown"),
        ("a", "attk_log", "unknown"),
    ]
    assert {(one["key"], one["caused_by"], one["case_revision"]) for one in kafka.stated} == {
        (case.key, str(case.event_id), 1)
    }
    assert kafka.parked == []


async def test_evidence_of_an_update_carries_the_revision_of_the_update(kafka: Kafka, make_case: MakeCase) -> None:
    await kafka.state(await make_case({"late": "file"}, revision=3))
    assert [(one["subject_id"], one["case_revision"], one["revision"]) for one in kafka.stated] == [("late", 3, 1)]


async def test_the_report_holds_what_the_engines_found(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox, objects: Objects
) -> None:
    child = {"id": "c", "parent_id": ROOT, "name": "eicar.com", "verdict": "malicious"}
    root = {"id": ROOT, "name": "a.zip", "verdict": "malicious", "limits": [{"limit": "depth", "says": "Deep."}]}
    urls = [{"id": "u", "parent_id": ROOT, "url": "http://example.test/"}]
    sandbox.outcomes = [{"files": [root, child], "urls": urls, "engines": ["fake/1"]}]
    await kafka.state(await make_case())
    [stated] = kafka.stated
    assert (stated["verdict"], stated["files"], stated["urls"], stated["limits"]) == ("malicious", 2, 1, ["depth"])
    assert stated["engines"] == ["fake/1"]
    report = await reported(objects, stated)
    assert [file.name for file in report.files] == ["a.zip", "eicar.com"]
    assert (report.evidence_id, report.revision, report.kind) == ("piece-1", 1, "file")
    assert report.engines == ("fake/1",)


async def test_the_customers_password_goes_to_the_engines_and_into_no_event(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    await kafka.state(await make_case(password="Sesame!"))
    assert sandbox.passwords == [["Sesame!"]]
    assert "Sesame!" not in json.dumps(kafka.stated)


async def test_redelivery_repeats_the_event_without_a_second_analysis(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    case = await make_case()
    for _ in range(3):
        await kafka.state(case)
    assert len(kafka.stated) == 3
    assert all(one == kafka.stated[0] for one in kafka.stated)
    assert sandbox.analyzed == ["piece-1"]


async def test_the_same_id_with_other_facts_is_parked_and_changes_nothing(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    await kafka.state(await make_case())
    await kafka.state(await make_case(product="other"))
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["invalid"]
    assert [one["type"] for one in kafka.stated] == ["EvidenceAnalyzed"]
    assert sandbox.analyzed == ["piece-1"]


async def test_a_piece_of_another_case_is_refused(kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox) -> None:
    await kafka.state(await make_case())
    await kafka.state(await make_case(number=43, account="acc-2"))
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["invalid"]
    assert len(kafka.stated) == 1


async def test_what_an_account_sends_beyond_one_full_case_waits_on_the_bulk_lane(
    analysis: SampleAnalysis, make_case: MakeCase
) -> None:
    flood = await make_case({f"p{number}": "file" for number in range(25)})
    topics = [work.topic for work in await analysis.plan(flood)]
    assert topics == [work_topic("file")] * 20 + [work_topic("bulk")] * 5
    assert [work.topic for work in await analysis.plan(flood)] == topics
    other = await make_case({"q": "email"}, number=43, account="acc-2")
    assert [work.topic for work in await analysis.plan(other)] == [work_topic("email")]


async def test_a_full_case_goes_on_its_lane_while_few_pieces_of_its_account_wait(
    analysis: SampleAnalysis, make_case: MakeCase
) -> None:
    full = {f"p{number}": "file" for number in range(20)}
    lanes = []
    for number, brought in enumerate(({f"few{number}": "file" for number in range(5)}, full, full), start=50):
        case = await make_case({f"{name}-{number}": kind for name, kind in brought.items()}, number=number)
        lanes.append({work.topic for work in await analysis.plan(case)})
    assert lanes == [{work_topic("file")}, {work_topic("file")}, {work_topic("bulk")}]


async def test_a_flood_of_cases_goes_to_the_bulk_lane_and_other_accounts_pass_it(
    analysis: SampleAnalysis, make_case: MakeCase
) -> None:
    topics: Counter[str] = Counter()
    for batch in range(5):
        flood = [
            await make_case({f"p{number}": "file"}, number=number) for number in range(batch * 50, batch * 50 + 50)
        ]
        planned = await asyncio.gather(*map(analysis.plan, flood))
        topics.update(work.topic for works in planned for work in works)
    # Those of one batch can't see each other: one batch too many may go to the lane of its kind.
    assert topics[work_topic("file")] <= 100
    assert topics[work_topic("bulk")] >= 150
    for number, kind in enumerate(("file", "email", "attk_log"), start=900):
        other = await make_case({f"q{number}": kind}, number=number, account=f"acc-{number}")
        assert [work.topic for work in await analysis.plan(other)] == [work_topic(kind)]


async def test_an_account_whose_pieces_are_done_is_back_on_its_lane(
    analysis: SampleAnalysis, make_case: MakeCase
) -> None:
    flood = await make_case({f"p{number}": "file" for number in range(50)})
    await analysis.plan(flood)
    for work in works_of(flood):
        await analysis.analyze(work)
    later = await make_case({"q": "file"}, number=43)
    assert [work.topic for work in await analysis.plan(later)] == [work_topic("file")]


async def test_work_is_keyed_by_its_piece_and_reads_as_the_same_bytes_each_time(
    analysis: SampleAnalysis, make_case: MakeCase
) -> None:
    case = await make_case()
    first, second = [(await analysis.plan(case))[0] for _ in range(2)]
    assert (first.key, first.body) == ("piece-1", second.body)
    assert EvidenceWork.model_validate_json(first.body).caused_by == case.event_id


@pytest.mark.parametrize(
    ("failure", "limit"),
    [
        (SandboxLimit("wall_seconds", "stopped after 150 seconds"), "wall-seconds"),
        (SandboxLimit("memory_bytes", "too much"), "memory-bytes"),
        (ParserError("KeyError", "secret words"), "analyser-failed"),
        ({"files": [{"id": "another", "name": "x"}]}, "analyser-failed"),
        ({"files": []}, "analyser-failed"),
        ({"urls": "none"}, "analyser-failed"),
        (["no", "report"], "analyser-failed"),
    ],
)
async def test_what_stops_the_engines_is_a_result(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox, objects: Objects, failure: Any, limit: str
) -> None:
    sandbox.outcomes = [failure]
    await kafka.state(await make_case())
    [stated] = kafka.stated
    assert (stated["verdict"], stated["limits"], stated["files"]) == ("not_analyzed", [limit], 1)
    [file] = (await reported(objects, stated)).files
    assert (file.name, file.size) == ("piece-1.zip", len("piece-1"))
    assert "secret" not in file.model_dump_json()
    assert kafka.parked == []


async def test_a_sample_that_kills_its_child_is_tried_three_times(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    sandbox.outcomes = [SandboxCrash(11), SandboxCrash(11)]
    await kafka.state(await make_case())
    assert [one["verdict"] for one in kafka.stated] == ["unknown"]
    sandbox.outcomes = [SandboxCrash(11), SandboxCrash(9), SandboxCrash(None)]
    await kafka.state(await make_case({"killer": "file"}, number=43))
    assert kafka.stated[-1]["verdict"] == "not_analyzed"
    assert kafka.stated[-1]["limits"] == ["analyser-crashed"]
    assert sandbox.analyzed == ["piece-1"] * 3 + ["killer"] * 3


async def test_bytes_that_are_not_those_that_were_sent_are_named_and_never_analysed(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox, objects: Objects
) -> None:
    case = await make_case()
    await objects.delete(case.evidence[0].object.key)
    await objects.put(case.evidence[0].object, b"other bytes")
    await kafka.state(case)
    assert [(one["verdict"], one["limits"]) for one in kafka.stated] == [("not_analyzed", ["object-damaged"])]
    assert sandbox.analyzed == []


async def test_bytes_that_are_gone_are_a_result_while_the_words_are_there(
    kafka: Kafka, make_case: MakeCase, objects: Objects
) -> None:
    case = await make_case()
    await objects.delete(case.evidence[0].object.key)
    await kafka.state(case)
    assert [(one["verdict"], one["limits"]) for one in kafka.stated] == [("not_analyzed", ["object-missing"])]


async def test_nothing_is_stated_about_a_case_that_was_erased(
    kafka: Kafka, make_case: MakeCase, objects: Objects
) -> None:
    case = await make_case()
    await objects.delete(case.evidence[0].object.key)
    await objects.delete(case.sheet.key)
    await kafka.state(case)
    assert (kafka.stated, kafka.parked) == ([], [])


async def test_a_sandbox_that_cannot_start_children_is_waited_for(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    sandbox.outcomes = [SandboxUnavailable("no room"), SandboxUnavailable("no room")]
    await kafka.state(await make_case())
    assert len(kafka.waits) == 2
    assert [one["verdict"] for one in kafka.stated] == ["unknown"]


async def test_a_bug_parks_the_work_and_states_the_delay(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox
) -> None:
    sandbox.outcomes = [RuntimeError("a bug")] * 5
    case = await make_case()
    await kafka.state(case)
    assert [(headers["dlq-topic"], headers["dlq-reason"]) for headers in kafka.parked] == [(work_topic("file"), "bug")]
    [delayed] = kafka.stated
    assert (delayed["type"], delayed["subject_id"], delayed["reason"]) == ("EvidenceDelayed", "piece-1", "bug")
    assert delayed["caused_by"] == str(case.event_id)


async def test_a_parked_case_event_delays_each_of_its_pieces_and_says_the_same_the_next_time(
    kafka: Kafka, make_case: MakeCase, analysis: SampleAnalysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Any) -> Any:
        raise RuntimeError

    case = await make_case({"f": "file", "u": "url", "m": "email"})
    with monkeypatch.context() as patch:
        patch.setattr(analysis, "plan", broken)
        await kafka.state(case)
    assert [(one["type"], one["subject_id"]) for one in kafka.stated] == [
        ("EvidenceDelayed", "f"),
        ("EvidenceDelayed", "m"),
    ]
    assert [json.loads(one.body) for one in await analysis.delayed(case, "bug")] == kafka.stated

    await kafka.state(case)
    assert [(one["type"], one["subject_id"]) for one in kafka.stated[2:]] == [
        ("EvidenceAnalyzed", "f"),
        ("EvidenceAnalyzed", "m"),
    ]


async def test_a_full_scratch_space_is_waited_for(
    kafka: Kafka, make_case: MakeCase, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, full = objects.fetch, [OSError(28, "No space left on device")]

    async def fetch_when_there_is_space(*args: Any) -> None:
        if full:
            raise full.pop()
        await fetch(*args)

    monkeypatch.setattr(objects, "fetch", fetch_when_there_is_space)
    await kafka.state(await make_case())
    assert len(kafka.waits) == 1
    assert [one["verdict"] for one in kafka.stated] == ["unknown"]


async def test_two_workers_with_the_same_piece_state_the_same(
    analysis: SampleAnalysis, make_case: MakeCase, clock: Any
) -> None:
    case = await make_case()
    await analysis.plan(case)
    [work] = works_of(case)
    first, second = await asyncio.gather(analysis.analyze(work), analysis.analyze(work))
    assert first == second


@pytest.mark.parametrize("poison", [b"", b"not json", b'{"type": "EvidenceWork"}', b"\xff"])
async def test_undecodable_work_is_parked(kafka: Kafka, poison: bytes) -> None:
    await kafka.send(work_topic("file"), poison)
    assert [headers["dlq-reason"] for headers in kafka.parked] == ["undecodable"]


async def test_dropped_work_ends_as_not_analysed(
    kafka: Kafka, make_case: MakeCase, analysis: SampleAnalysis, objects: Objects, sandbox: FakeSandbox
) -> None:
    sandbox.outcomes = [RuntimeError("a bug")] * 5
    case = await make_case()
    await kafka.state(case)
    [work] = works_of(case)
    [first] = await analysis.dropped(work)
    assert [first] == await analysis.dropped(case)
    event = json.loads(first.body)
    assert (event["verdict"], event["limits"]) == ("not_analyzed", ["dropped"])
    assert [file.name for file in (await reported(objects, event)).files] == ["piece-1.zip"]
