"""URL Reclassification (S6), step by step: as the guide has it inside New Request, and on its own page."""

import re
from collections.abc import Iterator

import pytest
from browser_pages import assert_accessible, assert_fits, screenshot, tab_to
from embedded_system import Client, System
from playwright.sync_api import Page, expect
from request_pages import (
    choose_kind,
    choose_profile,
    drop_profiles,
    followed,
    make_profile,
    open_form,
    opened,
    ready,
    say,
    submit,
    urgency_and_contact,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROFILE = "Requests: web"
URLS = "http://phishing.test/login\nhttp://shop.example/"


@pytest.fixture(scope="module", autouse=True)
def _profile(system: System) -> Iterator[None]:
    make_profile(system.client("customer"), "officescan", PROFILE)
    yield
    drop_profiles(system.client("customer"), PROFILE)


def test_ratings_are_seen_and_a_change_is_asked_for_inside_a_new_request(page: Page, customer: Client) -> None:
    open_form(page, PROFILE)
    choose_kind(page, "Threat Issue", "URL Reclassification")
    page.get_by_label("Check URL").fill(URLS)
    page.get_by_role("button", name="Show Rating & Classification").click()
    first = page.get_by_role("region", name="Rating of http://phishing.test/login")
    second = page.get_by_role("region", name="Rating of http://shop.example/")
    expect(first).to_contain_text("Current rating")
    expect(second).to_contain_text("Current classification")
    second.get_by_text("Select a New Classification").click()
    expect(second.get_by_role("checkbox")).to_have_count(len(customer.get("/catalog")["url_categories"]))
    second.get_by_label("Shopping", exact=True).check()
    second.get_by_label("New rating").select_option(label="Safe")
    say(page, "A shop that is rated wrongly")
    urgency_and_contact(page)
    assert_accessible(page)
    sr = submit(page)
    case = customer.completed(sr)
    assert case["category"] == "url-reclassification"
    asked = {one["url"]: one["requested"] for one in case["analysis"]["urls"]}
    assert asked["http://shop.example/"] == {"rating": "safe", "categories": [58]}
    assert asked["http://phishing.test/login"] is None


def test_the_page_of_its_own(page: Page, customer: Client) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="URL Reclassification").click()
    ready(page)
    choose_profile(page, PROFILE)
    page.get_by_label("Check URL").fill("http://shop.example/a\nnot a url at all")
    page.get_by_role("button", name="Show Rating & Classification").click()
    region = page.get_by_role("region", name="Rating of http://shop.example/a")
    expect(region).to_be_visible()
    followed(page)
    region.get_by_label("New rating").select_option(label="Dangerous")
    # Another line above it: what was asked for stays with its URL.
    page.get_by_label("Check URL").fill("http://new.example/\nhttp://shop.example/a")
    page.get_by_role("button", name="Show Rating & Classification").click()
    expect(page.get_by_role("region", name="Rating of http://new.example/")).to_be_visible()
    expect(region.get_by_label("New rating")).to_have_value("dangerous")
    followed(page)
    say(page, "Its own page")
    urgency_and_contact(page)
    assert_fits(page)
    screenshot(page, "reclassify")
    page.reload()
    ready(page)
    expect(region.get_by_label("New rating")).to_have_value("dangerous")
    case = customer.get(f"/cases/{submit(page)}")
    assert (case["issue_type"], case["category"]) == ("threat", "url-reclassification")


def test_an_eleventh_url_is_told_at_once(page: Page) -> None:
    page.goto("/reclassify")
    ready(page)
    page.get_by_label("Check URL").fill("\n".join(f"http://shop.example/{number}" for number in range(11)))
    page.get_by_label("Check URL").press("Tab")
    expect(page.locator("#f-urls-errors")).to_contain_text("11 URLs are too many; a case takes 10.")
    expect(page.locator("#f-urls-errors")).to_contain_text("Open another case for the rest.")


def test_with_the_keyboard_alone_and_without_a_mouse_ratings_are_shown(page: Page) -> None:
    page.goto("/reclassify")
    ready(page)
    tab_to(page, page.get_by_label("Check URL"))
    page.keyboard.type("http://shop.example/")
    tab_to(page, page.get_by_role("button", name="Show Rating & Classification"))
    page.keyboard.press("Enter")
    region = page.get_by_role("region", name="Rating of http://shop.example/")
    expect(region).to_be_visible()
    followed(page)
    tab_to(page, region.locator("summary"))
    page.keyboard.press("Enter")
    tab_to(page, region.get_by_role("checkbox").first)
    page.keyboard.press("Space")
    expect(region.get_by_role("checkbox").first).to_be_checked()


def test_without_scripts(page_without_scripts: Page, customer: Client) -> None:
    page = page_without_scripts
    page.goto("/reclassify")
    page.locator("#f-profile_id").select_option(label=PROFILE)
    page.get_by_label("Check URL").fill("http://shop.example/")
    page.get_by_role("button", name="Show Rating & Classification").click()
    region = page.get_by_role("region", name="Rating of http://shop.example/")
    region.get_by_label("New rating").select_option(label="Safe")
    page.locator('[name="affected_operating_systems"]').first.check()
    say(page, "Without scripts")
    page.get_by_role("radio", name=re.compile("^Low")).check()
    page.get_by_role("button", name="Submit", exact=True).click()
    sr = opened(page)
    case = customer.completed(sr)
    assert case["analysis"]["urls"][0]["requested"]["rating"] == "safe"
