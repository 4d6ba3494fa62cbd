"""Files that are nearly the same as earlier ones of the same account."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from sample_analysis_fakes import FakeSandbox

from caseway_contracts.results import EvidenceReport, FileResult
from caseway_kit.archives import Content
from caseway_kit.sandbox import SandboxLimit
from sample_analysis.engines.hashing import hashes
from sample_analysis.mongo_neighbours import NEWEST_FIRST, MongoNeighbourRepository, asked_for
from sample_analysis.neighbours import Neighbour, NeighbourRepository, Neighbours

FIRST = random.Random(7).randbytes(20_000)
VARIANT = FIRST[:9_000] + b"another configuration" + FIRST[9_021:]
OTHER = random.Random(8).randbytes(20_000)
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


def report(sr: str, *contents: bytes, **facts: Any) -> EvidenceReport:
    files = []
    for content in contents:
        known = hashes(Content.of_bytes(content))
        files.append(
            FileResult(id=str(uuid4()), name="a.bin", sha256=str(known["sha256"]), tlsh=known["tlsh"], **facts)
        )
    return EvidenceReport(
        salt="0" * 32, sr_number=sr, evidence_id=files[0].id, revision=1, kind="file", files=tuple(files)
    )


async def told(near: Neighbours, report: EvidenceReport, account: str = "acc-1") -> list[tuple[str, str]]:
    found = await near.tell(report, account, until=NOW)
    return [(reason.rule, reason.where) for file in found.files for reason in file.reasons]


async def test_variant_of_an_earlier_file_names_its_case_and_verdict(near: Neighbours) -> None:
    assert await told(near, report("SR01-000000042-4", FIRST, verdict="malicious")) == []
    found = await near.tell(report("SR01-000000043-2", OTHER, VARIANT), "acc-1", until=NOW)
    assert [file.verdict for file in found.files] == ["unknown", "unknown"]
    assert found.files[0].reasons == ()
    [reason] = found.files[1].reasons
    assert (reason.engine, reason.rule, reason.where) == ("tlsh", "near-earlier-file", "SR01-000000042-4")
    assert reason.says.endswith("the verdict about that one: malicious.")


async def test_the_same_file_again_is_no_neighbour_of_itself(near: Neighbours) -> None:
    await near.tell(report("SR01-000000042-4", FIRST), "acc-1", until=NOW)
    assert await told(near, report("SR01-000000043-2", FIRST)) == []


async def test_what_is_told_again_is_near_to_nothing_of_its_own_case_and_to_nothing_later(near: Neighbours) -> None:
    own = report("SR01-000000042-4", FIRST, VARIANT)
    later = NOW + timedelta(minutes=1)
    assert await told(near, own) == []
    await near.tell(report("SR01-000000043-2", FIRST), "acc-1", until=later)
    assert await told(near, own) == []


async def test_what_is_said_of_an_earlier_file_is_what_was_found_last(near: Neighbours) -> None:
    await near.tell(report("SR01-000000042-4", FIRST, verdict="unknown"), "acc-1", until=NOW)
    await near.tell(report("SR01-000000042-4", FIRST, verdict="malicious"), "acc-1", until=NOW)
    found = await near.tell(report("SR01-000000043-2", VARIANT), "acc-1", until=NOW)
    assert found.files[0].reasons[0].says.endswith("the verdict about that one: malicious.")


async def test_nothing_is_told_of_what_another_account_sent(near: Neighbours) -> None:
    await near.tell(report("SR01-000000042-4", FIRST), "acc-2", until=NOW)
    assert await told(near, report("SR01-000000043-2", VARIANT), "acc-1") == []


async def test_an_erased_case_is_no_neighbour(near: Neighbours) -> None:
    await near.tell(report("SR01-000000042-4", FIRST), "acc-1", until=NOW)
    await near.erase("SR01-000000042-4")
    assert await told(near, report("SR01-000000043-2", VARIANT)) == []


async def test_a_comparison_that_fails_costs_no_result(
    near: Neighbours, sandbox: FakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await near.tell(report("SR01-000000042-4", FIRST), "acc-1", until=NOW)

    async def stopped(*_: Any, **__: Any) -> Any:
        raise SandboxLimit("cpu_seconds", "stopped")

    monkeypatch.setattr(sandbox, "run", stopped)
    assert await told(near, report("SR01-000000043-2", VARIANT)) == []


async def test_repository_gives_the_latest_of_one_account(neighbours: NeighbourRepository) -> None:
    async def latest(account: str, *, but_in: str = "", until: datetime = NOW, limit: int = 5) -> list[Neighbour]:
        return list(await neighbours.latest(account, but_in=but_in, until=until, limit=limit))

    one = Neighbour("SR01-000000042-4", "acc-1", "a" * 64, "T1", "unknown", NOW - timedelta(minutes=1))
    later = replace(one, sha256="b" * 64, at=NOW)
    await neighbours.keep([one, later, replace(one, account_id="acc-2", sr_number="SR01-000000043-2")])
    await neighbours.keep([one := replace(one, verdict="malicious")])
    assert await latest("acc-1") == [later, one]
    assert await latest("acc-1", limit=1) == [later]
    assert await latest("acc-1", until=one.at) == [one]
    assert await latest("acc-1", but_in="SR01-000000042-4") == []
    await neighbours.erase("SR01-000000042-4")
    assert await latest("acc-1") == []
    assert len(await latest("acc-2")) == 1


@pytest.mark.integration
async def test_the_latest_are_read_by_an_index_in_its_order(
    mongo_url: str, mongo_database: str, mongo_neighbours: MongoNeighbourRepository
) -> None:
    with MongoClient[dict[str, Any]](mongo_url) as client:
        found = client[mongo_database]["neighbours"].find(asked_for("acc-1", "SR01-000000042-4", NOW))
        plan = str(found.sort(NEWEST_FIRST).limit(5).explain()["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan
    assert "'SORT'" not in plan
