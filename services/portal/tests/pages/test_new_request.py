"""The request's form as a browser without scripts uses it, and what scripts ask of it."""

import asyncio
import json
import re

import pytest
from page_fakes import PRODUCT_PROFILE, FakeProfiles, Tab
from portal_fakes import Make
from request_fakes import FakeIntake, FakeRatings, InMemoryDraftRepository
from request_forms import DRAFT, FORM, NEW, draft_of, error, value_of

from caseway_contracts.clients import Refused

pytestmark = pytest.mark.usefixtures("our_profile")


async def test_a_new_form_starts_with_the_case_recipients_and_the_only_profile(
    tab: Tab, profiles: FakeProfiles
) -> None:
    profiles.recipients["a1"] = ["boss@example.com"]
    answer = await tab.get(NEW)
    assert value_of(answer, "cc") == "boss@example.com"
    assert '<option value="prof-ours" selected>' in answer.text
    assert "Windows 10" in answer.text
    assert "Solaris" not in answer.text


async def test_what_is_submitted_is_what_was_typed_and_its_draft_is_gone(
    tab: Tab, intake: FakeIntake, known_drafts: InMemoryDraftRepository
) -> None:
    await tab.post(f"{NEW}/draft", FORM)
    assert len(known_drafts.drafts) == 1
    answer = await tab.post(NEW, {**FORM, "action": "submit"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/requests/SR01-000000001-0?notice=request-submitted"
    [body] = intake.cases.values()
    assert body["description"] == "Line one\nLine two"
    assert body["cc"] == ["a@example.com", "b@example.com"]
    assert body["profile_revision"] == PRODUCT_PROFILE["revision"]
    assert known_drafts.drafts == {}


async def test_pressed_twice_it_is_one_case(tab: Tab, intake: FakeIntake) -> None:
    answers = await asyncio.gather(*(tab.post(NEW, {**FORM, "action": "submit"}) for _ in range(2)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(intake.cases) == 1


async def test_other_words_under_a_number_that_was_given_are_not_sent_as_the_same_case(
    tab: Tab, intake: FakeIntake
) -> None:
    await tab.post(NEW, {**FORM, "action": "submit"})
    answer = await tab.post(NEW, {**FORM, "subject": "Else", "action": "submit"})
    assert answer.status_code == 422
    assert "submitted already" in answer.text
    assert draft_of(answer) != DRAFT
    again = await tab.post(NEW, {**FORM, "subject": "Else", "draft": draft_of(answer), "action": "submit"})
    assert again.status_code == 303
    assert len(intake.cases) == 2


async def test_faults_stand_next_to_their_fields_and_everything_typed_is_still_there(
    tab: Tab, intake: FakeIntake
) -> None:
    intake.errors = [
        error("/subject", message="Subject is required."),
        error("/cc/1", "address.invalid", "This is not an e-mail address."),
        error("/attachments/0/password", "archive.wrong_password", "The password does not open the archive."),
        error("/attachments/1", "attachment.bare", "Only inside a password-protected archive."),
        error("/nowhere", "text.too_long", "Something else."),
    ]
    rows = {
        f"attachments/{number}/{name}": f"{name} {number}"
        for number in (0, 1)
        for name in ("upload_id", "name", "password")
    }
    typed = {**FORM, **rows, "cc": "a@example.com\n<script>nobody"}
    answer = await tab.post(NEW, {**typed, "action": "submit"})
    assert answer.status_code == 422
    for name, value in typed.items():
        if name not in (
            "affected_operating_systems",
            "issue_type",
            "category",
            "severity",
            "contact/method",
            "profile_id",
        ):
            assert value_of(answer, name) == value.replace("\r\n", "\n"), name
    assert re.search(r'id="f-subject-errors">\s*<li>Subject is required\.</li>', answer.text)
    assert re.search(r'id="f-attachments-1-errors"[^?]*?protected archive\. <span>Do this\.', answer.text)
    assert "“&lt;script&gt;nobody”: This is not an e-mail address." in answer.text
    assert 'id="f-attachments-0-password-errors"' in answer.text
    assert 'id="f-attachments-1-errors"' in answer.text
    assert 'href="#f-attachments-1"' in answer.text
    assert "<li>Something else. <span>Do this.</span></li>" in answer.text


async def test_without_scripts_the_form_follows_the_choices_and_keeps_what_was_typed(tab: Tab) -> None:
    threat = {**FORM, "issue_type": "threat", "category": "file-false-positive", "severity": "high", "action": "update"}
    answer = await tab.post(NEW, {**threat, "business_impact": "All stands."})
    assert "Virus Pattern Type" in answer.text
    assert value_of(answer, "business_impact") == "All stands."
    back = await tab.post(NEW, {**FORM, "business_impact": "All stands.", "action": "update"})
    assert "Virus Pattern Type" not in back.text
    assert "<textarea hidden" in back.text
    assert value_of(back, "business_impact") == "All stands."


async def test_a_check_says_nothing_of_what_is_not_filled_in_yet(tab: Tab, intake: FakeIntake) -> None:
    intake.errors = [error("/subject", message="Too early."), error("/urls", "urls.too_many", "11 are too many.")]
    form = {**FORM, "issue_type": "threat", "category": "collected-threat-sample-analysis", "urls": "x"}
    answer = await tab.post(f"{NEW}/parts", form)
    assert "11 are too many." in answer.text
    assert "Too early." not in answer.text
    assert "Too early." in (await tab.post(f"{NEW}/parts", {**form, "tried": "1"})).text


async def test_while_intake_is_away_nothing_is_lost(tab: Tab, intake: FakeIntake) -> None:
    intake.away = True
    answer = await tab.post(NEW, {**FORM, "action": "submit"})
    assert answer.status_code == 503
    assert "nothing was handed in" in answer.text
    assert value_of(answer, "description") == "Line one\nLine two"
    assert draft_of(answer) == DRAFT
    assert (await tab.post(f"{NEW}/parts", FORM)).status_code == 200


@pytest.mark.parametrize("path", [NEW, f"{NEW}/parts"])
async def test_while_profiles_is_away_the_form_says_so_and_keeps_what_was_typed(
    tab: Tab, profiles: FakeProfiles, intake: FakeIntake, path: str
) -> None:
    profiles.away = True
    answer = await tab.post(path, {**FORM, "action": "submit"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Nothing was handed in; what you typed is kept." in answer.text
    assert intake.cases == {}
    for address in (f"{NEW}?draft={DRAFT}", NEW):
        again = await tab.get(address)
        assert again.status_code == 503
        assert "Your product profiles can&#39;t be read just now" in again.text
        assert f'href="{address}"' in again.text
    profiles.away = False
    assert value_of(await tab.get(f"{NEW}?draft={DRAFT}"), "description") == "Line one\nLine two"


@pytest.mark.parametrize("action", ["submit", "discard"])
async def test_a_draft_that_is_slow_on_its_way_is_not_there_after_the_end(tab: Tab, action: str) -> None:
    late = {**FORM, "page": "first", "turn": "1"}
    assert (await tab.post(f"{NEW}/draft", late)).status_code == 204
    assert (await tab.post(NEW, {**FORM, "page": "first", "turn": "3", "action": action})).status_code == 303
    assert (await tab.post(f"{NEW}/draft", {**late, "turn": "2"})).status_code == 409
    assert (await tab.post(f"{NEW}/parts", {**late, "turn": "2"})).headers["draft-kept"] == "no"
    assert (await tab.get(f"{NEW}?draft={DRAFT}")).status_code == 404
    assert DRAFT not in (await tab.get(NEW)).text


async def test_of_a_request_that_was_handed_in_nobody_says_the_contrary(tab: Tab, profiles: FakeProfiles) -> None:
    assert (await tab.post(NEW, {**FORM, "action": "submit"})).status_code == 303
    profiles.away = True
    again = await tab.post(NEW, {**FORM, "action": "submit"})
    assert again.status_code == 503
    assert "Nothing was handed in" not in again.text


async def test_a_draft_that_is_slow_on_its_way_undoes_no_later_one(tab: Tab) -> None:
    for turn in ("2", "1"):
        typed = {**FORM, "subject": f"Turn {turn}", "page": "first", "turn": turn}
        assert (await tab.post(f"{NEW}/draft", typed)).status_code == 204
    assert value_of(await tab.get(f"{NEW}?draft={DRAFT}"), "subject") == "Turn 2"
    # A number that nobody counts so far is no reason to keep nothing.
    assert (await tab.post(f"{NEW}/draft", {**FORM, "subject": "Odd", "turn": "٣" * 40})).status_code == 204
    assert value_of(await tab.get(f"{NEW}?draft={DRAFT}"), "subject") == "Odd"


async def test_a_form_of_another_catalogue_is_shown_again(tab: Tab, intake: FakeIntake) -> None:
    intake.refusal = Refused(409, {"detail": "The form has changed."})
    answer = await tab.post(NEW, {**FORM, "action": "submit"})
    assert answer.status_code == 422
    assert "has changed since this form was opened" in answer.text


async def test_a_draft_comes_back_and_is_offered_where_it_is_not_asked_for(tab: Tab, tabs: Make) -> None:
    await tab.post(f"{NEW}/draft", {**FORM, "subject": "<b>Half"})
    assert value_of(await tab.get(f"{NEW}?draft={DRAFT}"), "subject") == "<b>Half"
    listed = await tab.get(NEW)
    assert f'href="/requests/new?draft={DRAFT}"' in listed.text
    assert "&lt;b&gt;Half" in listed.text
    other = await tabs("customer@a2")
    assert (await other.get(f"{NEW}?draft={DRAFT}")).status_code == 404
    assert DRAFT not in (await other.get(NEW)).text
    await tab.post(NEW, {**FORM, "action": "discard"})
    assert (await tab.get(f"{NEW}?draft={DRAFT}")).status_code == 404


async def test_a_profile_is_added_while_a_request_is_written(
    tab: Tab, profiles: FakeProfiles, known_drafts: InMemoryDraftRepository
) -> None:
    away = await tab.post(NEW, {**FORM, "subject": "Kept", "action": "profile"})
    assert away.headers["location"] == f"{NEW}/profile?draft={DRAFT}&profile_id=prof-ours"
    shown = await tab.get(away.headers["location"])
    assert value_of(shown, "quick/name") == PRODUCT_PROFILE["name"]
    quick = {
        "draft": DRAFT,
        "form_key": "k" * 20,
        "quick/name": "Second",
        "quick/product": "officescan",
        "quick/version": "XG",
        "quick/operating_systems": "windows-11",
        "quick/language": "en",
    }
    saved = await tab.post(f"{NEW}/profile", quick)
    assert saved.headers["location"] == f"{NEW}?draft={DRAFT}"
    back = await tab.get(saved.headers["location"])
    assert value_of(back, "subject") == "Kept"
    assert '<option value="prof-2" selected>Second</option>' in back.text
    assert "Windows 11" in back.text


async def test_the_window_of_a_profile_says_which_one_was_saved(tab: Tab, profiles: FakeProfiles) -> None:
    quick = {"profile_id": "prof-ours", "quick/name": "Renamed", "quick/product": "apex-one"}
    answer = await tab.post(f"{NEW}/profile", quick, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert json.loads(answer.headers["HX-Trigger"]) == {"profile-saved": {"id": "prof-ours"}}
    profiles.refusal = Refused(422, {"errors": [error("/name", message="A name is needed.")]})
    refused = await tab.post(f"{NEW}/profile", quick, headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert 'id="f-quick-name-errors"' in refused.text
    assert value_of(refused, "quick/name") == "Renamed"


async def test_ratings_are_shown_before_anything_is_submitted(
    tab: Tab, intake: FakeIntake, ratings: FakeRatings
) -> None:
    ratings.rated["http://odd.example/"] = {
        "rating": "dangerous",
        "score": 12,
        "categories": [{"id": 75, "name": "Phishing"}],
    }
    form = {**FORM, "urls": "http://odd.example/\nno url\nhttp://new.example/", "action": "show-ratings"}
    answer = await tab.post("/reclassify", form)
    assert "Phishing" in answer.text
    assert "Dangerous" in answer.text
    assert "No browser would open this URL." in answer.text
    assert answer.text.count("Select a New Classification") == 3
    assert intake.cases == {}
    chosen = {"rated": "1", "urls/0/url": "http://odd.example/", "urls/0/requested_rating": "safe"}
    categories = {"urls/0/requested_categories": ["37", "38"]}
    assert (await tab.post("/reclassify", {**form, **chosen, **categories, "action": "submit"})).status_code == 303
    [body] = intake.cases.values()
    assert (body["issue_type"], body["category"]) == ("threat", "url-reclassification")
    assert body["urls"][0] == {
        "url": "http://odd.example/",
        "requested_rating": "safe",
        "requested_categories": [37, 38],
    }


async def test_without_ratings_a_request_can_still_be_made(tab: Tab, ratings: FakeRatings) -> None:
    ratings.away = True
    form = {**FORM, "urls": "http://odd.example/", "action": "show-ratings"}
    answer = await tab.post("/reclassify", form)
    assert answer.status_code == 200
    assert "be shown just now" in answer.text
    assert (await tab.post("/reclassify", {**form, "rated": "1", "action": "submit"})).status_code == 303
