"""Support Requests: both tables, what narrows them down, and the same as a file."""

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from browser_pages import PATIENCE_MS, OpenPage, assert_accessible, assert_fits, screenshot, tab_to
from embedded_system import Client, System, eventually
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CASES = 30
FORMULA = 7
WORD = "Rollout"
TROUBLES = ("Agent does not connect", "Console is slow", "Update stays at 80 %", "Scan ends early")


@pytest.fixture(scope="module")
def many(system: System) -> list[str]:
    """More cases than one page shows, one of them urgent, one with a formula for its subject."""
    customer = system.client("customer")
    subjects = [f"{WORD} {number}: {TROUBLES[number % len(TROUBLES)]}" for number in range(CASES)]
    subjects[FORMULA] = f"=1+1 {WORD}"
    lines = []
    for number, subject in enumerate(subjects):
        urgent = {"severity": "critical", "business_impact": "All of it"} if number == 3 else {"severity": "low"}
        body = customer.submission(issue_type="product", category="product-issues", fields={}, subject=subject)
        lines.append(json.dumps(body | urgent))
    answer = customer.request("POST", "/cases/bulk", content="\n".join(lines))
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["status"] for one in found] == [201] * CASES
    return [one["sr_number"] for one in found]


def test_cases_are_found_sorted_and_paged(page: Page, many: list[str]) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Support Requests").click()
    table = page.get_by_role("table", name="Product and Threat Cases")
    expect(table).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "requests")
    page.get_by_label("Search").fill("rollo")
    page.get_by_label("Category").select_option("Product Issues")
    page.get_by_role("button", name="Apply").click()
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(25)
    page.get_by_role("link", name="Urgency").click()
    expect(rows.first).to_contain_text("Critical")
    expect(table.get_by_role("columnheader", name="Urgency")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("link", name="Submitted").click()
    expect(rows.first).to_contain_text(many[-1])
    page.get_by_role("link", name="Next page").click()
    expect(rows).to_have_count(CASES - 25)
    expect(rows.last).to_contain_text(many[0])
    page.get_by_role("link", name="To the first page").click()
    expect(rows).to_have_count(25)
    page.get_by_label("State").select_option("Closed")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".empty")).to_contain_text("No case fits")


def test_a_case_is_opened_by_its_number_with_the_keyboard_alone(page: Page, many: list[str]) -> None:
    page.goto("/requests")
    tab_to(page, page.get_by_label("Search"))
    page.keyboard.type(many[3])
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name=many[3])
    expect(page.locator("tbody tr")).to_have_count(1)
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.locator(".case-head .number")).to_have_text(many[3])


def test_the_list_is_a_file_in_which_nothing_is_a_formula(page: Page, open_page: OpenPage, many: list[str]) -> None:
    page.goto(f"/requests?q={WORD}&sort=submitted_at")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export as CSV").click()
    text = Path(downloading.value.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [one["sr_number"] for one in rows] == many
    assert rows[FORMULA]["subject"] == f"'=1+1 {WORD}"
    other = open_page("other_customer")
    answer = other.request.get(f"/requests.csv?q={WORD}")
    assert len(answer.text().splitlines()) == 1
    other.goto("/requests")
    for sr in many:
        expect(other.get_by_role("link", name=sr)).to_have_count(0)


def account_of(client: Client) -> str:
    client.get("/cases", limit=1)
    payload = client.http.headers["Authorization"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["acct"])


def test_requests_from_before_sr_numbers_have_a_table_of_their_own(
    page: Page, open_page: OpenPage, system: System, customer: Client, tmp_path: Path
) -> None:
    account = account_of(customer)
    path = tmp_path / "old.csv"
    path.write_text(
        "ref_id,subject,submitted_at,kind,status,result\n"
        "REF-2016-1,Odd invoice,2016-03-01T09:00:00Z,Virus False Alarm,Closed,It was clean.\n"
        'REF-2016-2,"<script>window.pwned = 1</script>",2017-01-02T10:00:00+01:00,Spam,Closed,\n'
        "REF-2016-3,,2016-03-01T09:00:00Z,Spam,Closed,\n"
    )
    operator = system.client("operator")
    operator.get("/cases", limit=1)
    token = operator.http.headers["Authorization"].removeprefix("Bearer ")
    environment = {"CASEWAY_URL": system.state()["url"], "CASEWAY_TOKEN": token}
    for counts in ({"imported": 2, "known": 0, "refused": 1}, {"imported": 0, "known": 2, "refused": 1}):
        done = system.caseway("import-legacy", str(path), "--account", account, "--json", **environment)
        assert done.returncode == 4, done.stderr
        found = json.loads(done.stdout)
        assert {name: found[name] for name in counts} == counts
        assert [one["record"] for one in found["problems"]] == [3]
    eventually(lambda: customer.get("/legacy-requests")["items"], lambda items: len(items) == 2)

    page.goto("/requests")
    page.get_by_role("link", name="Threat Analysis Requests").first.click()
    table = page.get_by_role("table", name="Threat Analysis Requests")
    expect(table.locator("tbody tr")).to_have_count(2, timeout=PATIENCE_MS)
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "threat-requests")
    page.get_by_label("REF ID, or the beginnings").fill("invo")
    page.get_by_role("button", name="Apply").click()
    expect(table.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="REF-2016-1").click()
    expect(page.locator("main")).to_contain_text("It was clean.")
    other = open_page("other_customer")
    other.goto("/threat-requests")
    expect(other.locator(".empty")).to_contain_text("No such requests")


def test_the_dashboard_says_what_waits_and_what_was_found(page: Page, many: list[str]) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Cases by state")).to_be_visible()
    expect(page.get_by_role("list", name="Cases by state")).to_be_visible()
    expect(page.locator("section", has=page.get_by_role("heading", name="Latest cases"))).to_contain_text("SR01-")
    expect(page.locator("time").first).not_to_contain_text("UTC")
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "dashboard")
    assert many
