"""Signing in and out, and the frame that all pages share."""

import pytest
from browser_pages import OpenPage, assert_accessible, assert_fits, assert_not_run, screenshot, sign_in, tab_to
from embedded_system import System
from hostile_words import HOSTILE
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_stranger_signs_in_with_the_keyboard_alone_and_comes_to_the_page_asked_for(
    open_page: OpenPage, system: System
) -> None:
    page = open_page(None)
    page.goto("/contacts")
    expect(page).to_have_title("Sign in · Caseway")
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "sign-in")
    user = system.users["customer"]
    tab_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type(user["email"])
    page.keyboard.press("Tab")
    page.keyboard.type(user["password"])
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{system.state()['url']}/contacts")


def test_a_wrong_password_is_said_and_the_address_is_still_there(open_page: OpenPage) -> None:
    page = open_page(None)
    for typed in HOSTILE[:3]:
        page.goto("/sign-in")
        # The server is to judge, not the browser.
        page.get_by_label("E-mail address").fill(f"{typed}@example.com")
        page.get_by_label("Password").fill("not it")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("wrong")
        expect(page.get_by_label("E-mail address")).to_have_value(f"{typed}@example.com")
        expect(page.get_by_label("Password")).to_have_value("")
        assert_not_run(page)
    assert_accessible(page)


def test_who_signs_out_is_out_also_with_the_cookie_kept(open_page: OpenPage, system: System) -> None:
    page = open_page(None)
    sign_in(page, system.state()["url"], system.users["customer"])
    kept = page.context.cookies()
    page.get_by_role("group").locator("summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.context.add_cookies([dict(cookie) for cookie in kept])  # type: ignore[misc]  # Playwright's cookies, as it gave them
    page.goto("/profile")
    expect(page).to_have_title("Sign in · Caseway")


def test_colors_are_chosen_and_stay_chosen(page: Page, page_without_scripts: Page) -> None:
    for one in (page, page_without_scripts):
        one.get_by_role("button", name="Dark colors").click()
        expect(one.locator("html")).to_have_attribute("data-theme", "dark")
        one.reload()
        expect(one.locator("html")).to_have_attribute("data-theme", "dark")
        one.get_by_role("button", name="Light colors").click()
        expect(one.locator("html")).to_have_attribute("data-theme", "light")


def test_the_content_is_one_key_away(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_an_address_that_is_not_there_is_a_page(page: Page) -> None:
    answer = page.goto("/nothing/<script>window.pwned=1</script>")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
    assert_not_run(page)
    assert_accessible(page)
