from datetime import timedelta
from random import Random
from typing import Any

import pytest
from portal_fakes import SR, InMemoryPageRepository, Make, plain

from caseway_contracts.base import Event
from caseway_contracts.cases import CaseErased, CaseSubmitted, CaseUpdated, EscalationRequested
from caseway_contracts.notifications import NotificationFailed, NotificationSent
from caseway_contracts.ratings import UrlReclassified
from caseway_contracts.routes import CaseEscalated, CaseRouted, CaseStatusChanged
from caseway_kit.errors import InvalidEvent
from caseway_kit.objects import Objects
from portal.library import Library
from portal.page import CasePage
from portal.projection import Projection
from portal.timeline import ordered


@pytest.fixture
async def whole_case(
    make_event: Make, submit: Make, update: Make, analyze: Make, rate: Make, make_completed: Make, typed: str
) -> list[Event]:
    submitted = await submit(files={"f1": "a.zip"}, urls={"u1": "http://x.example/"})
    asked = make_event(EscalationRequested, revision=3)
    events = [
        submitted,
        await update(2, files=["f2"], severity="high"),
        asked,
        await analyze("f1", "a.zip", "b.exe"),
        await analyze("f1", "a.zip", "b.exe", revision=2),
        await analyze("f2", case_revision=2),
        await rate(typed, {"u1": "http://x.example/"}),
        make_event(UrlReclassified, "u1"),
        make_event(CaseRouted),
        make_event(CaseRouted, revision=2, priority=1),
        make_event(CaseStatusChanged, status="analyzing"),
        make_event(CaseStatusChanged, revision=2, status="open"),
        make_event(CaseEscalated, "u3", caused_by=asked.event_id),
        make_completed(("EvidenceAnalyzed", "f1"), ("UrlsRated", typed)),
        make_completed(("EvidenceAnalyzed", "f2"), round=2),
        make_event(NotificationFailed, "m1", recipient_id="r-ann@x.example"),
        make_event(NotificationSent, "m1", recipient_id="r-ann@x.example"),
    ]
    return [event.model_copy(update={"caused_by": event.caused_by or submitted.event_id}) for event in events]


async def built(objects: Objects, events: list[Any], batch: int = 1) -> CasePage:
    pages = InMemoryPageRepository()
    projection = Projection(pages, Library(objects))
    for at in range(0, len(events), batch):
        await projection.apply(events[at : at + batch])
    return pages.pages[SR]


@pytest.mark.parametrize("seed", range(12))
async def test_any_order_of_the_events_gives_the_same_page(
    objects: Objects, whole_case: list[Event], seed: int
) -> None:
    shuffled = list(whole_case)
    Random(seed).shuffle(shuffled)
    straight, mixed = await built(objects, whole_case), await built(objects, shuffled, batch=1 + seed % 5)
    assert plain(mixed) == plain(straight)
    assert [one.event_id for one in ordered(mixed.history)] == [one.event_id for one in ordered(straight.history)]
    assert mixed.early == mixed.waiting == ()


async def test_every_event_three_times_changes_nothing_more(objects: Objects, whole_case: list[Event]) -> None:
    once, thrice = await built(objects, whole_case), await built(objects, whole_case * 3)
    assert thrice.model_copy(update={"epoch": once.epoch}) == once


async def test_a_lot_of_events_is_one_write(
    projection: Projection, memory_pages: InMemoryPageRepository, whole_case: list[Event]
) -> None:
    await projection.apply(whole_case)
    assert memory_pages.writes == 1
    assert memory_pages.pages[SR].version == 1


async def test_the_same_event_id_with_other_facts_is_invalid(projection: Projection, submit: Make) -> None:
    event = await submit()
    await projection.apply([event])
    with pytest.raises(InvalidEvent):
        await projection.apply([event.model_copy(update={"severity": "low"})])


async def test_an_event_of_another_account_is_invalid(projection: Projection, submit: Make, analyze: Make) -> None:
    await projection.apply([await submit(files={"f1": "a.zip"})])
    with pytest.raises(InvalidEvent):
        await projection.apply([await analyze("f1", account_id="a2")])


async def test_a_forged_result_that_came_before_the_case_is_dropped(
    projection: Projection, memory_pages: InMemoryPageRepository, submit: Make, analyze: Make, make_event: Make
) -> None:
    forged = make_event(CaseStatusChanged, account_id="a2", revision=9)
    await projection.apply([await analyze("f1", account_id="a2"), forged])
    await projection.apply([await submit(files={"f1": "a.zip"})])
    page = memory_pages.pages[SR]
    assert page.reports == ()
    assert page.status is None
    assert [one.event for one in page.history] == ["CaseSubmitted"]


async def test_a_page_whose_case_has_not_come_is_seen_by_nobody(
    projection: Projection, memory_pages: InMemoryPageRepository, analyze: Make
) -> None:
    await projection.apply([await analyze("f1")])
    assert SR in memory_pages.pages
    assert await memory_pages.find(SR, None) is None


async def test_a_case_event_waits_for_the_one_before_it(
    projection: Projection, memory_pages: InMemoryPageRepository, submit: Make, make_event: Make
) -> None:
    await projection.apply([await submit(), make_event(CaseUpdated, revision=3, severity="critical")])
    page = memory_pages.pages[SR]
    assert (page.applied, len(page.early), len(page.history)) == (1, 1, 1)
    await projection.apply([make_event(CaseUpdated, revision=2, severity="low")])
    page = memory_pages.pages[SR]
    assert page.case is not None
    assert (page.applied, page.early, page.case.severity) == (3, (), "critical")


async def test_words_are_gone_after_an_erasure(
    projection: Projection, memory_pages: InMemoryPageRepository, submit: Make, make_event: Make
) -> None:
    await projection.apply([await submit(subject="Hush")])
    assert memory_pages.pages[SR].subject == "Hush"
    await projection.apply([make_event(CaseErased, revision=2)])
    assert "Hush" not in memory_pages.pages[SR].model_dump_json()


async def test_a_case_whose_sheet_is_gone_shows_its_facts(
    projection: Projection, memory_pages: InMemoryPageRepository, make_event: Make
) -> None:
    await projection.apply([make_event(CaseSubmitted)])
    assert memory_pages.pages[SR].subject == ""


async def test_a_timeline_puts_causes_first_whatever_the_clocks_say(
    projection: Projection, memory_pages: InMemoryPageRepository, submit: Make, make_event: Make
) -> None:
    submitted = await submit()
    early = submitted.occurred_at - timedelta(seconds=5)
    effects = [
        make_event(CaseStatusChanged, occurred_at=early, caused_by=submitted.event_id),
        make_event(CaseStatusChanged, revision=2, occurred_at=early - timedelta(seconds=1), status="closed"),
    ]
    await projection.apply([*reversed(effects), submitted])
    history = ordered(memory_pages.pages[SR].history)
    assert [(one.event, one.revision) for one in history] == [
        ("CaseSubmitted", 1),
        ("CaseStatusChanged", 1),
        ("CaseStatusChanged", 2),
    ]


async def test_two_writers_of_one_page_lose_nothing(objects: Objects, submit: Make, make_event: Make) -> None:
    class Overtaken(InMemoryPageRepository):
        """Somebody else writes between the first read and the first write."""

        async def save_many(self, pages: Any) -> set[str]:
            if self.writes == 0:
                self.writes += 1
                await Projection(self, Library(objects)).apply([make_event(CaseRouted)])
            return await super().save_many(pages)

    pages = Overtaken()
    await Projection(pages, Library(objects)).apply([await submit()])
    page = pages.pages[SR]
    assert page.version == 2
    assert page.assignment is not None
    assert page.case is not None
