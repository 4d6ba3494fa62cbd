import pytest
from portal_fakes import SR, InMemoryContactRepository, InMemoryPageRepository, Make, Parked

from caseway_contracts.base import Event
from caseway_contracts.profiles import ContactDisabled
from caseway_contracts.routes import CaseStatusChanged
from caseway_kit.errors import OutageError


def body(event: Event) -> bytes:
    return event.model_dump_json().encode()


async def test_events_of_every_topic_come_together_on_one_page(
    kafka: Make, memory_pages: InMemoryPageRepository, submit: Make, analyze: Make, make_event: Make
) -> None:
    await kafka("routes", body(make_event(CaseStatusChanged)))
    await kafka("analyses", body(await analyze("f1")))
    await kafka("cases", body(await submit(files={"f1": "a.zip"})))
    page = memory_pages.pages[SR]
    assert {one.event for one in page.history} == {"CaseSubmitted", "EvidenceAnalyzed", "CaseStatusChanged"}


async def test_results_of_a_teams_own_analyzer_are_read_too(
    kafka: Make, memory_pages: InMemoryPageRepository, submit: Make, analyze: Make
) -> None:
    await kafka("cases", body(await submit(files={"f1": "a.zip"})))
    await kafka("analyses-sandbox", body(await analyze("f1")))
    assert [one.subject_id for one in memory_pages.pages[SR].reports] == ["f1"]


@pytest.mark.parametrize("poison", ["forged", "undecodable", "other facts"])
async def test_what_can_never_be_right_is_parked_and_holds_up_nothing(
    kafka: Make, memory_pages: InMemoryPageRepository, parked: Parked, submit: Make, make_event: Make, poison: str
) -> None:
    stated = make_event(CaseStatusChanged)
    forged = make_event(CaseStatusChanged, revision=3, account_id="a2")
    other = stated.model_copy(update={"status": "closed"})
    bad = {"forged": body(forged), "undecodable": b"not json", "other facts": body(other)}[poison]
    await kafka("cases", body(await submit()))
    await kafka("routes", body(stated), bad, body(make_event(CaseStatusChanged, revision=2, status="answered")))
    assert parked.messages == [bad]
    status = memory_pages.pages[SR].status
    assert status is not None
    assert status.status == "answered"


async def test_an_outage_is_waited_out(
    kafka: Make, memory_pages: InMemoryPageRepository, parked: Parked, submit: Make
) -> None:
    failures = [OutageError("MongoDB")] * 3
    find_many = memory_pages.find_many

    async def away(*args: object) -> object:
        if failures:
            raise failures.pop()
        return await find_many(*args)  # type: ignore[arg-type]  # as it was called

    memory_pages.find_many = away  # type: ignore[method-assign, assignment]  # the repository under test fails thrice
    await kafka("cases", body(await submit()))
    assert memory_pages.pages[SR].case is not None
    assert parked.messages == []


async def test_a_disabled_contact_is_kept(
    kafka: Make, memory_contacts: InMemoryContactRepository, make_event: Make
) -> None:
    await kafka("profiles", body(make_event(ContactDisabled, "c1", key="a1")))
    assert await memory_contacts.disabled() == {"c1"}
