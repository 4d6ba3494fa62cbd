"""What the browser tests of a request share: profiles to choose, steps that every procedure has, what came of it."""

import base64
import json
import re

from embedded_system import Client
from playwright.sync_api import FilePayload, Locator, Page, expect

NEW_REQUEST = "New Request"
SETTLED = 60_000


def make_profile(customer: Client, product: str, name: str) -> str:
    """A profile of the product, with two operating systems; the same one for the same name."""
    known = [one for one in customer.get("/profiles", limit=200)["items"] if one["name"] == name]
    if known:
        return str(known[0]["id"])
    entry = next(one for one in customer.get("/catalog")["products"] if one["slug"] == product)
    codes = customer.get("/activation-codes", product=product)["items"]
    body = {
        "name": name,
        "product": product,
        "version": entry["versions"][0],
        "operating_systems": entry["operating_systems"][:2],
        "language": entry["languages"][0],
        "activation_code": codes[0]["code"] if codes else None,
        "settings": [],
    }
    answer = customer.request("POST", "/profiles", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def drop_profiles(customer: Client, *names: str) -> None:
    for one in customer.get("/profiles", limit=200)["items"]:
        if one["name"] in names:
            customer.request("DELETE", f"/profiles/{one['id']}")


def ready(page: Page) -> None:
    """The page's script has taken the form over."""
    expect(page.locator("form[data-request][data-ready]")).to_be_visible()


def followed(page: Page) -> None:
    """The form has followed the last choice."""
    expect(page.locator("form[data-request][aria-busy]")).to_have_count(0, timeout=SETTLED)


def open_form(page: Page, profile: str) -> None:
    """The first two steps of every procedure: New Request from the top navigation, then profile and system."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=NEW_REQUEST).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NEW_REQUEST)
    ready(page)
    choose_profile(page, profile)


def choose_profile(page: Page, profile: str) -> None:
    page.locator("#f-profile_id").select_option(label=profile)
    followed(page)
    systems = page.get_by_role("group", name=re.compile("Affected Operating Systems"))
    systems.get_by_role("checkbox").first.check()


def choose_kind(page: Page, issue_type: str, category: str | None = None) -> None:
    page.get_by_role("radio", name=issue_type).check()
    followed(page)
    if category is not None:
        page.get_by_label("Issue Category").select_option(label=category)
        followed(page)


def say(page: Page, subject: str, description: str = "It began this morning.") -> None:
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Description").fill(description)


def urgency_and_contact(page: Page, cc: str = "") -> None:
    page.get_by_role("radio", name=re.compile("^Medium")).check()
    page.get_by_label("CC Emails").fill(cc)
    page.get_by_role("radio", name="E-mail", exact=True).check()
    followed(page)


def attach(page: Page, *files: FilePayload) -> None:
    """Choose files, and wait until they are uploaded."""
    before = page.locator("[data-upload]").count()
    page.locator("[data-files]").set_input_files(files)
    expect(page.locator("[data-upload]")).to_have_count(before + len(files), timeout=SETTLED)
    expect(page.locator("[data-said]", has_text="Uploaded")).to_have_count(before + len(files), timeout=SETTLED)
    followed(page)


def row_of(page: Page, name: str) -> Locator:
    return page.locator(f'[data-upload][data-name="{name}"]')


def submit(page: Page) -> str:
    """Press Submit; gives the number of the case."""
    page.get_by_role("button", name="Submit", exact=True).click()
    return opened(page)


def opened(page: Page) -> str:
    """The number of the case whose page opens."""
    page.wait_for_url(re.compile(r"/requests/SR"), timeout=SETTLED)
    found = re.search(r"/requests/(SR[0-9]+-[0-9]+-[0-9])", page.url)
    assert found is not None
    return found[1]


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def make_contact(operator: Client, customer: Client, email: str) -> None:
    """Another contact of the customer's account."""
    if email in [one["email"] for one in customer.get("/contacts", limit=200)["items"]]:
        return
    token = customer.http.headers["Authorization"].removeprefix("Bearer ").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    body = {"account_id": claims["acct"], "email": email, "role": "customer"}
    answer = operator.request("POST", "/users", json=body)
    assert answer.status_code == 201, answer.text
