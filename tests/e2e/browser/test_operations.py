"""The operator's page."""

import re

import pytest
from browser_pages import OpenPage, assert_accessible, assert_fits, screenshot
from embedded_system import System
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_an_operator_sees_every_service_its_lag_and_what_is_parked(open_page: OpenPage, system: System) -> None:
    page = open_page("operator")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Operations").click()
    table = page.get_by_role("table", name="Services")
    for name in system.state()["services"]:
        row = table.get_by_role("row", name=name)
        expect(row).to_contain_text("Ready")
        expect(row.locator("[data-label='Messages behind']")).to_have_text(re.compile(r"^[0-9]+$"))
    expect(page.get_by_role("heading", name="Oldest case without a complete analysis")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "operations")


def test_a_customer_has_no_such_page(page: Page) -> None:
    expect(page.get_by_role("link", name="Operations")).to_have_count(0)
    answer = page.goto("/operations")
    assert answer is not None
    assert answer.status == 403
