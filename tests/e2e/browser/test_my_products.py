"""Setting up product profiles (S2.1 to S2.3), step by step as the guide has it."""

from collections.abc import Iterator

import pytest
from browser_pages import (
    OpenPage,
    assert_accessible,
    assert_fits,
    assert_not_run,
    choose_by_letters,
    screenshot,
    tab_to,
)
from embedded_system import Client
from hostile_words import HOSTILE, naughty
from playwright.sync_api import Locator, Page, expect

from caseway_kit.testing.corpora import corpora

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

GUID = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture
def code(customer: Client) -> str:
    return str(customer.get("/activation-codes", product="officescan")["items"][0]["code"])


@pytest.fixture(autouse=True)
def cleared(customer: Client) -> Iterator[None]:
    """Each test leaves the account's profiles as they were."""
    before = {one["id"] for one in customer.get("/profiles", limit=200)["items"]}
    yield
    for one in customer.get("/profiles", limit=200)["items"]:
        if one["id"] not in before:
            customer.request("DELETE", f"/profiles/{one['id']}")


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))


def test_a_product_profile_is_set_up_as_the_guide_has_it(page: Page, code: str) -> None:
    page.locator("summary", has_text="@").hover()
    page.get_by_role("link", name="My Products and Services").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My Products and Services")
    page.get_by_role("link", name="Add New").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Create a Product Profile")

    page.get_by_label("Profile Name").fill("Head office, second floor")
    expect(page.get_by_label("OfficeScan Toolbox GUID")).to_have_count(0)
    page.locator("#f-product").select_option(label="OfficeScan")
    version = page.get_by_label("Product Version")
    expect(version.locator("option")).to_have_text(["Choose…", "10.6", "11.0", "XG"])
    version.select_option("XG")
    page.get_by_label("Windows 10").check()
    page.get_by_label("macOS").check()
    page.get_by_label("Product Activation Code").select_option(code)
    page.get_by_label("OfficeScan Toolbox GUID").fill(GUID)
    page.get_by_label("Web Reputation Enabled").check()
    page.get_by_label("Product Language").select_option(label="German")
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "product-profile")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_role("status")).to_have_text("The product profile is saved.")
    row = row_of(page, "Head office, second floor")
    for said in ("OfficeScan XG", "Windows 10, macOS", code, "German", "Web Reputation Enabled"):
        expect(row).to_contain_text(said)
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "my-products")


def test_the_form_follows_the_product(page: Page, code: str) -> None:
    page.goto("/products/new")
    page.get_by_label("Profile Name").fill("Typed first")
    product = page.locator("#f-product")
    product.select_option(label="OfficeScan")
    expect(page.get_by_label("OfficeScan Toolbox GUID")).to_be_visible()
    page.get_by_label("Windows 11").check()
    product.select_option(label="Apex One")
    expect(page.get_by_label("OfficeScan Toolbox GUID")).to_have_count(0)
    expect(page.get_by_label("Product Version").locator("option")).to_have_text(["Choose…", "2019", "as a Service"])
    expect(page.locator("#product-said")).to_have_text("The fields below show the choices of Apex One.")
    expect(page.get_by_label("Windows 11")).to_be_checked()
    expect(page.get_by_label("Profile Name")).to_have_value("Typed first")
    expect(page.get_by_role("option", name=code)).to_have_count(0)
    product.select_option(label="Apex Central")
    expect(page.get_by_text("Product Settings")).to_have_count(0)


def test_a_profile_is_made_changed_and_deleted_without_scripts(page_without_scripts: Page, code: str) -> None:
    page = page_without_scripts
    page.goto("/products/new")
    page.get_by_label("Profile Name").fill("Without scripts")
    page.locator("#f-product").select_option(label="OfficeScan")
    page.get_by_role("button", name="Show the choices").click()
    page.get_by_label("Product Version").select_option("11.0")
    page.get_by_label("Windows 7").check()
    page.get_by_text("Other operating systems").click()
    page.get_by_label("Solaris").check()
    page.get_by_label("Product Activation Code").select_option(code)
    page.get_by_label("Product Language").select_option("en")
    page.get_by_role("button", name="Submit").click()
    expect(row_of(page, "Without scripts")).to_contain_text("Windows 7, Solaris")

    page.get_by_role("link", name="Edit Without scripts").click()
    expect(page.get_by_label("Solaris")).to_be_checked()
    page.get_by_label("Profile Name").fill("Changed without scripts")
    page.get_by_label("Product Version").select_option("XG")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("status")).to_have_text("Your changes are saved.")
    expect(row_of(page, "Changed without scripts")).to_contain_text("OfficeScan XG")

    page.get_by_role("link", name="Delete Changed without scripts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete this product profile?")
    page.get_by_role("link", name="Cancel").click()
    expect(row_of(page, "Changed without scripts")).to_be_visible()
    page.get_by_role("link", name="Delete Changed without scripts").click()
    page.get_by_role("button", name="Delete the profile").click()
    expect(page.get_by_role("status")).to_have_text("The product profile is deleted.")
    expect(row_of(page, "Changed without scripts")).to_have_count(0)


def test_a_profile_is_set_up_and_deleted_with_the_keyboard_alone(page: Page, code: str) -> None:
    menu = page.locator("summary", has_text="@")
    tab_to(page, menu)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="My Products and Services"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Add New"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Profile Name"))
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    choose_by_letters(page, page.locator("#f-product"), "OfficeScan")
    expect(page.get_by_label("Product Version")).to_be_visible()
    expect(page.locator("#f-product")).to_be_focused()
    page.keyboard.press("Tab")
    choose_by_letters(page, page.get_by_label("Product Version"), "XG")
    tab_to(page, page.get_by_label("Windows Server 2019"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("Product Activation Code"))
    page.keyboard.type(code)
    tab_to(page, page.get_by_label("Product Language"))
    choose_by_letters(page, page.get_by_label("Product Language"), "English")
    tab_to(page, page.get_by_role("button", name="Submit"))
    page.keyboard.press("Enter")
    expect(row_of(page, "By keyboard")).to_contain_text("Windows Server 2019")
    tab_to(page, page.get_by_role("link", name="Delete By keyboard"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete this product profile?")
    assert_accessible(page)
    tab_to(page, page.get_by_role("button", name="Delete the profile"))
    page.keyboard.press("Enter")
    expect(row_of(page, "By keyboard")).to_have_count(0)


def test_what_is_missing_is_said_at_its_field_and_led_to(page: Page) -> None:
    page.goto("/products/new")
    page.get_by_label("Profile Name").fill("Kept, though incomplete")
    page.locator("#f-product").select_option(label="OfficeScan")
    expect(page.get_by_label("Product Version")).to_be_visible()
    page.get_by_label("OfficeScan Toolbox GUID").fill("not a GUID")
    page.get_by_role("button", name="Submit").click()
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    assert_accessible(page)
    expect(page.get_by_label("Profile Name")).to_have_value("Kept, though incomplete")
    expect(page.get_by_label("OfficeScan Toolbox GUID")).to_have_value("not a GUID")
    expect(page.get_by_label("OfficeScan Toolbox GUID")).to_have_attribute("aria-invalid", "true")
    alert.get_by_role("link", name="GUID").click()
    expect(page.get_by_label("OfficeScan Toolbox GUID")).to_be_focused()
    alert.get_by_role("link", name="Operating System").click()
    expect(page.get_by_role("group", name="Operating System(s)")).to_be_focused()


def test_hostile_names_are_shown_as_they_were_typed(page: Page, customer: Client, code: str) -> None:
    listed = naughty(corpora("strings-blns"))
    texts = [*HOSTILE, *listed[:: len(listed) // 40]]
    names = {" ".join(text[:200].split("\n")).strip() for text in texts}
    distinct = {" ".join(name.split()).casefold(): name for name in sorted(names)}
    body = {"product": "officescan", "version": "XG", "operating_systems": ["windows-10"], "language": "en"}
    typed, made = HOSTILE[2], 0
    for name in distinct.values():
        if name != typed:
            answer = customer.request("POST", "/profiles", json={**body, "name": name, "activation_code": code})
            assert answer.status_code in (201, 422), answer.text
            made += answer.status_code == 201
    assert made > 40
    page.goto("/products/new")
    page.get_by_label("Profile Name").fill(typed)
    page.locator("#f-product").select_option("officescan")
    page.get_by_label("Product Version").select_option("XG")
    page.get_by_label("Windows 10").check()
    page.get_by_label("Product Activation Code").select_option(code)
    page.get_by_label("Product Language").select_option("en")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("status")).to_have_text("The product profile is saved.")
    saved = {one["name"]: one["id"] for one in customer.get("/profiles", limit=200)["items"]}
    assert typed in saved
    assert set(page.locator("tbody th .typed").evaluate_all("all => all.map(one => one.textContent)")) == set(saved)
    assert_not_run(page)
    assert_fits(page)
    for name in (*HOSTILE[:6], *list(saved)[::9]):
        page.goto(f"/products/{saved[name]}")
        expect(page.get_by_label("Profile Name")).to_have_value(name)
        assert_not_run(page)


def test_another_accounts_profile_is_not_there(open_page: OpenPage, customer: Client) -> None:
    mine = customer.profile()["id"]
    other = open_page("other_customer")
    for path in (f"/products/{mine}", f"/products/{mine}/delete"):
        answer = other.goto(path)
        assert answer is not None
        assert answer.status == 404
