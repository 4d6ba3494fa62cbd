"""Verify, then choose: files of a result become a case of their own."""

import pytest
from browser_pages import PATIENCE_MS, assert_accessible, assert_fits, screenshot, tab_to
from embedded_system import Client, System
from evidence import EICAR, aes_zip
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def verified(system: System) -> str:
    """A case whose archive has been looked into."""
    customer = system.client("customer")
    archive = aes_zip({"eicar.com": EICAR, "notes.txt": b"just notes", "more.txt": b"more notes"}, "infected")
    sr = customer.opened(subject="Found on a stick", attachments=[("stick.zip", archive, "infected")])
    customer.completed(sr)
    return sr


def test_ticked_files_of_an_archive_become_a_case_of_their_own(page: Page, customer: Client, verified: str) -> None:
    page.goto(f"/requests/{verified}")
    page.get_by_label("Choose eicar.com").check()
    page.get_by_role("button", name="Make a case of what is ticked").click()
    expect(page.get_by_role("heading", name="A case of their own")).to_be_visible()
    expect(page.get_by_label("eicar.com")).to_be_checked()
    expect(page.get_by_label("Subject")).to_have_value(f"From {verified}: Found on a stick")
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "promote")

    page.get_by_label("Subject").fill("")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("eicar.com")).to_be_checked()
    page.get_by_label("Subject").fill("This one needs somebody")
    page.get_by_label("Issue Category").select_option("Infected or possibly infected")
    page.get_by_role("button", name="Submit").click()

    expect(page.locator("h1")).to_have_text("This one needs somebody")
    made = page.locator(".case-head .number").text_content() or ""
    assert made != verified
    expect(page.locator(".tree details", has_text="eicar.com").last).to_contain_text("Malicious", timeout=PATIENCE_MS)
    names = {one["name"] for one in customer.completed(made)["analysis"]["files"]}
    assert names == {"chosen-from-stick.zip", "eicar.com"}


def test_a_whole_piece_is_chosen_with_the_keyboard_and_without_scripts(
    page_without_scripts: Page, customer: Client, verified: str
) -> None:
    page = page_without_scripts
    page.goto(f"/requests/{verified}")
    tab_to(page, page.get_by_label("Choose stick.zip"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("button", name="Make a case of what is ticked"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Submit"))
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(f"From {verified}: Found on a stick")
    made = page.locator(".case-head .number").text_content() or ""
    names = [one["name"] for one in customer.completed(made)["analysis"]["files"] if one["parent_id"] is None]
    assert names == ["stick.zip"]


def test_nothing_ticked_is_said(page: Page, verified: str) -> None:
    page.goto(f"/requests/{verified}")
    page.get_by_role("button", name="Make a case of what is ticked").click()
    expect(page.locator(".empty")).to_contain_text("Nothing is ticked")
    page.get_by_role("link", name="Back to the case").last.click()
    expect(page.locator(".case-head .number")).to_have_text(verified)
