"""The case page as the server makes it: what intake refuses, what is delayed, what is erased, what changes live."""

import json
import re
from html import unescape

import pytest
from case_fakes import FakeCaseDesk
from fastapi import FastAPI
from page_fakes import Tab, fields_of
from portal_fakes import SR, Make, Stream
from request_fakes import FakeIntake

from caseway_catalog import Catalog
from caseway_contracts.cases import CaseErased
from caseway_contracts.clients import Refused, ServiceAway
from caseway_contracts.ratings import UrlReclassified
from caseway_contracts.routes import CaseStatusChanged
from portal.pages.samples import disposed, inner_name
from portal.projection import Projection
from portal.sessions import Sessions

CASE = f"/requests/{SR}"
PIECE = "1b1f6a3e-5a0c-4a37-9b42-2f0b6a1f7f10"


def refused(field: str, code: str, message: str) -> Refused:
    return Refused(422, {"errors": [{"field": field, "code": code, "message": message, "help": "Do this."}]})


@pytest.mark.parametrize(
    ("action", "form", "field", "at"),
    [
        ("updates", {"comment": "Typed words"}, "/attachments/0/password", "f-password"),
        ("recipients", {"add_cc": "Typed words"}, "/add_cc/0", "f-add_cc"),
        ("urgency", {"severity": "high", "business_impact": "Typed words"}, "/business_impact", "f-business_impact"),
        ("close", {"closing": "Typed words"}, "/comment", "f-closing"),
        ("escalate", {"type": "slow-response", "reason": "Typed words"}, "/type", "f-type"),
    ],
)
async def test_what_intake_refuses_stands_at_its_field_and_nothing_typed_is_lost(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk, action: str, form: dict[str, str], field: str, at: str
) -> None:
    case_desk.refusal = refused(field, "wrong", "That is wrong.")
    answer = await tab.post(f"/requests/{our_case}/{action}", form)
    assert answer.status_code == 422
    assert f'<a href="#{at}">That is wrong.</a>' in answer.text
    assert f'id="{at}-errors"' in answer.text
    assert "Typed words" in answer.text


async def test_files_of_an_update_are_handed_in_with_their_password(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk, intake: FakeIntake
) -> None:
    form = {"comment": "See these", "password": "secret", "form_key": "key-1"}
    files = [("attachments", ("a.zip", b"first")), ("attachments", ("b.zip", b"second"))]
    answer = await tab.post(f"{CASE}/updates", form, files=files)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{CASE}?notice=case-updates#conversation"
    sent = [(name, bytes(data)) for _, name, data, _ in intake.uploads.values()]
    assert sent == [("a.zip", b"first"), ("b.zip", b"second")]
    [(sr, verb, body)] = case_desk.acts
    assert (sr, verb, case_desk.keys) == (our_case, "updates", ["key-1"])
    attachments = [{"upload_id": f"upload-{number}", "password": "secret"} for number in (1, 2)]
    assert body == {"comment": "See these", "attachments": attachments}


@pytest.mark.parametrize(("action", "at"), [("updates", "comment"), ("recipients", "add_cc"), ("escalate", "reason")])
async def test_an_empty_form_is_told_what_it_needs(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk, action: str, at: str
) -> None:
    answer = await tab.post(f"/requests/{our_case}/{action}")
    assert answer.status_code == 422
    assert f'id="f-{at}-errors"' in answer.text
    assert case_desk.acts == []


async def test_a_delayed_case_says_so_in_plain_words(
    tab: Tab, our_case: str, projection: Projection, make_event: Make
) -> None:
    await projection.apply([make_event(CaseStatusChanged, status="delayed")])
    text = (await tab.get(f"/requests/{our_case}")).text
    assert "Part of the analysis is delayed" in text
    assert "Nothing of what you sent is lost." in text


async def test_a_complete_analysis_says_first_what_it_found(
    tab: Tab, our_case: str, projection: Projection, make_completed: Make
) -> None:
    path = f"/requests/{our_case}"
    assert "The analysis is under way" in (await tab.get(path)).text
    await projection.apply([make_completed(("EvidenceAnalyzed", PIECE), worst_verdict="malicious")])
    text = (await tab.get(path)).text
    assert re.search(r'<div class="notice bad">\s*<h2>Something malicious was found</h2>', text)
    assert "Malicious or suspicious files: 2 of 2." in text


async def test_an_erased_case_has_facts_and_nothing_to_do(
    tab: Tab, our_case: str, projection: Projection, make_event: Make
) -> None:
    await projection.apply([make_event(CaseErased, revision=2)])
    text = (await tab.get(f"/requests/{our_case}")).text
    assert "were erased" in text
    assert "All of it" not in text
    assert f"{CASE}/updates" not in text
    assert (await tab.get(f"{CASE}/evidence/{PIECE}.zip")).status_code == 404


async def test_the_outcome_of_a_reclassification_stands_at_its_url(
    tab: Tab, our_case: str, projection: Projection, make_event: Make
) -> None:
    await projection.apply([make_event(UrlReclassified, "u1")])
    text = (await tab.get(f"/requests/{our_case}")).text
    assert "Changed as decided" in text
    assert "Phishing" in text


async def test_words_of_an_analysis_are_text(tab: Tab, our_case: str, projection: Projection, analyze: Make) -> None:
    hostile = "<img src=x onerror=alert(1)>{{7*7}}&lt;"
    await projection.apply([await analyze(PIECE, "a.zip", hostile, revision=2)])
    text = (await tab.get(f"/requests/{our_case}")).text
    assert "<img" not in text
    names = [unescape(one) for one in re.findall(r'<span class="typed name">(.*?)</span>', text)]
    assert hostile in names


async def test_only_the_parts_that_changed_come_while_the_page_is_open(
    api: FastAPI,
    tabs: Make,
    sessions: Sessions,
    our_case: str,
    projection: Projection,
    make_event: Make,
) -> None:
    tab: Tab = await tabs("customer@a1")
    api.state.stopping.clear()
    cookie = f"caseway-session={tab.http.cookies['caseway-session']}"
    async with Stream(api, f"/requests/{our_case}/live", cookie=cookie) as stream:
        [first] = await stream.until(lambda one: len(one.events()) == 1)
        await projection.apply([make_event(CaseStatusChanged, status="open")])
        _, second = await stream.until(lambda one: len(one.events()) == 2)
    assert stream.status == 200
    assert "files" in json.loads(first["data"])["parts"]
    parts = json.loads(second["data"])["parts"]
    assert "Open" in parts["state"]
    assert "files" not in parts
    async with Stream(api, f"/requests/{our_case}/live", cookie=cookie, last_event_id=second["id"]) as stream:
        await projection.apply([make_event(CaseStatusChanged, revision=2, status="answered")])
        [third] = await stream.until(lambda one: len(one.events()) == 1)
    assert "Answered" in json.loads(third["data"])["parts"]["state"]


@pytest.mark.parametrize(
    ("name", "inner", "plain"),
    [
        ("a.zip", "a.zip", "a.zip"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\temp\\x.exe", "x.exe", "x.exe"),
        ("..", "sample", "sample"),
        ('a"; filename="b\r\nX: y', 'a"; filename="b__X: y', "a_filename_b__X_y"),
        ("Übersicht 漢字.doc", "Übersicht 漢字.doc", "Ubersicht_.doc"),
    ],
)
def test_the_name_of_a_download_is_ascii_and_leads_nowhere(name: str, inner: str, plain: str) -> None:
    assert inner_name(name) == inner
    header = disposed(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith(f"attachment; filename=\"{plain}.zip\"; filename*=UTF-8''")


async def test_a_choice_begins_as_the_case_it_comes_from(tab: Tab, our_case: str, case_desk: FakeCaseDesk) -> None:
    text = (await tab.get(f"{CASE}/promote?evidence={PIECE}&evidence=nowhere")).text
    assert f'value="{PIECE}" checked' in text
    assert "nowhere" not in text
    form = {"evidence": [PIECE], "profile_id": "prof-ours", "category": "spam", "virus_pattern_type": "x"}
    form |= {"subject": ["S"], "description": ["D"], "severity": ["low"], "cc": ["a@x.example\nb@x.example"]}
    answer = await tab.post(f"{CASE}/promote", form)
    assert answer.headers["location"] == "/requests/SR01-000000043-5?notice=case-promoted"
    [(_, verb, body)] = case_desk.acts
    assert (verb, body["evidence_ids"]) == ("promote", [PIECE])
    submission = body["submission"]
    assert submission["fields"] == {}, "spam has no virus pattern"
    assert submission["cc"] == ["a@x.example", "b@x.example"]
    assert submission["profile_id"] == "prof-ours"
    case_desk.refusal = refused("/submission/fields/virus_pattern_type", "required", "Choose one.")
    answer = await tab.post(f"{CASE}/promote", form)
    assert answer.status_code == 422
    assert '<a href="#f-virus_pattern_type">Choose one.</a>' in answer.text


async def test_a_choice_that_has_to_wait_stays_chosen(tab: Tab, our_case: str, case_desk: FakeCaseDesk) -> None:
    busy = {"field": "/evidence_ids", "code": "evidence.busy", "message": "Not now.", "help": "Try again."}
    case_desk.refusal = Refused(429, {"errors": [busy]}, "10")
    answer = await tab.post(f"/requests/{our_case}/promote", {"evidence": [PIECE], "subject": ["Typed words"]})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert "Not now." in answer.text
    assert "Typed words" in answer.text


async def test_what_scripts_have_uploaded_is_handed_in_and_stays_when_intake_refuses(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk
) -> None:
    form = {"upload_id": ["up-1", "up-2"], "upload_name": ["a<b>.zip", "c.zip"], "password": "secret"}
    await tab.post(f"{CASE}/updates", form, files=[("attachments", ("d.zip", b"x"))])
    [(_, _, body)] = case_desk.acts
    assert body == {"attachments": [{"upload_id": one, "password": "secret"} for one in ("up-1", "up-2", "upload-1")]}
    case_desk.refusal = refused("/attachments/0/password", "wrong", "That is wrong.")
    answer = await tab.post(f"{CASE}/updates", form, files=[("attachments", ("d.zip", b"x"))])
    assert fields_of(answer)["upload_id"] == ["up-1", "up-2", "upload-2", ""]  # the last is the pattern of a row
    assert '<strong class="typed" data-name>a&lt;b&gt;.zip</strong>' in answer.text


async def test_a_file_that_is_refused_is_named_and_can_be_left_out_without_scripts(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk
) -> None:
    case_desk.refusal = refused("/attachments/1", "attachment.bare", "Only in an archive.")
    files = [("attachments", (name, b"x")) for name in ("a.zip", "b.exe")]
    answer = await tab.post(f"{CASE}/updates", {"comment": "Typed words"}, files=files)
    assert "b.exe: Only in an archive." in answer.text
    asked = fields_of(answer)
    assert 'name="drop" value="upload-2"' in answer.text
    case_desk.refusal = None
    form = {"comment": "Typed words", "upload_id": asked["upload_id"][:2], "upload_name": asked["upload_name"][:2]}
    await tab.post(f"{CASE}/updates", {**form, "drop": "upload-2"}, files=[])
    assert case_desk.acts[-1][2] == {"comment": "Typed words", "attachments": [{"upload_id": "upload-1"}]}


async def test_a_file_too_many_of_an_update_is_said_and_not_dropped(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk, catalog: Catalog
) -> None:
    most = catalog.limits.files_per_case
    files = [("attachments", (f"{number}.zip", b"x")) for number in range(most + 1)]
    answer = await tab.post(f"{CASE}/updates", {"comment": "Typed words"}, files=files)
    assert answer.status_code == 422
    assert f"Attach at most {most} files" in answer.text
    assert "Typed words" in answer.text
    assert case_desk.acts == []


async def test_no_file_of_an_update_is_passed_on_without_the_token(tab: Tab, our_case: str, intake: FakeIntake) -> None:
    answer = await tab.http.post(f"{CASE}/updates", data={"comment": "x"}, files={"attachments": ("a.zip", b"x")})
    assert answer.status_code == 403
    assert intake.uploads == {}


@pytest.mark.parametrize(("action", "field"), [("updates", "comment"), ("close", "closing"), ("promote", "subject")])
async def test_while_intake_is_away_nothing_typed_is_lost(
    tab: Tab, our_case: str, case_desk: FakeCaseDesk, action: str, field: str
) -> None:
    case_desk.refusal = ServiceAway("intake did not answer")
    form = {field: "Typed words", "form_key": "key-1", "evidence": PIECE}
    answer = await tab.post(f"/requests/{our_case}/{action}", form)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "Typed words" in answer.text
    assert 'name="form_key" value="key-1"' in answer.text


async def test_more_than_can_be_chosen_is_said(tab: Tab, our_case: str, case_desk: FakeCaseDesk) -> None:
    form = {"evidence": [PIECE, *(f"other-{number}" for number in range(20))], "subject": ["Typed words"]}
    answer = await tab.post(f"{CASE}/promote", form)
    assert answer.status_code == 422
    assert "Choose at most 20 files" in answer.text
    assert case_desk.acts == []


async def test_a_key_that_is_no_header_is_replaced(tab: Tab, our_case: str, case_desk: FakeCaseDesk) -> None:
    answer = await tab.post(f"{CASE}/updates", {"comment": "x", "form_key": "\u00e9\r\n"})
    assert answer.status_code == 303
    assert case_desk.keys[0].isascii()
    assert case_desk.keys[0].isprintable()
