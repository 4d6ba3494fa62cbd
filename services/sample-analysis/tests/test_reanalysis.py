"""Today's engines over what is stored: which verdicts change, and what is stated about them."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sample_analysis_fakes import (
    ROOT,
    FakeSandbox,
    InMemoryJobRepository,
    InMemoryPieceRepository,
    Kafka,
    MakeCase,
)

from caseway_contracts.base import ObjectRef
from caseway_contracts.cases import CaseErased
from caseway_contracts.results import EvidenceReport
from caseway_kit.archives import Content
from caseway_kit.errors import OutageError
from caseway_kit.objects import Objects
from caseway_kit.sandbox import SandboxLimit
from caseway_kit.testing.clock import FixedClock
from sample_analysis.engine_client import Engines
from sample_analysis.engines.hashing import hashes
from sample_analysis.examining import Examiner
from sample_analysis.reanalysis import Job, JobRepository, Query
from sample_analysis.reanalyzing import LEASE, Reanalysis

BAD = {"engine": "caseway-rules", "version": "2", "rule": "bad", "says": "It is bad."}
OLD = {"engine": "caseway-rules", "version": "1", "rule": "old", "says": "It is old."}
INSIDE = "c" * 64


def found(verdict: str, *reasons: Any, inside: str | None = None, **facts: Any) -> dict[str, Any]:
    root = {"id": ROOT, "name": "a.zip", "verdict": verdict, "reasons": reasons, **facts}
    child = {"id": "c", "parent_id": ROOT, "name": "in it", "sha256": INSIDE, "verdict": inside}
    return {"files": [root, child] if inside else [root]}


@pytest.fixture
async def new_engines(engines: Engines, sandbox: FakeSandbox) -> Callable[..., Any]:
    """From now on the engines are others, and find ``outcomes``, one after the other."""

    async def switch(*outcomes: Any) -> None:
        sandbox.version = str(int(sandbox.version) + 1)
        sandbox.outcomes = list(outcomes)
        await engines.prepare()

    return switch


@pytest.fixture
def run(reanalysis: Reanalysis, memory_jobs: InMemoryJobRepository, clock: FixedClock) -> Callable[..., Any]:
    async def run(*, dry_run: bool = False, **query: Any) -> Job:
        job = Job(id=str(uuid4()), query=Query(**query), dry_run=dry_run, asked_by="op", asked_at=clock.now())
        await reanalysis.ask(job)
        while await reanalysis.work():
            pass
        done = await memory_jobs.find(job.id)
        assert done is not None
        return done

    return run


async def test_a_verdict_that_changes_is_stated_as_the_next_revision(
    kafka: Kafka,
    make_case: MakeCase,
    sandbox: FakeSandbox,
    objects: Objects,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
) -> None:
    sandbox.outcomes = [found("unknown", OLD, inside="unknown")]
    await kafka.state(await make_case({"p1": "file"}))
    await new_engines(found("malicious", BAD, inside="malicious"))
    job = await run()
    assert (job.state, job.looked_at, job.failed) == ("done", 1, 0)

    [change] = await memory_jobs.changes(job.id, 10, "")
    assert (change.sr_number, change.evidence_id, change.revision) == ("SR01-000000042-4", "p1", 2)
    assert (change.difference.before, change.difference.now) == ("unknown", "malicious")
    assert [(turn.sha256, turn.before, turn.now) for turn in change.difference.inside] == [
        (INSIDE, "unknown", "malicious")
    ]
    assert [(one.rule, one.now) for one in change.difference.reasons] == [("bad", True), ("old", False)]

    [stated] = [json.loads(one.body) for one in memory_pieces.published]
    first = kafka.stated[0]
    assert (stated["revision"], stated["verdict"], stated["previous_verdict"]) == (2, "malicious", "unknown")
    assert stated["engines"] == ["fake/2"]
    assert stated["caused_by"] is None
    assert {name: stated[name] for name in ("key", "subject_id", "account_id", "case_revision", "sha256")} == {
        name: first[name] for name in ("key", "subject_id", "account_id", "case_revision", "sha256")
    }
    report = await objects.get_json(ObjectRef.model_validate(stated["report"]), EvidenceReport)
    assert (report.revision, report.files[0].verdict, report.files[0].id) == (2, "malicious", "p1")
    assert "in it" not in memory_pieces.published[0].body
    assert "in it" not in change.model_dump_json()


async def test_a_dry_run_tells_what_would_change_and_states_nothing(
    kafka: Kafka,
    make_case: MakeCase,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
) -> None:
    await kafka.state(await make_case({"p1": "file", "p2": "file"}))
    await new_engines(found("malicious", BAD))
    job = await run(dry_run=True)
    assert await memory_jobs.count(job.id) == 1
    assert memory_pieces.published == []
    assert await memory_jobs.count((await run()).id) == 1
    assert len(memory_pieces.published) == 1


async def test_what_was_stated_once_is_not_stated_again(
    kafka: Kafka,
    make_case: MakeCase,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
) -> None:
    case = await make_case({"p1": "file"})
    await kafka.state(case)
    await new_engines(found("suspicious", BAD))
    await run()
    again = await run()
    assert (again.looked_at, await memory_jobs.count(again.id)) == (1, 0)
    await new_engines(found("clean"))
    await run()
    said = [json.loads(one.body) for one in memory_pieces.published]
    assert [(one["revision"], one["previous_verdict"], one["verdict"]) for one in said] == [
        (2, "unknown", "suspicious"),
        (3, "suspicious", "clean"),
    ]
    assert len({one["event_id"] for one in said}) == 2
    # The case event that is redelivered says what it said then.
    await kafka.state(case)
    assert kafka.stated[-1] == kafka.stated[0]


@pytest.mark.parametrize(
    "look",
    [
        SandboxLimit("wall_seconds", "stopped"),
        found("not_analyzed"),
        found("unknown", limits=[{"limit": "time", "says": "Stopped."}]),
    ],
)
async def test_a_look_that_was_cut_short_takes_no_verdict_back(
    kafka: Kafka,
    make_case: MakeCase,
    sandbox: FakeSandbox,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_pieces: InMemoryPieceRepository,
    look: Any,
) -> None:
    sandbox.outcomes = [found("malicious", BAD)]
    await kafka.state(await make_case({"p1": "file"}))
    await new_engines(look)
    job = await run()
    assert (job.looked_at, job.failed, memory_pieces.published) == (1, 1, [])


async def test_only_what_was_asked_for_is_looked_at(
    kafka: Kafka, make_case: MakeCase, clock: FixedClock, new_engines: Callable[..., Any], run: Callable[..., Any]
) -> None:
    await kafka.state(await make_case({"p1": "file", "p2": "email"}))
    clock.advance(3600)
    later = await make_case({"p3": "email"}, number=43)
    await kafka.state(later)
    await new_engines()
    since = clock.now() - timedelta(minutes=1)
    assert (await run()).looked_at == 3
    assert (await run(kind="email")).looked_at == 2
    assert (await run(since=since)).looked_at == 1
    assert (await run(since=since, kind="file")).looked_at == 0
    assert (await run(sha256=later.evidence[0].object.sha256)).looked_at == 1


async def test_everybody_who_sent_the_same_bytes_is_told_in_a_statement_of_their_own(
    kafka: Kafka,
    make_case: MakeCase,
    sandbox: FakeSandbox,
    clock: FixedClock,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
) -> None:
    sandbox.outcomes = [found("unknown", inside="unknown"), found("unknown", inside="unknown"), found("unknown")]
    await kafka.state(await make_case({"p1": "file"}))
    await kafka.state(await make_case({"p2": "file"}, number=43, account="acc-2"))
    await kafka.state(await make_case({"p3": "file"}, number=44, account="acc-3"))
    clock.advance(3600)
    sandbox.outcomes = [found("unknown", inside="unknown")]
    await kafka.state(await make_case({"p4": "file"}, number=45))
    await new_engines(*[found("malicious", BAD, inside="malicious")] * 3)
    job = await run(since=clock.now() - timedelta(minutes=1))
    assert job.looked_at == 1
    assert [change.evidence_id for change in await memory_jobs.changes(job.id, 10, "")] == ["p1", "p2", "p4"]
    said = {one["key"]: one for one in (json.loads(one.body) for one in memory_pieces.published)}
    assert {one["account_id"] for one in said.values()} == {"acc-1", "acc-2"}
    assert "SR01-000000042-4" not in json.dumps(said["SR01-000000043-4"])


async def test_many_pieces_of_the_same_bytes_are_each_looked_at_a_few_times_at_most(
    kafka: Kafka,
    make_case: MakeCase,
    examiner: Examiner,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_jobs: InMemoryJobRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await kafka.state(await make_case({f"p{number:02}": "file" for number in range(20)}, name="a", data=b"the same"))
    await new_engines(found("malicious", BAD))
    report, looks = examiner.report, 0

    async def count_looks(*args: Any, **named: Any) -> Any:
        nonlocal looks
        looks += 1
        return await report(*args, **named)

    monkeypatch.setattr(examiner, "report", count_looks)
    job = await run(kind="file", dry_run=True)
    assert await memory_jobs.count(job.id) == 20
    assert looks <= 2 * 20


async def test_a_later_statement_still_tells_what_a_file_is_near_to(
    kafka: Kafka,
    make_case: MakeCase,
    sandbox: FakeSandbox,
    objects: Objects,
    clock: FixedClock,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
) -> None:
    def looked_at(data: bytes, *reasons: Any) -> dict[str, Any]:
        known = hashes(Content.of_bytes(data))
        return found("malicious" if reasons else "unknown", *reasons, sha256=known["sha256"], tlsh=known["tlsh"])

    first = random.Random(7).randbytes(5_000)
    variant = first[:2_000] + b"another" + first[2_007:]
    sandbox.outcomes = [looked_at(first), looked_at(variant)]
    await kafka.state(await make_case({"p1": "file"}))
    clock.advance(60)
    await kafka.state(await make_case({"p2": "file"}, number=43))
    await new_engines(looked_at(first, BAD), looked_at(variant, BAD))
    job = await run()
    reports = [
        await objects.get_json(ObjectRef.model_validate(json.loads(one.body)["report"]), EvidenceReport)
        for one in memory_pieces.published
    ]
    near = [[reason.says for reason in one.files[0].reasons if reason.engine == "tlsh"] for one in reports]
    assert [one.sr_number for one in reports] == ["SR01-000000042-4", "SR01-000000043-4"]
    assert [len(says) for says in near] == [0, 1]
    assert "SR01-000000042-4" in near[1][0]
    assert near[1][0].endswith("malicious.")
    for change in await memory_jobs.changes(job.id, 10, ""):
        assert [one.rule for one in change.difference.reasons] == ["bad"]


async def test_an_erased_case_is_not_looked_at(
    kafka: Kafka,
    make_case: MakeCase,
    objects: Objects,
    new_engines: Callable[..., Any],
    run: Callable[..., Any],
    memory_pieces: InMemoryPieceRepository,
) -> None:
    case = await make_case({"p1": "file"})
    await kafka.state(case)
    half_erased = await make_case({"p2": "file"}, number=43)
    await kafka.state(half_erased)
    erased = CaseErased.following(
        case, subject_id=case.key, revision=2, occurred_at=case.occurred_at, region="01", by="op"
    )
    await kafka.state(erased)
    for key in (half_erased.evidence[0].object.key, half_erased.sheet.key):
        await objects.delete(key)
    await new_engines(*[found("malicious", BAD)] * 2)
    assert (await run()).looked_at == 1
    assert memory_pieces.published == []


async def test_a_job_that_was_cut_off_goes_on_where_it_was_and_says_nothing_twice(
    kafka: Kafka,
    make_case: MakeCase,
    clock: FixedClock,
    new_engines: Callable[..., Any],
    reanalysis: Reanalysis,
    memory_jobs: InMemoryJobRepository,
    memory_pieces: InMemoryPieceRepository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await kafka.state(await make_case({f"p{number}": "file" for number in range(5)}))
    await new_engines(*[found("malicious", BAD)] * 5)
    job = Job(id=str(uuid4()), query=Query(kind="file"), dry_run=False, asked_by="op", asked_at=clock.now())
    await reanalysis.ask(job)
    keep, kept = memory_jobs.keep, 0

    async def keep_until_it_breaks(*args: Any) -> bool:
        nonlocal kept
        kept += 1
        if kept == 3:  # what was stated about the third piece is saved, but not that it was looked at
            raise OutageError("MongoDB")
        return await keep(*args)

    with monkeypatch.context() as patch:
        patch.setattr(memory_jobs, "keep", keep_until_it_breaks)
        with pytest.raises(OutageError):
            await reanalysis.work()
    assert len(memory_pieces.published) == 3
    assert await reanalysis.work()
    done = await memory_jobs.find(job.id)
    assert done is not None
    assert (done.state, done.looked_at, await memory_jobs.count(job.id)) == ("done", 5, 5)
    assert len({one.event_id for one in memory_pieces.published}) == len(memory_pieces.published) == 5


async def test_a_bug_with_one_piece_keeps_the_job_from_no_other(
    kafka: Kafka, make_case: MakeCase, new_engines: Callable[..., Any], run: Callable[..., Any]
) -> None:
    await kafka.state(await make_case({"p1": "file", "p2": "file"}))
    await new_engines(RuntimeError("a bug"), found("malicious", BAD))
    job = await run()
    assert (job.looked_at, job.failed) == (2, 1)


async def test_a_job_is_held_by_one_worker_at_a_time(jobs: JobRepository, clock: FixedClock) -> None:
    now, later = clock.now(), clock.now() + LEASE
    first = Job(id="j1", query=Query(kind="file"), dry_run=True, asked_by="op", asked_at=now)
    second = first.model_copy(update={"id": "j2", "asked_at": now + timedelta(seconds=1)})
    assert await jobs.add(first) == first
    assert await jobs.add(first.model_copy(update={"dry_run": False})) == first
    await jobs.add(second)
    assert await jobs.claim("a", now, later) == first
    assert await jobs.claim("b", now, later) == second
    assert await jobs.claim("c", now, later) is None
    further = first.model_copy(update={"place": "p1/1", "looked_at": 1})
    assert not await jobs.keep(further, "b", later)
    assert await jobs.keep(further, "a", later)
    assert await jobs.find("j1") == further
    await jobs.hold("j1", "b", later + LEASE)
    await jobs.hold("j2", "b", later + LEASE)
    assert await jobs.claim("c", later, later + LEASE) == further
    assert await jobs.claim("c", later, later + LEASE) is None
    await jobs.hold("j1", "a", now)
    assert await jobs.claim("d", later, later + LEASE) is None
    assert await jobs.listed(1, None) == [second]
    assert await jobs.listed(5, (second.asked_at, "j2")) == [further]


async def test_a_job_that_is_done_is_worked_on_no_more(jobs: JobRepository, clock: FixedClock) -> None:
    job = Job(id="j1", query=Query(), dry_run=True, asked_by="op", asked_at=clock.now())
    await jobs.add(job)
    claimed = await jobs.claim("a", clock.now(), clock.now() + LEASE)
    assert claimed is not None
    done = claimed.model_copy(update={"ended_at": clock.now()})
    assert await jobs.keep(done, "a", clock.now())
    assert not await jobs.keep(done, "a", clock.now())
    clock.advance(3600)
    assert await jobs.claim("b", clock.now(), clock.now() + LEASE) is None
