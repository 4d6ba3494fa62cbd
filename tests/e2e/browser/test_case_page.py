"""The case page: results that fill while it is open, and what its customer does there."""

import os
import signal
from collections.abc import Callable

import pytest
from browser_pages import PATIENCE_MS, OpenPage, assert_accessible, assert_fits, assert_not_run, screenshot, tab_to
from embedded_system import Client, System, eventually
from evidence import EICAR, aes_zip, attk_zip, mail
from hostile_words import HOSTILE, naughty
from playwright.sync_api import BrowserContext, Page, Route, expect
from request_pages import file

from caseway_kit.archives import Budget, Content, open_archive
from caseway_kit.testing.corpora import corpora

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TABS = ("File", "URL", "Email", "ATTK Log")


@pytest.fixture(scope="module")
def mixed(system: System) -> str:
    """A case with a piece of every kind."""
    return system.client("customer").opened(
        subject="A stick from the car park",
        attachments=[
            ("stick.zip", aes_zip({"eicar.com": EICAR, "readme.txt": b"hello"}, "infected"), "infected"),
            ("mails.zip", aes_zip({"offer.eml": mail()}, "infected"), "infected"),
            ("attk.zip", attk_zip(), None),
        ],
        urls=[{"url": "http://odd.example/offer"}],
    )


@pytest.fixture
def plain_case(customer: Client) -> str:
    return customer.opened(issue_type="product", category="product-issues", fields={}, subject="A question")


def test_results_come_while_the_page_is_open_in_four_tabs(page: Page, mixed: str) -> None:
    page.goto(f"/requests/{mixed}")
    tabs = page.get_by_role("tablist", name="Analysis Result")
    expect(tabs.get_by_role("tab")).to_have_count(4)
    expect(page.locator("details", has_text="eicar.com").last).to_contain_text("Malicious", timeout=PATIENCE_MS)
    for name, says in zip(TABS, ("eicar.com", "http://odd.example/offer", "SPF", "suspicious"), strict=True):
        tab = tabs.get_by_role("tab", name=name)
        tab.click()
        expect(page.get_by_role("tabpanel", name=name)).to_contain_text(says, timeout=PATIENCE_MS)
    expect(page.locator("[data-part=notice]")).to_contain_text("complete", timeout=PATIENCE_MS)
    tabs.get_by_role("tab", name="File").click()
    expect(page.locator("[data-part=mails]")).to_contain_text("Sent", timeout=PATIENCE_MS)
    expect(page.locator("[data-part=state]")).to_contain_text("Expected answer")
    assert_accessible(page)
    assert_fits(page)
    screenshot(page, "case")


def test_tabs_and_branches_work_with_the_keyboard_alone(page: Page, customer: Client, mixed: str) -> None:
    customer.completed(mixed)
    page.goto(f"/requests/{mixed}")
    first = page.get_by_role("tab", name="File")
    tab_to(page, first)
    for key, name in (("ArrowRight", "URL"), ("End", "ATTK Log"), ("ArrowRight", "File"), ("ArrowLeft", "ATTK Log")):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
    page.keyboard.press("Home")
    branch = page.locator(".tree .tree details", has_text="eicar.com").first
    tab_to(page, branch.locator("summary"))
    page.keyboard.press("Enter")
    expect(branch.get_by_text("SHA-256")).to_be_visible()
    expect(branch.locator(".reasons li").first).to_contain_text("rule")


def test_without_scripts_every_result_stands_on_the_page(
    page_without_scripts: Page, customer: Client, mixed: str
) -> None:
    customer.completed(mixed)
    page = page_without_scripts
    page.goto(f"/requests/{mixed}")
    for name, says in zip(TABS, ("eicar.com", "http://odd.example/offer", "SPF", "suspicious"), strict=True):
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
        expect(page.locator("section", has=page.get_by_role("heading", name=name, exact=True)).last).to_contain_text(
            says
        )
    page.get_by_label("Comment").fill("Sent without scripts")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#conversation")).to_contain_text("Sent without scripts")


def test_a_customer_comments_adds_recipients_and_changes_the_urgency(page: Page, plain_case: str) -> None:
    page.goto(f"/requests/{plain_case}")
    page.get_by_label("Comment").fill("One more thing")
    page.get_by_label("Files").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"a note"})
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_contain_text("part of the case")
    talk = page.locator("#conversation")
    expect(talk).to_contain_text("One more thing")
    expect(talk).to_contain_text("note.txt", timeout=PATIENCE_MS)

    page.get_by_text("Add recipients").click()
    page.get_by_label("E-mail addresses").fill("not an address")
    page.get_by_role("button", name="Add them").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail addresses")).to_have_value("not an address")
    page.get_by_label("E-mail addresses").fill("helpdesk@demo.example")
    page.get_by_role("button", name="Add them").click()
    expect(page.locator("[data-part=state]")).to_contain_text("helpdesk@demo.example", timeout=PATIENCE_MS)

    page.get_by_text("Change the urgency").click()
    page.get_by_label("Case Severity/Urgency").select_option("High")
    page.get_by_role("button", name="Change it").click()
    expect(page.get_by_role("alert")).to_contain_text("mpact")
    expect(page.get_by_label("Case Severity/Urgency")).to_have_value("high")
    page.get_by_label("Business Impact").fill("The shop is closed")
    page.get_by_role("button", name="Change it").click()
    expect(page.locator("[data-part=state]")).to_contain_text("The shop is closed", timeout=PATIENCE_MS)


def test_files_of_an_update_are_sent_at_once_go_on_after_a_break_and_are_waited_for(
    page: Page, customer: Client, plain_case: str
) -> None:
    page.goto(f"/requests/{plain_case}")
    expect(page.locator("[data-update][data-ready]")).to_be_visible()
    held: list[Route] = []
    page.route("**/uploads", lambda route: held.append(route))
    page.get_by_label("Files").set_input_files([file("refused.txt", b"a note")])
    page.get_by_role("button", name="Send").click()
    held[0].fulfill(status=429)
    expect(page.get_by_role("listitem").filter(has_text="refused.txt")).to_contain_text("no request names")
    expect(page.locator("[data-update] [data-status]")).to_be_empty()
    page.get_by_role("button", name="Remove refused.txt").click()
    page.unroute("**/uploads")

    offsets: list[str] = []

    def interrupt(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(route.request.headers["upload-offset"])
            if len(offsets) == 1:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/uploads/*", interrupt)
    names = [f"note <b>{number}.txt" for number in range(5)]
    page.get_by_label("Files").set_input_files([file(name, b"a note") for name in names])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_contain_text("part of the case", timeout=PATIENCE_MS)
    assert len(offsets) == len(names) + 1
    case = eventually(
        lambda: customer.get(f"/cases/{plain_case}"),
        lambda case: {one["name"] for one in case["analysis"]["files"]} >= {*names},
    )
    assert len(case["analysis"]["files"]) == len(names)


def test_a_customer_escalates_closes_and_reopens(page: Page, plain_case: str) -> None:
    page.goto(f"/requests/{plain_case}")
    page.get_by_text("Escalate", exact=True).click()
    page.get_by_role("button", name="Ask for the escalation").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why")
    page.get_by_label("No answer in time").check()
    page.get_by_label("Reason").fill("A week went by")
    page.get_by_role("button", name="Ask for the escalation").click()
    expect(page.locator("[data-part=state]")).to_contain_text("No answer in time", timeout=PATIENCE_MS)

    page.get_by_text("Close the case", exact=True).click()
    page.get_by_label("Closing words").fill("Found it")
    page.get_by_role("button", name="Close this case").click()
    expect(page.locator("[data-part=state]")).to_contain_text("Closed", timeout=PATIENCE_MS)
    page.get_by_text("Reopen the case", exact=True).click()
    page.get_by_label("Why").fill("It came back")
    page.get_by_role("button", name="Reopen this case").click()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.locator("#conversation")).to_contain_text("It came back", timeout=PATIENCE_MS)


def test_what_can_be_done_follows_what_others_do_but_takes_no_words_away(
    page: Page, open_page: OpenPage, customer: Client, plain_case: str
) -> None:
    writing, refused = open_page(), open_page()
    for one in (page, writing, refused):
        one.goto(f"/requests/{plain_case}")
    writing.get_by_label("Comment").fill("Half a sentence")
    refused.get_by_role("button", name="Send").click()
    expect(refused.get_by_role("alert")).to_contain_text("Write a comment")
    for one in (page, writing, refused):
        expect(one.locator("[data-live]")).to_have_attribute("data-connected", "yes")
    closed = customer.request("POST", f"/cases/{plain_case}/close", json={})
    assert closed.status_code in (200, 202), closed.text
    expect(page.get_by_text("Reopen the case", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(writing.locator("[data-part=state]")).to_contain_text("Closed", timeout=PATIENCE_MS)
    expect(writing.get_by_label("Comment")).to_have_value("Half a sentence")
    expect(refused.locator("[data-part=state]")).to_contain_text("Closed", timeout=PATIENCE_MS)
    expect(refused.get_by_role("button", name="Send")).to_be_visible()


def test_live_results_go_on_after_a_restart_of_the_portal(
    contexts: Callable[..., BrowserContext],
    signed_in: Callable[[str], object],
    system: System,
    customer: Client,
    plain_case: str,
) -> None:
    customer.completed(plain_case)
    # Not the fixture that watches for 5xx: while the portal is away there are some.
    page = contexts(storage_state=signed_in("customer")).new_page()
    page.goto(f"/requests/{plain_case}")
    expect(page.locator("[data-live]")).to_have_attribute("data-connected", "yes")
    before = system.state()["services"]["portal"]["pid"]
    os.kill(before, signal.SIGKILL)
    said = customer.request("POST", f"/cases/{plain_case}/updates", json={"comment": "Said while it was away"})
    assert said.status_code == 202, said.text
    eventually(lambda: system.state()["services"]["portal"], lambda one: one["ready"] and one["pid"] != before, 90)
    expect(page.locator("#conversation")).to_contain_text("Said while it was away", timeout=PATIENCE_MS)
    expect(page.locator("[data-live]")).to_have_attribute("data-connected", "yes", timeout=PATIENCE_MS)


def test_what_somebody_typed_is_text_byte_for_byte_everywhere(page: Page, customer: Client) -> None:
    subject = " ".join(HOSTILE[:5])[:255]
    description = "\n".join(HOSTILE)
    sr = customer.opened(category="threat-inquiry", fields={}, subject=subject, description=description, severity="low")
    page.goto(f"/requests/{sr}")
    assert page.locator("h1").text_content() == subject
    assert page.locator(".said").first.text_content() == description
    assert_not_run(page)
    for path in ("/requests?q=" + sr, "/"):
        page.goto(path)
        shown = page.locator("tr, li", has_text=sr).locator(".typed").first
        assert shown.text_content() == subject
        assert_not_run(page)


def test_naughty_strings_come_back_as_they_were_and_never_run(page: Page, customer: Client, plain_case: str) -> None:
    strings = naughty(corpora("strings-blns"))
    said = "\n".join(one.replace("\r\n", "\n").replace("\r", "\n") for one in strings)[:31_000]
    answer = customer.request("POST", f"/cases/{plain_case}/updates", json={"comment": said})
    assert answer.status_code == 202, answer.text
    eventually(
        lambda: customer.get(f"/cases/{plain_case}")["timeline"],
        lambda items: any(one["event"] == "CaseUpdated" for one in items),
    )
    page.goto(f"/requests/{plain_case}")
    expect(page.locator(".said")).to_have_count(2, timeout=PATIENCE_MS)
    assert page.locator(".said").last.text_content() == said
    assert_not_run(page)


def test_a_customer_gets_a_piece_back_only_inside_a_protected_zip(page: Page, customer: Client) -> None:
    name = 'übel "><img src=x onerror=window.pwned=1>.zip'
    sent = aes_zip({"eicar.com": EICAR}, "infected")
    sr = customer.opened(attachments=[(name, sent, "infected")])
    page.goto(f"/requests/{sr}")
    link = page.locator("#conversation").get_by_role("link", name="übel")
    expect(link).to_have_count(1, timeout=PATIENCE_MS)
    assert_not_run(page)
    answer = page.request.get(link.get_attribute("href") or "")
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="ubel_')
    assert disposition.isascii()
    assert "filename*=UTF-8''" in disposition
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    with (
        Content.of_bytes(answer.body()) as content,
        open_archive(content, budget=Budget(), passwords=["infected"]) as archive,
    ):
        assert archive.encrypted
        [member] = [b"".join(one.chunks()) for one in archive.members()]
    assert member == sent


def test_somebody_elses_case_is_not_there(open_page: OpenPage, mixed: str) -> None:
    page = open_page("other_customer")
    for path in (f"/requests/{mixed}", f"/requests/{mixed}/live", f"/requests/{mixed}/promote"):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404, path
