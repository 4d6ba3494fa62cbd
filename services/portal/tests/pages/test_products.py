import json

import pytest
from page_fakes import PRODUCT_PROFILE, FakeProfiles, Tab, fields_of, tags_of, texts_of
from portal_fakes import Make

from caseway_contracts.clients import Refused
from caseway_kit.testing.corpora import corpora

NEW = {
    "name": "Branch office",
    "product": "officescan",
    "version": "11.0",
    "operating_systems": ["windows-10", "macos"],
    "language": "de",
    "activation_code": "OS-0001",
    "settings": ["web-reputation"],
    "toolbox_guid": "",
    "form_key": "k1",
}


async def test_a_profile_is_made_shown_changed_and_deleted(tab: Tab, profiles: FakeProfiles) -> None:
    assert "No product profiles yet" in (await tab.get("/products")).text
    answer = await tab.post("/products/new", NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/products?notice=product-added")
    shown = await tab.get("/products?notice=product-added")
    assert "The product profile is saved." in shown.text
    assert texts_of(shown) == ["Branch office"]
    for said in ("OfficeScan 11.0", "Windows 10, macOS", "German", "OS-0001", "Web Reputation"):
        assert said in shown.text
    fields = fields_of(await tab.get("/products/prof-1"))
    assert fields["operating_systems"] == ["windows-10", "macos"]
    assert fields["revision"] == ["1"]
    answer = await tab.post("/products/prof-1", {**NEW, "name": "Main office", "revision": "1"})
    assert answer.headers["location"] == "/products?notice=product-changed"
    assert profiles.saved["a1"]["prof-1"]["name"] == "Main office"
    assert "Main office" in (await tab.get("/products/prof-1/delete")).text
    await tab.post("/products/prof-1/delete")
    assert profiles.saved["a1"] == {}


async def test_a_form_sent_twice_makes_one_profile(tab: Tab, profiles: FakeProfiles) -> None:
    for _ in range(2):
        assert (await tab.post("/products/new", NEW)).status_code == 303
    assert len(profiles.saved["a1"]) == 1


async def test_versions_codes_settings_and_the_guid_follow_the_product(tab: Tab, profiles: FakeProfiles) -> None:
    profiles.codes["a1"] = [{"product": "officescan", "code": "OS-0001"}, {"product": "apex-one", "code": "AP-0002"}]
    typed = {**NEW, "action": "refresh"}
    office = (await tab.post("/products/new", typed)).text
    assert "OfficeScan Toolbox GUID" in office
    assert "OS-0001" in office
    assert "AP-0002" not in office
    assert "Smart Scan Server" in office
    answer = await tab.post("/products/new", {**typed, "product": "apex-one", "name": " kept <b>"})
    assert answer.status_code == 200
    assert "Toolbox GUID" not in answer.text
    assert "AP-0002" in answer.text
    assert "as a Service" in answer.text
    fields = fields_of(answer)
    assert fields["name"] == [" kept <b>"]
    assert fields["operating_systems"] == ["windows-10", "macos"]
    assert "version" not in fields
    assert profiles.saved == {}


async def test_what_another_product_has_is_left_out(tab: Tab, profiles: FakeProfiles) -> None:
    typed = {**NEW, "product": "apex-central", "version": "2019", "toolbox_guid": "x", "settings": ["web-reputation"]}
    await tab.post("/products/new", typed)
    [saved] = profiles.saved["a1"].values()
    assert "toolbox_guid" not in saved
    assert saved["settings"] == []


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(tab: Tab, profiles: FakeProfiles) -> None:
    errors = [
        {"field": "/name", "code": "value.taken", "message": "Taken <already>.", "help": "Choose another."},
        {"field": "/operating_systems/1", "code": "choice.invalid", "message": "Not known.", "help": ""},
        {"field": "", "code": "x", "message": "All in all, no.", "help": ""},
    ]
    profiles.refusal = Refused(422, {"errors": errors})
    answer = await tab.post("/products/new", {**NEW, "name": "</textarea>'\"<script>"})
    assert answer.status_code == 422
    assert 'href="#f-name"' in answer.text
    assert 'href="#f-operating_systems"' in answer.text
    assert "3 things need a correction." in answer.text
    fields = fields_of(answer)
    assert {name: fields[name] for name in NEW if name not in ("name", "toolbox_guid", "activation_code")} == {
        name: [value] if isinstance(value, str) else value
        for name, value in NEW.items()
        if name not in ("name", "toolbox_guid", "activation_code")
    }
    assert fields["name"] == ["</textarea>'\"<script>"]


async def test_a_change_of_somebody_else_is_not_overwritten(tab: Tab, seeded: None, profiles: FakeProfiles) -> None:
    profiles.saved["a1"]["prof-ours"] = {**PRODUCT_PROFILE, "revision": 2}
    answer = await tab.post("/products/prof-ours", {**NEW, "revision": "1"})
    assert answer.status_code == 422
    assert "Somebody has changed the profile since" in answer.text
    assert fields_of(answer)["name"] == ["Branch office"]


async def test_naughty_strings_are_shown_as_they_are(tab: Tab, profiles: FakeProfiles, tabs: Make) -> None:
    listed: list[str] = json.loads((corpora("strings-blns") / "blns.json").read_text("utf-8"))
    strings = [text for text in dict.fromkeys(listed) if text.strip()]
    tags = tags_of(await tab.get("/products"))
    profiles.saved["a1"] = {
        f"p{at}": {**PRODUCT_PROFILE, "id": f"p{at}", "name": text, "activation_code": text}
        for at, text in enumerate(strings)
    }
    shown = await tab.get("/products")
    assert texts_of(shown) == strings
    assert tags_of(shown) <= tags | {"table", "caption", "thead", "tbody", "tr", "th", "td", "br"}
    for at, text in list(enumerate(strings))[::10]:
        assert fields_of(await tab.get(f"/products/p{at}"))["name"] == [text]


@pytest.mark.parametrize("typed", ["{{ 7 * 7 }}", "${7*7}", "{% include 'base.html' %}", "%s", "{0}", "{name}"])
async def test_a_template_in_a_text_stays_a_text(tab: Tab, profiles: FakeProfiles, typed: str) -> None:
    await tab.post("/products/new", {**NEW, "name": typed})
    assert texts_of(await tab.get("/products")) == [typed]


async def test_fields_that_no_form_of_ours_has_are_not_passed_on(tab: Tab, profiles: FakeProfiles) -> None:
    extra = {f"extra_{at}": "x" for at in range(50)} | {
        "account_id": "a2",
        "id": "prof-x",
        "deleted": "1",
        "role": "operator",
    }
    await tab.post("/products/new", {**NEW, **extra})
    [saved] = profiles.saved["a1"].values()
    assert saved.keys() <= {*PRODUCT_PROFILE}
    assert saved["id"] == "prof-1"
    await tab.post("/profile", {"case_recipients": "ann@x.example", **extra})
    assert profiles.recipients == {"a1": ["ann@x.example"]}


async def test_a_guess_and_somebody_elses_profile_look_the_same(tabs: Make, seeded: None) -> None:
    other: Tab = await tabs("customer@a2")
    theirs = (await other.get("/products/prof-ours")).text.replace("prof-ours", "")
    for guess in ("prof-1", "prof-our", "$ne", "[]", "none"):
        answer = await other.get(f"/products/{guess}")
        assert answer.status_code == 404
        assert answer.text.replace(guess, "") == theirs
