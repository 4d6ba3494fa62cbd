import asyncio
import json
from collections.abc import Callable

from fastapi import FastAPI
from portal_fakes import SR, FakeFreshCases, FakeTokens, InMemoryPageRepository, Make, Stream

from caseway_contracts.routes import CaseStatusChanged
from portal.feed import MOST_STREAMS
from portal.fresh import FreshCase
from portal.projection import Projection

PATH = f"/api/v1/cases/{SR}/events"
TOKEN = "Bearer customer@a1"


def names(stream: Stream) -> list[str]:
    return [one["event"] for one in stream.events()]


def has(*events: str) -> Callable[[Stream], bool]:
    return lambda stream: [one for one in names(stream) if one in events] == list(events)


async def test_a_stream_begins_with_all_there_is_and_goes_on_with_changes(
    api: FastAPI, projection: Projection, submit: Make, analyze: Make, make_completed: Make
) -> None:
    await projection.apply([await submit(files={"f1": "a.zip"})])
    async with Stream(api, PATH, authorization=TOKEN) as stream:
        await stream.until(has("case", "timeline"))
        await projection.apply([await analyze("f1"), make_completed(("EvidenceAnalyzed", "f1"))])
        events = await stream.until(lambda one: "complete" in names(one))
    assert names(stream) == ["case", "timeline", "timeline", "timeline", "evidence", "complete"]
    assert json.loads(events[0]["data"])["sr_number"] == SR
    assert [one["name"] for one in json.loads(events[-2]["data"])["files"]] == ["a.zip"]
    assert [bool(one.get("id")) for one in events] == [False, True, False, False, False, True]


async def test_a_client_that_comes_back_gets_what_it_missed_and_nothing_else(
    api: FastAPI, projection: Projection, submit: Make, analyze: Make, make_event: Make
) -> None:
    await projection.apply([await submit(files={"f1": "a.zip"}), await analyze("f1")])
    async with Stream(api, PATH, authorization=TOKEN) as stream:
        mark = (await stream.until(has("case", "timeline", "timeline", "evidence")))[-1]["id"]
    await projection.apply([make_event(CaseStatusChanged)])
    async with Stream(api, PATH, authorization=TOKEN, last_event_id=mark) as stream:
        events = await stream.until(has("case", "timeline"))
    assert len(events) == 2
    assert json.loads(events[0]["data"])["status"] == "open"


async def test_an_id_that_nobody_gave_resets(api: FastAPI, projection: Projection, submit: Make) -> None:
    await projection.apply([await submit()])
    for unknown in ("nonsense", "WyJhIiw5OTldA", "WyJhYSIsOTk5XQ"):
        async with Stream(api, PATH, authorization=TOKEN, last_event_id=unknown) as stream:
            await stream.until(has("reset", "case", "timeline"))
        assert names(stream) == ["reset", "case", "timeline"]


async def test_a_page_that_was_built_anew_resets(
    api: FastAPI, projection: Projection, memory_pages: InMemoryPageRepository, submit: Make
) -> None:
    event = await submit()
    await projection.apply([event])
    async with Stream(api, PATH, authorization=TOKEN) as stream:
        await stream.until(has("case", "timeline"))
        memory_pages.pages.clear()
        await projection.apply([event])
        await stream.until(has("case", "timeline", "reset", "case", "timeline"))


async def test_a_case_that_only_intake_knows_can_be_followed(
    api: FastAPI, projection: Projection, fresh: FakeFreshCases, submit: Make
) -> None:
    event = await submit()
    fresh.cases[SR] = FreshCase.model_validate(
        {
            "sr_number": SR,
            "account_id": "a1",
            "revision": 1,
            "status": "received",
            "issue_type": "threat",
            "category": None,
            "subject": "",
            "description": "",
            "severity": "low",
            "product": "x",
            "submitted_at": event.occurred_at,
            "region": "01",
        }
    )
    async with Stream(api, PATH, authorization=TOKEN) as stream:
        await stream.until(lambda one: one.status == 200)
        await projection.apply([event])
        await stream.until(has("case", "timeline"))


async def test_a_stream_ends_when_the_service_stops(api: FastAPI, projection: Projection, submit: Make) -> None:
    await projection.apply([await submit()])
    async with Stream(api, PATH, authorization=TOKEN) as stream:
        await stream.until(has("case", "timeline"))
        api.state.stopping.set()
        await stream.until(lambda one: one.ended)


async def test_a_stream_ends_when_its_token_is_no_longer_good(
    api: FastAPI, projection: Projection, tokens: FakeTokens, submit: Make
) -> None:
    await projection.apply([await submit()])
    async with Stream(api, PATH, authorization=TOKEN) as stream:
        await stream.until(has("case", "timeline"))
        tokens.void.add("customer@a1")
        await stream.until(lambda one: one.ended)


async def test_a_busy_stream_ends_too_when_its_token_is_no_longer_good(
    api: FastAPI, projection: Projection, tokens: FakeTokens, submit: Make, make_event: Make
) -> None:
    await projection.apply([await submit()])
    changes = 0

    async def change(stream: Stream) -> None:
        # Each poll of the stream finds something new, so that it never has nothing to say.
        nonlocal changes
        changes += 1
        seen = len(stream.events())
        await projection.apply([make_event(CaseStatusChanged, revision=changes)])
        await stream.until(lambda one: one.ended or len(one.events()) > seen)

    async with Stream(api, PATH, authorization=TOKEN) as stream:
        await stream.until(has("case", "timeline"))
        tokens.void.add("customer@a1")
        async with asyncio.timeout(60):
            while not stream.ended:
                await change(stream)


async def test_a_user_has_only_so_many_streams(api: FastAPI, projection: Projection, submit: Make) -> None:
    await projection.apply([await submit()])
    streams = [Stream(api, PATH, authorization=TOKEN) for _ in range(MOST_STREAMS)]
    for stream in streams:
        await stream.__aenter__()
        await stream.until(lambda one: one.status == 200)
    async with Stream(api, PATH, authorization=TOKEN) as one_more:
        await one_more.until(lambda one: one.status == 429)
    for stream in streams:
        await stream.__aexit__()
    async with Stream(api, PATH, authorization=TOKEN) as after:
        await after.until(lambda one: one.status == 200)
