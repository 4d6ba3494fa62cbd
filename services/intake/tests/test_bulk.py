import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from intake_fakes import InMemoryCaseRepository, Make

from intake.bulk import Line, answers, split_lines

BULK = "/api/v1/cases/bulk"


async def chunked(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_lines_are_numbered_and_blank_ones_passed_over(size: int) -> None:
    found = [line async for line in split_lines(chunked(b"one\n\n  \ntwo\r\nlonger than ten\nend", size), 10)]
    assert found == [Line(1, b"one"), Line(4, b"two\r"), Line(5, None), Line(6, b"end")]


async def test_a_line_without_an_end_is_not_kept_in_memory() -> None:
    found = [line async for line in split_lines(chunked(b"x" * 1000, 7), 10)]
    assert found == [Line(1, None)]


async def test_answers_come_in_order_and_not_too_many_at_once() -> None:
    running, most = 0, 0

    async def answer(line: Line) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(20 - line.number):
            await asyncio.sleep(0)
        running -= 1
        return str(line.number).encode()

    data = b"".join(b"%d\n" % number for number in range(1, 20))
    found = [one async for one in answers(split_lines(chunked(data, 5), 100), answer, at_once=3)]
    assert found == [str(number).encode() for number in range(1, 20)]
    assert most <= 5


async def test_a_bad_line_stops_nothing(
    http: httpx.AsyncClient, make_submission: Make, cases: InMemoryCaseRepository
) -> None:
    lines = [
        json.dumps({"idempotency_key": "k1", **make_submission()}),
        "not json",
        json.dumps(make_submission(subject="")),
        "",
        json.dumps({"idempotency_key": 7}),
        json.dumps(make_submission(subject="last")),
    ]
    answer = await http.post(BULK, content="\n".join(lines))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = lines_of(answer)
    assert [(line["line"], line["status"]) for line in found] == [(1, 201), (2, 400), (3, 422), (5, 400), (6, 201)]
    assert found[2]["problem"]["errors"][0]["field"] == "/subject"
    assert found[0]["sr_number"] in cases.cases
    assert len(cases.cases) == 2


async def test_sending_all_again_makes_nothing_twice(
    http: httpx.AsyncClient, make_submission: Make, cases: InMemoryCaseRepository
) -> None:
    body = "\n".join(json.dumps({"idempotency_key": f"k{n}", **make_submission()}) for n in range(50))
    first, again = lines_of(await http.post(BULK, content=body)), lines_of(await http.post(BULK, content=body))
    assert {line["status"] for line in first} == {201}
    assert {line["status"] for line in again} == {200}
    assert [line["sr_number"] for line in first] == [line["sr_number"] for line in again]
    assert len(cases.events) == 50


async def test_a_key_in_bulk_is_the_key_of_a_single_request(http: httpx.AsyncClient, make_submission: Make) -> None:
    single = await http.post("/api/v1/cases", json=make_submission(), headers={"Idempotency-Key": "k1"})
    [line] = lines_of(await http.post(BULK, content=json.dumps({"idempotency_key": "k1", **make_submission()})))
    assert (line["status"], line["sr_number"]) == (200, single.json()["sr_number"])
