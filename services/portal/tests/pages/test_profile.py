from page_fakes import FakeProfiles, Tab, fields_of, texts_of
from portal_fakes import Make

from caseway_contracts.clients import Refused


async def test_case_recipients_are_lines_and_who_is_ticked_joins_them(tab: Tab, profiles: FakeProfiles) -> None:
    profiles.recipients["a1"] = ["ann@x.example"]
    profiles.people["a1"] = [{"id": "c1", "name": "<b>Bo</b>", "email": "bo@x.example"}]
    shown = await tab.get("/profile")
    assert fields_of(shown)["case_recipients"] == ["ann@x.example"]
    assert texts_of(shown) == ["<b>Bo</b>, bo@x.example"]
    form = {"case_recipients": "ann@x.example\r\n\r\n carl@x.example \r\nann@x.example", "contacts": ["bo@x.example"]}
    answer = await tab.post("/profile", form)
    assert answer.headers["location"] == "/profile?notice=profile-saved"
    assert profiles.recipients["a1"] == ["ann@x.example", "carl@x.example", "bo@x.example"]


async def test_an_address_that_is_none_is_named_and_all_lines_stay(tab: Tab, profiles: FakeProfiles) -> None:
    error = {"field": "/items/1/email", "code": "address.invalid", "message": "No address.", "help": "Write it anew."}
    profiles.refusal = Refused(422, {"errors": [error]})
    typed = "\n ann@x.example\n<script>alert(1)</script>\n"
    answer = await tab.post("/profile", {"case_recipients": typed})
    assert answer.status_code == 422
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: No address." in answer.text
    assert "<script>alert" not in answer.text
    assert fields_of(answer)["case_recipients"] == [typed]


async def test_contacts_are_listed(tab: Tab, profiles: FakeProfiles) -> None:
    assert "No contacts yet" in (await tab.get("/contacts")).text
    profiles.people["a1"] = [
        {"id": "c1", "name": "Ann <i>", "email": "ann@x.example"},
        {"id": "c2", "name": "", "email": "bo@x.example"},
    ]
    assert texts_of(await tab.get("/contacts")) == ["Ann <i>", "ann@x.example", "bo@x.example", "bo@x.example"]


async def test_who_is_no_customer_has_no_case_recipients(tabs: Make) -> None:
    analyst: Tab = await tabs("analyst@vendor")
    shown = await analyst.get("/profile")
    assert "Analyst" in shown.text
    assert "Case Recipients" not in shown.text
