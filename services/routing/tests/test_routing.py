"""What the events of a case make of it, whatever their order."""

import json
from itertools import permutations
from typing import Any

import pytest
from routing_fakes import InMemoryRouteRepository, Make

from caseway_contracts.base import Event
from caseway_contracts.cases import CaseClosed, CaseReopened, EscalationRequested
from caseway_contracts.ratings import typed_urls
from caseway_kit.errors import InvalidEvent
from routing.service import Routing

SR = "SR01-000000042-4"


async def stated(routing: Routing, *events: Event) -> list[dict[str, Any]]:
    """The bodies of all that is stated when the events come in this order."""
    return [json.loads(one.body) for event in events for one in await routing.apply(event)]


def of(kind: str, facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [fact for fact in facts if fact["type"] == kind]


def statuses(facts: list[dict[str, Any]]) -> list[str]:
    return [fact["status"] for fact in of("CaseStatusChanged", facts)]


async def test_a_case_without_evidence_is_complete_at_once_and_open(routing: Routing, make_submitted: Make) -> None:
    facts = await stated(routing, make_submitted(category="threat-inquiry"))
    [completed] = of("AnalysisCompleted", facts)
    assert completed["covers"] == []
    assert completed["caused_by"] == str(make_submitted().event_id)
    assert statuses(facts) == ["open"]


async def test_a_case_is_routed_by_the_catalogue_with_a_due_time(routing: Routing, make_submitted: Make) -> None:
    [routed] = of("CaseRouted", await stated(routing, make_submitted({"f1": "file"})))
    assert routed["team"] == "threat-research"
    assert routed["priority"] == 3
    assert routed["due_at"] > routed["occurred_at"]


async def test_completion_covers_every_piece_its_urls_and_the_typed_ones_in_any_order(
    make_submitted: Make, make_analyzed: Make, make_rated: Make, routing: Routing, clock: Any
) -> None:
    from caseway_catalog import load

    events = [
        make_submitted({"f1": "file", "u1": "url", "u2": "url"}),
        make_analyzed("f1", "malicious", urls=3),
        make_rated("f1", "dangerous"),
        make_rated(typed_urls(SR, 1), "safe"),
    ]
    completions = set()
    for order in permutations(events):
        fresh = Routing(InMemoryRouteRepository(), catalog=load(), clock=clock)
        facts = await stated(fresh, *order)
        completions.add(json.dumps(of("AnalysisCompleted", facts)))
        assert statuses(facts)[-1] == "answered"
    [completed] = json.loads(completions.pop())
    assert completions == set()
    assert {(one["type"], one["id"]) for one in completed["covers"]} == {
        ("EvidenceAnalyzed", "f1"),
        ("UrlsRated", "f1"),
        ("UrlsRated", typed_urls(SR, 1)),
    }
    assert (completed["worst_verdict"], completed["worst_rating"]) == ("malicious", "dangerous")


async def test_an_unknown_kind_of_evidence_is_waited_for(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    facts = await stated(routing, make_submitted({"x": "pcap"}))
    assert statuses(facts) == ["analyzing"]
    assert of("AnalysisCompleted", await stated(routing, make_analyzed("x", kind="pcap")))


async def test_an_update_with_evidence_opens_a_round_of_its_own(
    routing: Routing, make_submitted: Make, make_updated: Make, make_analyzed: Make
) -> None:
    await stated(routing, make_submitted({"f1": "file"}), make_analyzed("f1"))
    facts = await stated(routing, make_updated(2, {"f2": "file"}), make_analyzed("f2"))
    [completed] = of("AnalysisCompleted", facts)
    assert completed["round"] == 2
    assert [one["id"] for one in completed["covers"]] == ["f2"]
    assert statuses(facts) == ["analyzing", "open"]


async def test_an_update_that_comes_early_waits_for_the_case(
    routing: Routing, make_submitted: Make, make_updated: Make
) -> None:
    assert await stated(routing, make_updated(2, severity="critical")) == []
    facts = await stated(routing, make_submitted())
    assert of("CaseRouted", facts)[-1]["priority"] == 1


async def test_another_severity_states_team_and_time_anew(
    routing: Routing, make_submitted: Make, make_updated: Make
) -> None:
    [first] = of("CaseRouted", await stated(routing, make_submitted()))
    [second] = of("CaseRouted", await stated(routing, make_updated(2, severity="high")))
    assert (first["revision"], second["revision"]) == (1, 2)
    assert second["due_at"] < first["due_at"]


async def test_a_malicious_file_makes_the_case_more_urgent(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    await stated(routing, make_submitted({"f1": "file"}))
    [routed] = of("CaseRouted", await stated(routing, make_analyzed("f1", "malicious")))
    assert routed["priority"] == 2


async def test_a_parked_piece_delays_the_case_until_its_result_comes(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    from caseway_contracts.analyses import EvidenceDelayed

    analyzed = make_analyzed("f1")
    delayed = EvidenceDelayed.following(
        make_submitted(), subject_id="f1", occurred_at=analyzed.occurred_at, kind="file", reason="bug"
    )
    assert statuses(await stated(routing, make_submitted({"f1": "file"}), delayed)) == ["analyzing", "delayed"]
    assert statuses(await stated(routing, analyzed)) == ["open"]


async def test_closing_and_reopening_show_in_the_status(
    routing: Routing, make_submitted: Make, make_updated: Make
) -> None:
    facts = make_updated(2).model_dump(exclude={"type", "evidence", "severity"})
    closed = CaseClosed.model_validate(facts)
    reopened = CaseReopened.model_validate(facts | {"revision": 3, "event_id": make_updated(3).event_id})
    assert statuses(await stated(routing, make_submitted(), closed, reopened)) == ["open", "closed", "open"]


async def test_an_escalation_is_taken_up_and_raises_the_priority(
    routing: Routing, make_submitted: Make, make_updated: Make
) -> None:
    from caseway_catalog import load

    raising = next(one for one in load().escalation_types if one.raise_priority)
    facts = make_updated(2).model_dump(exclude={"type", "evidence", "severity"})
    escalation = EscalationRequested.model_validate(facts | {"escalation_type": raising.slug})
    await stated(routing, make_submitted())
    facts_stated = await stated(routing, escalation)
    assert of("CaseEscalated", facts_stated)[0]["escalation_type"] == raising.slug
    assert of("CaseRouted", facts_stated)[0]["priority"] == 3 - raising.raise_priority


async def test_redelivery_states_the_same_bytes_again(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    events = [make_submitted({"f1": "file"}), make_analyzed("f1")]
    first = [await routing.apply(event) for event in events]
    assert [await routing.apply(event) for event in events] == first


async def test_the_same_id_with_other_facts_is_refused(routing: Routing, make_submitted: Make) -> None:
    await routing.apply(make_submitted())
    with pytest.raises(InvalidEvent):
        await routing.apply(make_submitted(severity="critical"))


async def test_an_event_of_another_account_is_refused(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    await routing.apply(make_submitted({"f1": "file"}))
    with pytest.raises(InvalidEvent):
        await routing.apply(make_analyzed("f1", account_id="a2"))


async def test_a_forged_result_that_came_before_the_case_does_not_count(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    await routing.apply(make_analyzed("f1", "clean", account_id="a2"))
    assert statuses(await stated(routing, make_submitted({"f1": "file"}))) == ["analyzing"]


async def test_an_older_statement_about_a_piece_changes_nothing(
    routing: Routing, make_submitted: Make, make_analyzed: Make
) -> None:
    await stated(routing, make_submitted({"f1": "file"}), make_analyzed("f1", "malicious", revision=2))
    assert await stated(routing, make_analyzed("f1", "clean", revision=1)) == []


async def test_a_revised_verdict_completes_no_round_again_and_may_bring_the_case_to_a_desk(
    routing: Routing, make_submitted: Make, make_analyzed: Make, make_rated: Make
) -> None:
    await stated(routing, make_submitted({"f1": "file"}), make_analyzed("f1", "malicious"))
    facts = await stated(routing, make_analyzed("f1", "unknown", revision=2, urls=1), make_rated("f1", revision=2))
    assert of("AnalysisCompleted", facts) == []
    assert statuses(facts) == ["open"]


async def test_a_url_that_waits_for_an_analyst_keeps_the_case_on_the_desk(
    routing: Routing,
    memory_routes: InMemoryRouteRepository,
    make_submitted: Make,
    make_analyzed: Make,
    make_rated: Make,
    make_reclassified: Make,
) -> None:
    submitted = make_submitted({"f1": "file", "u1": "url", "u2": "url"})
    rated = make_rated(typed_urls(SR, 1), "dangerous", waiting=("u1", "u2"))
    facts = await stated(routing, submitted, make_analyzed("f1", "malicious"), make_reclassified("u2"), rated)
    assert statuses(facts)[-1] == "open"
    stored = await memory_routes.find(SR)
    assert stored is not None
    assert stored.route.waiting == ("u1",)

    facts = await stated(routing, make_reclassified("u1", "changed"))
    assert statuses(facts) == ["answered"]
    stored = await memory_routes.find(SR)
    assert stored is not None
    assert stored.route.waiting == ()


async def test_a_case_of_a_category_that_is_gone_from_the_catalogue_still_finds_a_desk(
    routing: Routing, make_submitted: Make
) -> None:
    [routed] = of("CaseRouted", await stated(routing, make_submitted(category="long-gone")))
    assert (routed["team"], routed["rule"]) == ("technical-support", "gone-from-catalogue")
