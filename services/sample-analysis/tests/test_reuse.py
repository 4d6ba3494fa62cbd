"""The same bytes are looked at once, whoever sends them, and nobody learns of the others."""

import hashlib
from typing import Any

import pytest
from sample_analysis_fakes import ROOT, FakeSandbox, InMemoryResultRepository, Kafka, MakeCase

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseErased
from caseway_contracts.results import EvidenceReport, FileResult, Limit
from caseway_kit.objects import Objects
from caseway_kit.sandbox import ParserError
from sample_analysis.reuse import ResultRepository, repeatable, result_key, rooted
from sample_analysis.service import SampleAnalysis
from sample_analysis.work import works_of

BYTES = b"the same bytes"
SHA256 = hashlib.sha256(BYTES).hexdigest()
KEY: dict[str, Any] = {
    "kind": "file",
    "name": "a.exe",
    "passwords": ["x"],
    "engines": ["e/1"],
    "budget": {"seconds": 9},
}
FOUND = {
    "files": [
        {"id": ROOT, "name": "piece.zip", "verdict": "malicious"},
        {"id": "c", "parent_id": ROOT, "name": "in it", "sha256": "c" * 64, "verdict": "malicious"},
    ],
    "emails": [{"id": "c", "parent_id": ROOT, "attachments": ["c"], "urls": ["u"]}],
    "urls": [{"id": "u", "parent_id": "c", "url": "http://example.test/"}],
}


async def reported(objects: Objects, event: dict[str, Any]) -> EvidenceReport:
    return await objects.get_json(ObjectRef.model_validate(event["report"]), EvidenceReport)


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "email"},
        {"name": "b.exe"},
        {"passwords": []},
        {"passwords": ["x", "y"]},
        {"engines": ["e/2"]},
        {"budget": {"s": 10}},
    ],
)
def test_what_a_result_depends_on_is_part_of_its_key(other: dict[str, Any]) -> None:
    assert result_key(SHA256, **KEY) != result_key(SHA256, **KEY | other)
    assert result_key(SHA256, **KEY) != result_key("0" * 64, **KEY)
    assert result_key(SHA256, **KEY) == result_key(SHA256, **KEY | {"engines": ("e/1",)})


def test_a_result_reads_as_if_it_were_made_for_the_piece() -> None:
    first, second = (rooted(FOUND, ROOT, piece) for piece in ("piece-1", "piece-2"))
    assert first == rooted(FOUND, ROOT, "piece-1")
    assert first["files"][0]["id"] == "piece-1"
    assert first["files"][1]["parent_id"] == "piece-1"
    child = first["files"][1]["id"]
    assert (first["emails"][0]["id"], first["emails"][0]["attachments"]) == (child, [child])
    assert (first["urls"][0]["parent_id"], first["emails"][0]["urls"]) == (child, [first["urls"][0]["id"]])
    assert child != second["files"][1]["id"]


@pytest.mark.parametrize("found", [{}, {"files": "none"}, {"files": [1, {"id": 5}, {"id": ["x"]}]}, {"files": [{}]}])
def test_what_is_no_result_passes_through(found: dict[str, Any]) -> None:
    assert rooted(found, ROOT, "piece-1") == found


@pytest.mark.parametrize(
    ("limit", "same_again"),
    [
        ("depth", True),
        ("time", False),
        ("scan-time", False),
        ("cpu_seconds", False),
        ("timestamps", True),
        ("scratch-space", False),
        ("antivirus-failed", False),
    ],
)
def test_what_time_cut_short_is_not_used_again(limit: str, *, same_again: bool) -> None:
    file = FileResult(id="p", name="", limits=(Limit(limit=limit, says="?"),))
    report = EvidenceReport(salt="5" * 32, sr_number="SR", evidence_id="p", revision=1, kind="file", files=(file,))
    assert repeatable(report) is same_again


async def test_results_are_kept_found_and_forgotten_by_their_bytes(results: ResultRepository) -> None:
    await results.keep("k1", SHA256, FOUND)
    await results.keep("k1", SHA256, {"files": []})
    await results.keep("k2", "0" * 64, {})
    assert await results.find("k1") == FOUND
    await results.forget([SHA256])
    assert await results.find("k1") is None
    assert await results.find("k2") == {}


async def test_the_same_bytes_are_looked_at_once_and_each_sender_has_a_result_of_its_own(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox, objects: Objects
) -> None:
    sandbox.outcomes = [FOUND]
    await kafka.state(await make_case({"p1": "file"}, name="a.zip", data=BYTES))
    await kafka.state(await make_case({"p2": "file"}, name="a.zip", data=BYTES, number=43, account="acc-2"))
    assert len(sandbox.analyzed) == 1
    first, second = [await reported(objects, one) for one in kafka.stated]
    assert [(one["key"], one["verdict"]) for one in kafka.stated] == [
        ("SR01-000000042-4", "malicious"),
        ("SR01-000000043-4", "malicious"),
    ]
    assert [file.id == "p2" for file in second.files] == [True, False]
    assert second.files[1].parent_id == "p2"
    own = {"id", "parent_id"}
    assert [one.model_dump(exclude=own) for one in first.files] == [one.model_dump(exclude=own) for one in second.files]
    assert not {one.id for one in first.files} & {one.id for one in second.files}
    assert first.salt != second.salt
    assert "SR01-000000042-4" not in second.model_dump_json()


async def test_a_result_that_holds_another_name_or_password_is_not_used(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox, objects: Objects
) -> None:
    await kafka.state(await make_case({"p1": "file"}, name="secret plans.exe", password="one", data=BYTES))
    await kafka.state(await make_case({"p2": "file"}, name="b.exe", password="one", data=BYTES, number=43))
    await kafka.state(await make_case({"p3": "file"}, name="b.exe", password="two", data=BYTES, number=44))
    assert len(sandbox.analyzed) == 3
    assert [(await reported(objects, one)).files[0].name for one in kafka.stated] == [
        "secret plans.exe",
        "b.exe",
        "b.exe",
    ]


async def test_what_failed_is_tried_again_for_the_next_who_sends_it(
    kafka: Kafka, make_case: MakeCase, sandbox: FakeSandbox, memory_results: InMemoryResultRepository
) -> None:
    stopped = {"limits": [{"limit": "time", "says": "Stopped."}]}
    root = {"id": ROOT, "name": "a.zip"}
    sandbox.outcomes = [ParserError("KeyError", "?"), {"files": [root | stopped]}, {"files": [root]}]
    for number in (42, 43, 44, 45):
        await kafka.state(await make_case({f"p{number}": "file"}, name="a.zip", data=BYTES, number=number))
    assert [one["verdict"] for one in kafka.stated] == ["not_analyzed", "unknown", "unknown", "unknown"]
    assert len(sandbox.analyzed) == 3
    assert len(memory_results.kept) == 1


def erased(case: Any) -> CaseErased:
    return CaseErased.following(
        case, subject_id=case.key, revision=case.revision + 1, occurred_at=case.occurred_at, region="01", by="operator"
    )


async def test_an_erased_case_takes_the_results_of_its_bytes_with_it(
    kafka: Kafka, make_case: MakeCase, memory_results: InMemoryResultRepository
) -> None:
    case = await make_case({"p1": "file"}, data=BYTES)
    await kafka.state(case)
    await kafka.state(await make_case({"p2": "file"}, number=43))
    await kafka.state(erased(case).model_copy(update={"account_id": "acc-2"}))
    assert len(memory_results.kept) == 2
    await kafka.state(erased(case))
    assert [sha256 for sha256, _ in memory_results.kept.values()] == [hashlib.sha256(b"p2").hexdigest()]


async def test_a_case_that_is_erased_while_it_is_looked_at_leaves_nothing(
    analysis: SampleAnalysis,
    make_case: MakeCase,
    sandbox: FakeSandbox,
    objects: Objects,
    memory_results: InMemoryResultRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = await make_case({"p1": "file"}, data=BYTES)
    await analysis.plan(case)
    run, written = sandbox.run, []
    put_json = objects.put_json

    async def run_into_the_erasure(*args: Any, **more: Any) -> Any:
        found = await run(*args, **more)
        await analysis.erase(erased(case))
        return found

    async def put(*args: Any) -> ObjectRef:
        written.append(await put_json(*args))
        return written[-1]

    monkeypatch.setattr(sandbox, "run", run_into_the_erasure)
    monkeypatch.setattr(objects, "put_json", put)
    [work] = works_of(case)
    assert await analysis.analyze(work) == []
    assert await analysis.analyze(work) == []
    assert [await objects.exists(ref.key) for ref in written] == [False]
    assert memory_results.kept == {}
    assert len(sandbox.analyzed) == 1
