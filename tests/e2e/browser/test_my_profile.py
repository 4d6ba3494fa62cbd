"""My Profile with its Case Recipients (S1.2), and the contact list (S1.3)."""

from collections.abc import Iterator

import pytest
from browser_pages import OpenPage, assert_accessible, assert_fits, assert_not_run, screenshot, tab_to
from embedded_system import Client
from hostile_words import HOSTILE, naughty
from playwright.sync_api import Page, expect

from caseway_kit.testing.corpora import corpora

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def restored(customer: Client) -> Iterator[None]:
    """Each test leaves the account's case recipients as they were."""
    before = customer.get("/case-recipients")["items"]
    yield
    customer.request("PUT", "/case-recipients", json={"items": before})


def recipients_of(client: Client) -> list[str]:
    return [one["email"] for one in client.get("/case-recipients")["items"]]


def test_case_recipients_are_predefined_as_the_guide_has_it(page: Page, customer: Client) -> None:
    page.locator("summary", has_text="@").hover()
    page.get_by_role("link", name="My Profile").click()
    addresses = page.get_by_label("E-mail addresses")
    addresses.fill("desk@example.com\nnight.shift@example.com")
    page.locator("summary", has_text="Select Recipients from Contact List").click()
    page.get_by_role("checkbox").first.check()
    ticked = page.get_by_role("checkbox").first.get_attribute("value")
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "my-profile")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Your case recipients are saved.")
    expect(addresses).to_have_value(f"desk@example.com\nnight.shift@example.com\n{ticked}")
    assert recipients_of(customer) == ["desk@example.com", "night.shift@example.com", ticked]


def test_case_recipients_are_changed_by_keyboard_and_without_scripts(
    page: Page, page_without_scripts: Page, customer: Client
) -> None:
    for one, address in ((page, "keys@example.com"), (page_without_scripts, "plain@example.com")):
        one.goto("/profile")
        tab_to(one, one.get_by_label("E-mail addresses"))
        one.keyboard.press("Control+A")
        one.keyboard.type(address)
        tab_to(one, one.get_by_role("button", name="Save"))
        one.keyboard.press("Enter")
        expect(one.get_by_role("status")).to_have_text("Your case recipients are saved.")
        assert recipients_of(customer) == [address]


def test_hostile_lines_are_refused_and_stay_as_they_were_typed(page: Page, customer: Client) -> None:
    before = recipients_of(customer)
    strings = [text for text in naughty(corpora("strings-blns")) if "\r" not in text]
    typed = "\n".join(["first@example.com", *HOSTILE, *strings[:400]])
    page.goto("/profile")
    page.get_by_label("E-mail addresses").fill(typed)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("E-mail addresses")).to_have_value(typed)
    assert_not_run(page)
    assert_fits(page)
    assert_accessible(page)
    assert recipients_of(customer) == before


def test_contacts_are_those_of_the_account(page: Page, open_page: OpenPage) -> None:
    page.goto("/contacts")
    expect(page.get_by_role("table", name="Contact List")).to_contain_text("customer@demo.example")
    assert_accessible(page)
    assert_fits(page)
    other = open_page("other_customer")
    other.goto("/contacts")
    expect(other.get_by_role("table", name="Contact List")).not_to_contain_text("demo.example")


def test_an_analyst_has_a_profile_page_without_case_recipients(open_page: OpenPage) -> None:
    page = open_page("analyst")
    page.goto("/profile")
    expect(page.get_by_text("Analyst", exact=True)).to_be_visible()
    expect(page.get_by_text("Case Recipients")).to_have_count(0)
    assert_accessible(page)
