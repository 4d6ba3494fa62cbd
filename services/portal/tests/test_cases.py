from datetime import timedelta
from typing import Any

import pytest
from portal_fakes import OPENED, SR, FakeFreshCases, Make, by_event, make_caller

from caseway_contracts.cases import CaseErased, CaseUpdated, EscalationRequested
from caseway_contracts.notifications import NotificationFailed, NotificationSent
from caseway_contracts.ratings import UrlReclassified
from caseway_contracts.routes import CaseEscalated, CaseRouted, CaseStatusChanged
from caseway_contracts.views import CaseView
from caseway_kit.errors import OutageError
from caseway_kit.objects import Objects
from portal.cases import Cases
from portal.fresh import FreshCase
from portal.library import Library
from portal.listing import ListQuery
from portal.projection import Projection

ME = make_caller()


async def read(cases: Cases) -> CaseView:
    view = await cases.view(ME, SR)
    assert view is not None
    return view


@pytest.fixture
def make_fresh() -> Make:
    def make(revision: int, sr_number: str = SR, **facts: Any) -> FreshCase:
        case = {
            "sr_number": sr_number,
            "status": "received",
            "issue_type": "threat",
            "category": "spam",
            "subject": "Just sent",
            "severity": "critical",
            "product": "apex-one",
            "submitted_at": OPENED,
            "region": "01",
            "description": "Words",
            "account_id": "a1",
            "revision": revision,
        }
        return FreshCase.model_validate(case | facts)

    return make


async def test_a_case_shows_words_results_and_where_it_stands(
    cases: Cases, projection: Projection, submit: Make, analyze: Make, make_event: Make, make_completed: Make
) -> None:
    opened = await submit(files={"f1": "a.zip"}, cc=["bob@x.example"], sheet={"fields": {"virus_pattern_type": "x"}})
    await projection.apply(
        [
            opened,
            await analyze("f1", "a.zip", "b.exe"),
            make_completed(("EvidenceAnalyzed", "f1")),
            make_event(CaseRouted),
            make_event(CaseStatusChanged),
            make_event(NotificationSent, "m1", recipient_id="r-bob@x.example"),
        ]
    )
    view = await read(cases)
    assert (view.subject, view.description, view.cc) == ("It should not be detected", "All of it", ("bob@x.example",))
    assert (view.status, view.team, view.priority) == ("open", "malware-analysis", 2)
    assert view.fields == {"virus_pattern_type": "x"}
    assert [one.name for one in view.analysis.files] == ["a.zip", "b.exe"]
    assert view.analysis.complete
    assert [(one.to, one.status) for one in view.notifications] == [
        ("ann@x.example", "waiting"),
        ("bob@x.example", "sent"),
    ]
    assert by_event(view.timeline)["EvidenceAnalyzed"] == ["A file was analyzed: malicious."]


async def test_a_delivery_counts_for_more_than_a_failure(
    cases: Cases, projection: Projection, submit: Make, make_event: Make
) -> None:
    mail = {"recipient_id": "r-ann@x.example"}
    await projection.apply([await submit(), make_event(NotificationFailed, "m1", **mail)])
    assert [one.status for one in (await read(cases)).notifications] == ["failed"]
    await projection.apply([make_event(NotificationSent, "m1", **mail)])
    await projection.apply([make_event(NotificationFailed, "m1", revision=2, **mail)])
    assert [one.status for one in (await read(cases)).notifications] == ["sent"]


async def test_complete_waits_for_every_result_that_the_round_covers(
    cases: Cases, projection: Projection, submit: Make, analyze: Make, rate: Make, make_completed: Make, typed: str
) -> None:
    urls = {"u1": "http://x.example/"}
    await projection.apply([await submit(files={"f1": "a.zip"}, urls=urls)])
    await projection.apply([make_completed(("EvidenceAnalyzed", "f1"), ("UrlsRated", typed))])
    assert not (await read(cases)).analysis.complete
    await projection.apply([await analyze("f1")])
    assert not (await read(cases)).analysis.complete
    await projection.apply([await rate(typed, urls)])
    assert (await read(cases)).analysis.complete


async def test_complete_waits_for_the_revision_that_is_covered(
    cases: Cases, projection: Projection, submit: Make, analyze: Make, make_completed: Make
) -> None:
    completed = make_completed(("EvidenceAnalyzed", "f1"), revision=2)
    await projection.apply([await submit(files={"f1": "a.zip"}), await analyze("f1"), completed])
    assert not (await read(cases)).analysis.complete
    await projection.apply([await analyze("f1", revision=3)])
    assert (await read(cases)).analysis.complete


async def test_a_revised_verdict_is_shown_and_the_timeline_says_so(
    cases: Cases, projection: Projection, submit: Make, analyze: Make, make_completed: Make
) -> None:
    first = await analyze("f1", "old name", verdict="unknown")
    completed = make_completed(("EvidenceAnalyzed", "f1"))
    await projection.apply([await submit(files={"f1": "a.zip"}), first, completed])
    await projection.apply([await analyze("f1", "new name", revision=2, previous_verdict="unknown"), first])
    view = await read(cases)
    assert view.analysis.complete
    assert [file.name for file in view.analysis.files] == ["new name"]
    assert [item.says for item in view.timeline][-1] == "A file was analyzed again: malicious, unknown before."


async def test_complete_needs_the_object_itself(
    cases: Cases, objects: Objects, projection: Projection, submit: Make, analyze: Make, make_completed: Make
) -> None:
    analyzed = await analyze("f1")
    await projection.apply([await submit(files={"f1": "a"}), analyzed, make_completed(("EvidenceAnalyzed", "f1"))])
    await objects.delete(analyzed.report.key)
    view = await read(cases)
    assert not view.analysis.complete
    assert view.analysis.files == ()


async def test_a_case_without_evidence_is_complete_when_that_is_stated(
    cases: Cases, projection: Projection, submit: Make, make_completed: Make
) -> None:
    await projection.apply([await submit()])
    assert not (await read(cases)).analysis.complete
    await projection.apply([make_completed()])
    assert (await read(cases)).analysis.complete


async def test_evidence_that_is_added_makes_the_analysis_incomplete_again(
    cases: Cases, projection: Projection, submit: Make, update: Make, analyze: Make, make_completed: Make
) -> None:
    await projection.apply([await submit(), make_completed(), await update(2, files=["f2"])])
    view = await read(cases)
    assert (view.analysis.complete, view.analysis.round) == (False, 2)
    completed = make_completed(("EvidenceAnalyzed", "f2"), round=2)
    await projection.apply([await analyze("f2"), completed])
    assert (await read(cases)).analysis.complete


async def test_a_typed_url_is_untested_until_it_is_rated_and_keeps_what_was_asked(
    cases: Cases, projection: Projection, submit: Make, rate: Make, make_event: Make, typed: str
) -> None:
    wanted = {"evidence_id": "u1", "url": "http://x.example/", "requested_rating": "safe"}
    await projection.apply([await submit(urls={"u1": "http://x.example/"}, sheet={"urls": [wanted]})])
    [url] = (await read(cases)).analysis.urls
    assert (url.rating, url.score, url.outcome) == ("untested", 71, None)
    await projection.apply([await rate(typed, {"u1": "http://x.example/"})])
    [url] = (await read(cases)).analysis.urls
    assert url.requested is not None
    assert (url.rating, url.requested.rating) == ("dangerous", "safe")
    await projection.apply([make_event(UrlReclassified, "u1")])
    [url] = (await read(cases)).analysis.urls
    assert (url.rating, url.outcome, url.categories[0].name) == ("safe", "changed", "Phishing")


async def test_urls_that_were_found_stand_with_their_piece(
    cases: Cases, projection: Projection, submit: Make, analyze: Make, rate: Make
) -> None:
    await projection.apply([await submit(files={"f1": "a.eml"}), await analyze("f1", urls=["http://bad.example/"])])
    [url] = (await read(cases)).analysis.urls
    assert (url.rating, url.parent_id) == ("untested", "f1")
    await projection.apply([await rate("f1", {"f1/u0": "http://bad.example/"})])
    assert [one.rating for one in (await read(cases)).analysis.urls] == ["dangerous"]


async def test_lists_are_cut_and_the_rest_can_be_paged(
    cases: Cases, projection: Projection, submit: Make, analyze: Make
) -> None:
    names = [f"{number}.exe" for number in range(501)]
    await projection.apply([await submit(files={"f1": "a.zip"}), await analyze("f1", *names)])
    view, evidence = await read(cases), await cases.evidence(ME, SR)
    assert (len(view.analysis.files), view.analysis.truncated) == (500, True)
    assert evidence is not None
    assert [one.flat()["name"] for one in evidence.found] == names


async def test_what_an_update_says_stands_in_the_timeline(
    cases: Cases, projection: Projection, submit: Make, update: Make
) -> None:
    said = {"comment": "It came back.", "business_impact": "All stands still"}
    await projection.apply([await submit(), await update(2, sheet=said, severity="high")])
    view = await read(cases)
    assert by_event(view.timeline)["CaseUpdated"] == ["The customer set the severity to high. It came back."]
    assert view.business_impact == "All stands still"


async def test_an_escalation_shows_how_far_it_is(
    cases: Cases, projection: Projection, submit: Make, make_event: Make
) -> None:
    await projection.apply([await submit(), make_event(EscalationRequested, revision=2)])
    assert [one.status for one in (await read(cases)).escalations] == ["requested"]
    await projection.apply([make_event(CaseEscalated, "u2")])
    assert [one.status for one in (await read(cases)).escalations] == ["open"]


async def test_an_erased_case_keeps_its_facts_only(
    cases: Cases, projection: Projection, library: Library, submit: Make, analyze: Make, make_event: Make
) -> None:
    await projection.apply([await submit(files={"f1": "a.zip"}), await analyze("f1")])
    await read(cases)
    await projection.apply([make_event(CaseErased, revision=2)])
    view = await read(cases)
    assert (view.subject, view.description, view.cc, view.analysis.files) == ("", "", (), ())
    assert not view.analysis.complete
    assert "a.zip" not in view.model_dump_json()


async def test_a_case_of_another_account_is_not_there(cases: Cases, projection: Projection, submit: Make) -> None:
    await projection.apply([await submit()])
    assert await cases.view(make_caller("a2"), SR) is None
    assert await cases.listed(make_caller("a2"), ListQuery()) == []
    assert await cases.view(make_caller("a2", "analyst"), SR) is not None


async def test_a_case_that_only_intake_knows_is_there(cases: Cases, fresh: FakeFreshCases, make_fresh: Make) -> None:
    url = {"id": "u1", "kind": "url", "revision": 1, "url": "http://x.example/"}
    fresh.cases[SR] = make_fresh(1, evidence=[url])
    view = await read(cases)
    assert (view.subject, view.status, view.analysis.complete) == ("Just sent", "received", False)
    assert [one.rating for one in view.analysis.urls] == ["untested"]
    assert [one.sr_number for one in await cases.listed(ME, ListQuery())] == [SR]
    assert await cases.visible(ME, SR)
    assert await cases.view(make_caller("a2"), SR) is None
    assert await cases.listed(make_caller("a2"), ListQuery()) == []
    assert not await cases.visible(make_caller("a2"), SR)


async def test_an_update_that_only_intake_knows_is_there(
    cases: Cases, fresh: FakeFreshCases, projection: Projection, submit: Make, make_fresh: Make, make_completed: Make
) -> None:
    await projection.apply([await submit(), make_completed()])
    timeline = [
        {"at": OPENED, "service": "intake", "event": "CaseSubmitted", "says": "It was opened."},
        {"at": OPENED + timedelta(minutes=1), "service": "intake", "event": "CaseUpdated", "says": "More came."},
    ]
    added = {"id": "f2", "kind": "file", "revision": 2}
    fresh.cases[SR] = make_fresh(2, timeline=timeline, evidence=[added], closed=True)
    view = await read(cases)
    assert (view.severity, view.status) == ("critical", "closed")
    assert by_event(view.timeline)["CaseSubmitted"] == ["The case was submitted."]
    assert by_event(view.timeline)["CaseUpdated"] == ["More came."]
    assert (view.analysis.complete, view.analysis.round) == (False, 2)
    [listed] = await cases.listed(ME, ListQuery())
    assert (listed.severity, listed.status, listed.subject) == ("critical", "closed", "It should not be detected")


async def test_what_the_projection_knows_already_is_not_taken_from_intake(
    cases: Cases, fresh: FakeFreshCases, projection: Projection, submit: Make, make_event: Make, make_fresh: Make
) -> None:
    await projection.apply([await submit(), make_event(CaseUpdated, revision=2, severity="low")])
    fresh.cases[SR] = make_fresh(2)
    assert (await read(cases)).severity == "low"
    assert [one.severity for one in await cases.listed(ME, ListQuery())] == ["low"]


async def test_a_list_filters_and_orders_what_is_newer_too(
    cases: Cases, fresh: FakeFreshCases, projection: Projection, submit: Make, make_fresh: Make
) -> None:
    await projection.apply([await submit()])
    later = OPENED + timedelta(minutes=5)
    fresh.cases["x"] = make_fresh(1, "SR01-000000043-5", submitted_at=later)
    assert [one.sr_number for one in await cases.listed(ME, ListQuery())] == ["SR01-000000043-5", SR]
    assert [one.sr_number for one in await cases.listed(ME, ListQuery(words=("just",)))] == ["SR01-000000043-5"]
    assert await cases.listed(ME, ListQuery(category="threat-inquiry")) == []
    assert [one.sr_number for one in await cases.listed(ME, ListQuery(limit=1))] == ["SR01-000000043-5"]


async def test_a_list_is_as_long_as_asked_for_when_one_of_its_cases_has_moved_away(
    cases: Cases, fresh: FakeFreshCases, projection: Projection, submit: Make, make_fresh: Make
) -> None:
    """A page that is shorter would be taken for the last one."""
    numbers = [SR, "SR01-000000043-5", "SR01-000000044-6"]
    for sr_number in numbers:
        await projection.apply([await submit(sr_number=sr_number)])
    fresh.cases[numbers[2]] = make_fresh(2, numbers[2], closed=True)
    listed = await cases.listed(ME, ListQuery(status="received", limit=2))
    assert [one.sr_number for one in listed] == [numbers[1], numbers[0]]


async def test_a_list_asks_intake_for_what_the_projection_may_lack(
    cases: Cases, fresh: FakeFreshCases, projection: Projection, submit: Make
) -> None:
    now = OPENED + timedelta(hours=1)
    await cases.listed(ME, ListQuery())
    await projection.apply([await submit()])
    await cases.listed(ME, ListQuery())
    assert fresh.asked_since == [now - timedelta(days=1), OPENED - timedelta(seconds=30)]


async def test_what_nobody_knows_while_intake_is_away_is_not_said_to_be_absent(
    cases: Cases, projection: Projection, fresh: FakeFreshCases, submit: Make
) -> None:
    fresh.away = True
    with pytest.raises(OutageError):
        await cases.view(ME, SR)
    with pytest.raises(OutageError):
        await cases.visible(ME, SR)
    await projection.apply([await submit()])
    assert await cases.view(ME, SR) is not None
    assert await cases.visible(ME, SR)
