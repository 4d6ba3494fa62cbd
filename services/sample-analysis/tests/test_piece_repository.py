from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sample_analysis_fakes import MakeCase

from caseway_kit.messaging import Encoded
from sample_analysis.pieces import Piece, PieceRepository
from sample_analysis.reanalysis import Query
from sample_analysis.work import works_of

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def piece(evidence_id: str = "p1", **changes: Any) -> Piece:
    facts: dict[str, Any] = {
        "evidence_id": evidence_id,
        "revision": 1,
        "sr_number": "SR01-000000042-4",
        "account_id": "acc-1",
        "cause": "cause-1",
        "digest": "d1",
        "lane": "file",
        "salt": "5" * 32,
        "at": AT,
    }
    return Piece(**facts | changes)


def event(name: str) -> Encoded:
    return Encoded(name, "analyses", "SR01-000000042-4", "{}", {"ce_id": name})


async def test_a_piece_comes_back_as_it_was_kept(pieces: PieceRepository) -> None:
    kept = piece(digest=None)
    assert await pieces.add([kept])
    assert await pieces.find("p1/1") == kept
    assert await pieces.find("p1/2") is None


async def test_a_piece_that_is_there_stays_as_it_is_and_the_others_are_kept(pieces: PieceRepository) -> None:
    first, second = piece("p1", cause="cause-0"), piece("p2")
    await pieces.add([first])
    assert not await pieces.add([piece("p1", salt="6" * 32), second])
    assert await pieces.find("p1/1") == first
    assert await pieces.brought_by("cause-1") == [second]


async def test_the_first_statement_stands(pieces: PieceRepository) -> None:
    await pieces.add([piece()])
    assert await pieces.conclude("p1/1", event("first")) == event("first")
    assert await pieces.conclude("p1/1", event("second")) == event("first")
    found = await pieces.find("p1/1")
    assert found is not None
    assert found.stated == event("first")


async def test_a_delay_is_stated_once_and_does_not_conclude(pieces: PieceRepository) -> None:
    await pieces.add([piece()])
    assert await pieces.delay("p1/1", event("late")) == event("late")
    assert await pieces.delay("p1/1", event("later")) == event("late")
    found = await pieces.find("p1/1")
    assert found is not None
    assert found.stated is None


@pytest.mark.parametrize("end", ["conclude", "delay", "forget"])
async def test_what_has_ended_is_not_in_flight(pieces: PieceRepository, end: str) -> None:
    await pieces.add([piece(f"p{number}") for number in range(4)])
    await pieces.add([piece("other", account_id="acc-2")])
    assert await pieces.in_flight("acc-1", at_most=50) == 4
    await (pieces.forget("p1/1") if end == "forget" else getattr(pieces, end)("p1/1", event("end")))
    assert await pieces.in_flight("acc-1", at_most=50) == 3
    assert await pieces.in_flight("acc-1", at_most=2) == 2
    assert await pieces.in_flight("acc-3", at_most=50) == 0


async def test_an_erased_case_says_what_was_sent_with_it_and_takes_no_statement_any_more(
    pieces: PieceRepository, make_case: MakeCase
) -> None:
    case = await make_case({"p1": "file", "p2": "file"})
    works = works_of(case)
    await pieces.add([Piece.of(work, lane="file", at=AT) for work in works])
    await pieces.conclude("p1/1", event("first"), hashes=["c" * 64])
    await pieces.add([piece("other", sr_number="SR01-000000043-4")])
    assert await pieces.erase(case.key, "acc-2") == set()
    assert await pieces.erase(case.key, "acc-1") == {work.object.sha256 for work in works}
    assert await pieces.conclude("p2/1", event("late")) is None
    assert await pieces.in_flight("acc-1", at_most=9) == 1
    found = await pieces.find("p1/1")
    assert found is not None
    assert found.erased


def statement(name: str, revision: int) -> Encoded:
    return Encoded(name, "analyses", "SR01-000000042-4", f'{{"revision": {revision}}}', {"ce_id": name})


async def test_a_later_statement_is_kept_when_it_is_its_turn(pieces: PieceRepository, make_case: MakeCase) -> None:
    [work] = works_of(await make_case({"p1": "file"}))
    await pieces.add([Piece.of(work, lane="file", at=AT)])
    assert await pieces.stated(Query(), after="", limit=9) == []
    await pieces.conclude("p1/1", statement("first", 1), hashes=["a" * 64])
    assert not await pieces.revise("p1/1", 3, statement("third", 3), hashes=[])
    assert await pieces.revise("p1/1", 2, statement("second", 2), hashes=["b" * 64])
    assert not await pieces.revise("p1/1", 2, statement("other", 2), hashes=[])
    [found] = await pieces.stated(Query(sha256="b" * 64), after="", limit=9)
    assert (found.stated, found.latest) == (statement("first", 1), statement("second", 2))
    assert await pieces.stated(Query(sha256="a" * 64), after="", limit=9) == []
    await pieces.erase(work.key, "acc-1")
    assert not await pieces.revise("p1/1", 3, statement("third", 3), hashes=[])
    assert await pieces.stated(Query(), after="", limit=9) == []


async def test_what_was_stated_is_found_by_its_time_and_kind_in_the_order_of_ids(
    pieces: PieceRepository, make_case: MakeCase
) -> None:
    works = works_of(await make_case({"p3": "file", "p1": "email", "p2": "file", "p4": "file"}))
    for hour, work in enumerate(works):
        await pieces.add([Piece.of(work, lane="bulk", at=AT + timedelta(hours=hour))])
        if work.subject_id != "p4":
            await pieces.conclude(f"{work.subject_id}/1", statement(work.subject_id, 1))

    async def found(query: Query, after: str = "", limit: int = 9) -> list[str]:
        return [one.evidence_id for one in await pieces.stated(query, after=after, limit=limit)]

    assert await found(Query()) == ["p1", "p2", "p3"]
    assert await found(Query(), limit=2) == ["p1", "p2"]
    assert await found(Query(), after="p1/1") == ["p2", "p3"]
    assert await found(Query(kind="email")) == ["p1"]
    assert await found(Query(since=AT + timedelta(hours=1))) == ["p1", "p2"]
    assert await found(Query(since=AT + timedelta(hours=1), kind="file")) == ["p2"]


async def test_crashes_are_counted_by_piece(pieces: PieceRepository) -> None:
    await pieces.add([piece("p1"), piece("p2")])
    assert [await pieces.count_crash("p1/1") for _ in range(3)] == [1, 2, 3]
    assert await pieces.count_crash("p2/1") == 1
