"""The procedures of the guide for new requests (S3 to S5), step by step."""

from collections.abc import Iterator

import pytest
from browser_pages import assert_accessible, assert_fits, screenshot
from embedded_system import Client, System, eventually
from evidence import aes_zip, attk_zip, mail
from playwright.sync_api import Page, expect
from request_pages import (
    SETTLED,
    attach,
    choose_kind,
    choose_profile,
    drop_profiles,
    file,
    followed,
    make_contact,
    make_profile,
    open_form,
    ready,
    row_of,
    say,
    submit,
    urgency_and_contact,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

OFFICE, SERVERS = "Requests: offices", "Requests: servers"
VACCINE, THREATDV = "Requests: vaccine", "Requests: ThreatDV"
CLEAN = aes_zip({"tool.txt": b"a clean file"}, "novirus")


MADE = "Requests: made in between"


@pytest.fixture(scope="module", autouse=True)
def _profiles(system: System) -> Iterator[None]:
    customer = system.client("customer")
    for product, name in (
        ("officescan", OFFICE),
        ("deep-security", SERVERS),
        ("tippingpoint-digital-vaccine", VACCINE),
        ("tippingpoint-threatdv", THREATDV),
    ):
        make_profile(customer, product, name)
    yield
    drop_profiles(customer, OFFICE, SERVERS, VACCINE, THREATDV, MADE)


@pytest.mark.parametrize("category", ["Product Issues", "Activation and Registration Issues"])
def test_a_product_related_issue(page: Page, customer: Client, category: str) -> None:
    open_form(page, OFFICE)
    expect(page.get_by_role("radio", name="Product Issue")).to_be_checked()
    page.get_by_label("Issue Category").select_option(label=category)
    say(page, f"About {category}")
    urgency_and_contact(page, cc="colleague@example.com")
    case = customer.get(f"/cases/{submit(page)}")
    assert (case["issue_type"], case["subject"], case["severity"]) == ("product", f"About {category}", "medium")
    assert case["product"] == "officescan"
    expect(page.get_by_role("status").first).to_contain_text("Your request is submitted")


def test_the_confirmation_goes_to_the_submitter_and_every_recipient(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Product Issue", "Product Issues")
    say(page, "Who hears of it")
    urgency_and_contact(page, cc="one@example.com\n\ntwo@example.com")
    sr = submit(page)

    def sent() -> set[str]:
        found = customer.get(f"/cases/{sr}")["notifications"]
        return {one["to"] for one in found if one["kind"] == "confirmation" and one["status"] == "sent"}

    wanted = {"customer@demo.example", "one@example.com", "two@example.com"}
    assert eventually(sent, lambda found: found >= wanted) >= wanted


def test_a_collected_threat_sample_of_every_kind(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "Collected Threat Sample Analysis")
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern OPR")
    say(page, "Suspicious things")
    page.get_by_label("URLs").fill("http://odd.example/one\nhttp://odd.example/two")
    attach(
        page,
        file("samples.zip", aes_zip({"a.txt": b"one"}, "infected")),
        file("own.zip", aes_zip({"b.txt": b"two"}, "mine 42")),
    )
    expect(row_of(page, "own.zip")).to_contain_text("needs a password")
    row_of(page, "own.zip").get_by_label("Archive password").fill("mine 42")
    row_of(page, "own.zip").get_by_label("Archive password").blur()
    expect(row_of(page, "own.zip")).not_to_contain_text("needs a password")
    urgency_and_contact(page)
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "new-request")
    case = customer.completed(submit(page))
    assert {one["name"] for one in case["analysis"]["files"]} >= {"samples.zip", "own.zip", "a.txt", "b.txt"}
    assert len(case["analysis"]["urls"]) == 2


def test_an_infected_system_without_a_sample(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "Infected or possibly infected")
    page.get_by_label("Virus Pattern Type").select_option(label="Smart Scan Agent Pattern")
    say(page, "Something runs here")
    urgency_and_contact(page)
    assert customer.get(f"/cases/{submit(page)}")["category"] == "infected-or-possibly-infected"


def test_an_infected_system_with_an_attk_log(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "Infected or possibly infected")
    page.get_by_label("Virus Pattern Type").select_option(label="Smart Scan Agent Pattern")
    say(page, "A log of the toolkit")
    attach(page, file("attk.zip", attk_zip()))
    urgency_and_contact(page)
    case = customer.completed(submit(page))
    assert len(case["analysis"]["attk_logs"]) == 1


def test_a_file_false_positive(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "File False Positive")
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern CPR")
    say(page, "A clean file was detected")
    attach(page, file("clean.zip", CLEAN))
    urgency_and_contact(page)
    assert customer.get(f"/cases/{submit(page)}")["category"] == "file-false-positive"


@pytest.mark.parametrize("category", ["Spam", "Spam False Positive"])
def test_spam_and_spam_false_positive(page: Page, customer: Client, category: str) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", category)
    say(page, f"Mails: {category}")
    attach(page, file("mails.zip", aes_zip({"a.eml": mail("Cheap")}, "virus")))
    urgency_and_contact(page)
    case = customer.completed(submit(page))
    assert case["category"] == category.lower().replace(" ", "-")
    assert [one["subject"] for one in case["analysis"]["emails"]] == ["Cheap"]


def test_a_threat_inquiry_takes_no_sample(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "Threat Inquiry")
    expect(page.get_by_text("This request takes no attachments.")).to_be_visible()
    expect(page.locator("[data-files]")).to_have_count(0)
    say(page, "What of the new worm?")
    urgency_and_contact(page)
    assert customer.get(f"/cases/{submit(page)}")["category"] == "threat-inquiry"


@pytest.mark.parametrize("kind", ["Request a filter", "Verify a filter"])
def test_a_digital_vaccine_filter(page: Page, customer: Client, kind: str) -> None:
    open_form(page, VACCINE)
    expect(page.get_by_label("Issue Category")).to_have_value("digital-vaccine-filter")
    expect(page.get_by_label("Filter Number")).to_have_count(0)
    page.get_by_role("radio", name=kind).check()
    followed(page)
    if kind == "Verify a filter":
        page.get_by_label("Filter Number").fill("12345")
    else:
        page.get_by_label("Vulnerability or Threat").fill("CVE-2017-0144")
    say(page, kind)
    urgency_and_contact(page)
    case = customer.get(f"/cases/{submit(page)}")
    assert (case["issue_type"], case["category"]) == ("product", "digital-vaccine-filter")


def test_a_threatdv_request_with_repdv_entries(page: Page, customer: Client) -> None:
    open_form(page, THREATDV)
    page.get_by_role("radio", name="Add or remove RepDV entries").check()
    followed(page)
    for number, (address, tag, change) in enumerate(
        [("192.0.2.7", "Botnet", "Remove"), ("bad.example", "Phishing", "Add")], start=1
    ):
        page.get_by_label(f"Address {number}").fill(address)
        page.get_by_label(f"Exploit Category {number}").select_option(label=tag)
        page.get_by_label(f"Change {number}").select_option(label=change)
        page.get_by_role("button", name="Add another entry").click()
        expect(page.get_by_label(f"Address {number + 1}")).to_be_visible()
        expect(page.get_by_label(f"Address {number} *", exact=True)).to_have_value(address)
    say(page, "Two entries")
    urgency_and_contact(page)
    assert_accessible(page)
    assert customer.get(f"/cases/{submit(page)}")["category"] == "threatdv-filter"


@pytest.mark.parametrize(("kind", "asked"), [("Request a filter", "Threat"), ("Verify a filter", "Filter Number")])
def test_a_threatdv_filter(page: Page, customer: Client, kind: str, asked: str) -> None:
    open_form(page, THREATDV)
    page.get_by_role("radio", name=kind).check()
    followed(page)
    page.get_by_role("textbox", name=asked).fill("4711")
    say(page, kind)
    urgency_and_contact(page)
    assert customer.get(f"/cases/{submit(page)}")["category"] == "threatdv-filter"


def test_change_control_is_for_deep_security_alone_and_has_no_category(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    expect(page.get_by_role("radio", name="Change Control")).to_have_count(0)
    choose_profile(page, SERVERS)
    page.get_by_role("radio", name="Change Control").check()
    followed(page)
    expect(page.get_by_label("Issue Category")).to_have_count(0)
    say(page, "A change at night")
    urgency_and_contact(page)
    case = customer.get(f"/cases/{submit(page)}")
    assert (case["issue_type"], case["category"]) == ("change-control", None)


def test_a_profile_fills_in_the_rest_and_offers_its_own_systems_only(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    profile = next(one for one in customer.get("/profiles", limit=200)["items"] if one["name"] == OFFICE)
    facts = page.locator('[data-part="profile"] dl')
    expect(facts).to_contain_text("OfficeScan")
    expect(facts).to_contain_text(profile["version"])
    expect(facts).to_contain_text("English")
    systems = page.locator('[name="affected_operating_systems"]')
    expect(systems).to_have_count(len(profile["operating_systems"]))


def test_high_urgency_asks_for_the_business_impact_and_phone_for_number_and_time(page: Page, customer: Client) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Product Issue", "Product Issues")
    say(page, "All stands still")
    page.get_by_role("radio", name="Medium").check()
    expect(page.get_by_label("Business Impact")).to_have_count(0)
    page.get_by_role("radio", name="Critical").check()
    page.get_by_label("Business Impact").fill("Nobody can work.")
    page.get_by_role("radio", name="Phone").check()
    page.get_by_role("textbox", name="Phone").fill("+1 555 0100")
    page.get_by_label("Preferred Time").fill("9 to 11, UTC")
    case = customer.get(f"/cases/{submit(page)}")
    assert case["severity"] == "critical"


def test_recipients_are_picked_from_the_contact_list(page: Page, customer: Client, system: System) -> None:
    make_contact(system.client("operator"), customer, "colleague@demo.example")
    open_form(page, OFFICE)
    page.get_by_text("Select Recipients from Contact List").click()
    picker = page.locator("[data-picker]")
    box = picker.get_by_role("checkbox").first
    address = box.get_attribute("value")
    assert address is not None
    page.get_by_label("CC Emails").fill("own@example.com")
    box.check()
    expect(page.get_by_label("CC Emails")).to_have_value(f"own@example.com\n{address}")
    page.get_by_label("CC Emails").fill("own@example.com")
    expect(box).not_to_be_checked()
    box.check()
    box.uncheck()
    expect(page.get_by_label("CC Emails")).to_have_value("own@example.com")


def test_case_recipients_of_the_profile_page_are_there_from_the_start(page: Page, customer: Client) -> None:
    before = customer.get("/case-recipients")["items"]
    customer.request("PUT", "/case-recipients", json={"items": [{"email": "always@example.com"}]})
    try:
        page.goto("/requests/new")
        expect(page.get_by_label("CC Emails")).to_have_value("always@example.com")
    finally:
        customer.request("PUT", "/case-recipients", json={"items": [{"email": one["email"]} for one in before]})


def test_a_profile_is_added_and_changed_in_a_window_and_nothing_typed_is_lost(page: Page, customer: Client) -> None:
    drop_profiles(customer, MADE)
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "File False Positive")
    say(page, "Kept while adding")
    attach(page, file("kept.zip", CLEAN))
    page.get_by_role("button", name="Update or Add a Product Profile").click()
    window = page.get_by_role("dialog")
    expect(window.get_by_label("Profile Name")).to_have_value(OFFICE)
    window.get_by_role("link", name="+Add New Profile").click()
    expect(window.get_by_label("Profile Name")).to_have_value("")
    window.get_by_role("button", name="Save Changes").click()
    expect(window.get_by_role("alert")).to_be_visible()
    window.get_by_label("Profile Name").fill(MADE)
    window.locator("#f-quick-product").select_option(label="Apex One")
    window.get_by_label("Product Version").select_option("2019")
    window.get_by_label("Windows 11").check()
    code = window.get_by_label("Product Activation Code")
    if code.count():
        code.select_option(index=1)
    window.get_by_label("Product Language").select_option(label="French")
    assert_accessible(page)
    window.get_by_role("button", name="Save Changes").click()
    expect(window).to_be_hidden()
    expect(page.locator("#f-profile_id option:checked")).to_have_text(MADE)
    expect(page.locator('[data-part="profile"] dl')).to_contain_text("French")
    expect(page.locator('[name="affected_operating_systems"]')).to_be_checked()
    expect(page.get_by_label("Subject")).to_have_value("Kept while adding")
    expect(row_of(page, "kept.zip")).to_contain_text("Uploaded")


def test_a_draft_survives_a_reload_and_is_found_again(page: Page) -> None:
    open_form(page, OFFICE)
    choose_kind(page, "Threat Issue", "Infected or possibly infected")
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern CPR")
    say(page, "Half a <b>sentence", "  two\n\nlines ")
    attach(page, file("kept.zip", CLEAN))
    expect(page.locator("[data-status]")).to_have_text("Draft saved")
    page.wait_for_url("**draft=*", timeout=SETTLED)
    page.reload()
    ready(page)
    expect(page.get_by_label("Subject")).to_have_value("Half a <b>sentence")
    expect(page.get_by_label("Description")).to_have_value("  two\n\nlines ")
    expect(page.get_by_label("Virus Pattern Type")).to_have_value("virus-pattern-cpr")
    expect(row_of(page, "kept.zip")).to_contain_text("Uploaded")
    page.goto("/requests/new")
    page.get_by_role("link", name="Half a <b>sentence").first.click()
    ready(page)
    expect(page.get_by_label("Issue Category")).to_have_value("infected-or-possibly-infected")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status").first).to_contain_text("discarded")
