"""What can't be used is said at once and next to its field (B11); nothing typed is lost; uploads outlive a break."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from browser_pages import OpenPage, assert_accessible, assert_not_run, choose_by_letters, tab_to
from embedded_system import Client, System
from evidence import aes_zip, mail, plain_zip
from hostile_words import HOSTILE
from playwright.sync_api import Page, Route, expect
from request_pages import (
    SETTLED,
    attach,
    choose_kind,
    choose_profile,
    drop_profiles,
    file,
    followed,
    make_profile,
    open_form,
    opened,
    ready,
    row_of,
    say,
    submit,
    urgency_and_contact,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROFILE = "Requests: faults"
FORWARDED = (
    b"From: ann@customer.example\r\nTo: support@vendor.example\r\nSubject: FW: Cheap\r\n"
    b"Content-Type: text/plain\r\n\r\nSee below.\r\n\r\n-----Original Message-----\r\n"
    b"From: x@sender.example\r\nSent: Monday\r\nTo: ann@customer.example\r\nSubject: Cheap\r\n\r\nBuy.\r\n"
)
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module", autouse=True)
def _profile(system: System) -> Iterator[None]:
    make_profile(system.client("customer"), "officescan", PROFILE)
    yield
    drop_profiles(system.client("customer"), PROFILE)


def bare_program() -> bytes:
    return b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(200)


def sample_form(page: Page, category: str) -> None:
    open_form(page, PROFILE)
    choose_kind(page, "Threat Issue", category)
    say(page, "Said at once", "Every word of it stays.")


def test_a_sample_that_cannot_be_used_is_told_on_the_form_before_anything_is_submitted(page: Page) -> None:
    sample_form(page, "Collected Threat Sample Analysis")
    attach(
        page,
        file("bare.exe", bare_program()),
        file("locked.zip", aes_zip({"a.txt": b"a"}, "not the one")),
        file("empty.zip", plain_zip({})),
        file("nothing.bin", b""),
    )
    expect(row_of(page, "bare.exe")).to_contain_text("only taken inside a password-protected archive")
    expect(row_of(page, "bare.exe")).to_contain_text("Put it into a zip that is protected with a password")
    expect(row_of(page, "locked.zip")).to_contain_text("The archive needs a password")
    expect(row_of(page, "empty.zip")).to_contain_text("The archive holds no files.")
    expect(row_of(page, "nothing.bin")).to_contain_text("The file is empty.")
    password = row_of(page, "locked.zip").get_by_label("Archive password")
    password.fill("guess")
    password.press("Tab")
    expect(row_of(page, "locked.zip")).to_contain_text("The password does not open the archive")
    page.get_by_label("URLs").fill("\n".join(f"http://odd.example/{number}" for number in range(11)))
    page.get_by_label("URLs").press("Tab")
    expect(page.locator("#f-urls-errors")).to_contain_text("11 URLs are too many; a case takes 10.")
    expect(page.get_by_label("Subject")).to_have_value("Said at once")
    assert_accessible(page)

    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert").get_by_role("link", name=re.compile("11 URLs"))).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("Every word of it stays.")
    expect(row_of(page, "bare.exe")).to_contain_text("only taken inside")
    ready(page)
    for name in ("bare.exe", "empty.zip", "nothing.bin"):
        row_of(page, name).get_by_role("button", name="Remove").click()
        expect(row_of(page, name)).to_have_count(0)
    followed(page)
    password.fill("not the one")
    password.press("Tab")
    expect(row_of(page, "locked.zip")).not_to_contain_text("does not open")
    page.get_by_label("URLs").fill("http://odd.example/")
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern OPR")
    urgency_and_contact(page)
    submit(page)


def test_a_forwarded_mail_and_a_bare_one_are_told_at_once(page: Page) -> None:
    sample_form(page, "Spam")
    attach(page, file("bare.eml", mail()), file("forwarded.zip", aes_zip({"fw.eml": FORWARDED}, "virus")))
    expect(row_of(page, "bare.eml")).to_contain_text("only taken inside a password-protected zip")
    expect(row_of(page, "forwarded.zip")).to_contain_text("is a forwarded copy")
    expect(row_of(page, "forwarded.zip")).to_contain_text("Save the original mail")


def test_pressed_twice_it_is_one_case(page: Page, customer: Client) -> None:
    open_form(page, PROFILE)
    choose_kind(page, "Product Issue", "Product Issues")
    subject = "Pressed twice, one case"
    say(page, subject)
    urgency_and_contact(page)
    before = [one["sr_number"] for one in customer.get("/cases", limit=200)["items"] if one["subject"] == subject]
    page.get_by_role("button", name="Submit", exact=True).dblclick(no_wait_after=True)
    opened(page)
    after = [one["sr_number"] for one in customer.get("/cases", limit=200)["items"] if one["subject"] == subject]
    assert len(after) == len(before) + 1


def test_an_upload_goes_on_after_the_line_was_interrupted(page: Page, customer: Client) -> None:
    sample_form(page, "Collected Threat Sample Analysis")
    pieces: list[str] = []

    def interrupt(route: Route) -> None:
        if route.request.method == "PATCH":
            pieces.append(route.request.headers["upload-offset"])
            if len(pieces) == 2:
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/uploads/*", interrupt)
    attach(page, file("large.txt", b"line\n" * (3 * MEBIBYTE // 5)))
    assert len(pieces) == 4  # three of a mebibyte, and the one that was lost
    assert pieces[1] == pieces[2]
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern OPR")
    urgency_and_contact(page)
    case = customer.completed(submit(page))
    assert [one["size"] for one in case["analysis"]["files"]] == [5 * (3 * MEBIBYTE // 5)]


def test_an_upload_goes_on_after_a_reload_with_the_same_file(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"line\n" * (3 * MEBIBYTE // 5))
    sample_form(page, "Collected Threat Sample Analysis")
    offsets: list[str] = []

    def stop_after_one(route: Route) -> None:
        if route.request.method == "PATCH":
            if offsets:
                route.abort("connectionreset")
                return
            offsets.append(route.request.headers["upload-offset"])
        route.continue_()

    page.route("**/uploads/*", stop_after_one)
    page.locator("[data-files]").set_input_files(large)
    expect(row_of(page, "large.txt")).to_contain_text("goes on by itself")
    followed(page)
    page.unroute("**/uploads/*")
    page.route("**/uploads/*", lambda route: route.abort() if route.request.method == "PATCH" else route.continue_())
    page.reload()
    ready(page)
    page.unroute("**/uploads/*")
    expect(row_of(page, "large.txt")).to_contain_text(re.compile(r"Interrupted at \d+ %"))
    page.locator("[data-files]").set_input_files(large)
    expect(row_of(page, "large.txt")).to_contain_text("Uploaded")
    expect(page.locator("[data-upload]")).to_have_count(1)


def test_submit_waits_for_uploads_that_are_under_way(page: Page, customer: Client) -> None:
    sample_form(page, "Collected Threat Sample Analysis")
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern OPR")
    urgency_and_contact(page)
    held: list[Route] = []
    page.route(
        "**/uploads/*", lambda route: held.append(route) if route.request.method == "PATCH" else route.continue_()
    )
    page.locator("[data-files]").set_input_files(file("late.txt", b"late"))
    expect(row_of(page, "late.txt")).to_be_visible()
    followed(page)
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("[data-status]")).to_contain_text("as soon as the uploads are complete")
    for route in held:
        route.continue_()
    opened(page)


def test_with_the_keyboard_alone(page: Page, customer: Client) -> None:
    tab_to(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="New Request"))
    page.keyboard.press("Enter")
    ready(page)
    tab_to(page, page.locator("#f-profile_id"))
    choose_by_letters(page, page.locator("#f-profile_id"), PROFILE)
    page.keyboard.press("Tab")
    followed(page)
    tab_to(page, page.locator('[name="affected_operating_systems"]').first)
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("radio", name="Product Issue"))
    page.keyboard.press("ArrowDown")
    followed(page)
    expect(page.get_by_role("radio", name="Threat Issue")).to_be_checked()
    expect(page.get_by_role("radio", name="Threat Issue")).to_be_focused()
    tab_to(page, page.get_by_label("Issue Category"))
    choose_by_letters(page, page.get_by_label("Issue Category"), "Threat Inquiry")
    page.keyboard.press("Tab")
    followed(page)
    tab_to(page, page.get_by_label("Subject"))
    page.keyboard.type("By keyboard")
    tab_to(page, page.get_by_label("Description"))
    page.keyboard.type("No mouse.")
    tab_to(page, page.get_by_role("radio", name=re.compile("^Critical")))
    page.keyboard.press("Space")
    followed(page)
    tab_to(page, page.get_by_label("Business Impact"))
    page.keyboard.type("None at all.")
    tab_to(page, page.get_by_role("button", name="Submit", exact=True))
    page.keyboard.press("Enter")
    opened(page)


def test_without_scripts_the_whole_form_works(page_without_scripts: Page, customer: Client) -> None:
    page = page_without_scripts
    page.goto("/requests/new")
    page.locator("#f-profile_id").select_option(label=PROFILE)
    page.get_by_role("radio", name="Threat Issue").check()
    page.get_by_role("button", name="Use this profile").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Issue Category").select_option(label="Collected Threat Sample Analysis")
    page.get_by_role("button", name="Update the form").first.click()
    page.get_by_label("Virus Pattern Type").select_option(label="Virus Pattern CPR")
    say(page, "Without scripts")
    page.locator("#f-files").set_input_files(file("own.zip", aes_zip({"a.txt": b"a"}, "mine")))
    page.get_by_label("Their archive password").fill("wrong")
    page.get_by_role("button", name="Attach").last.click()
    expect(row_of(page, "own.zip")).to_contain_text("does not open the archive")
    row_of(page, "own.zip").get_by_label("Archive password").fill("mine")
    page.get_by_role("radio", name=re.compile("^High")).check()
    page.get_by_role("button", name="Update the form").last.click()
    page.get_by_label("Business Impact").fill("Some.")
    page.get_by_role("button", name="Update or Add a Product Profile").click()
    expect(page.get_by_label("Profile Name")).to_have_value(PROFILE)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Subject")).to_have_value("Without scripts")
    expect(page.get_by_label("Business Impact")).to_have_value("Some.")
    page.get_by_role("button", name="Submit", exact=True).click()
    sr = opened(page)
    case = customer.completed(sr)
    assert {one["name"] for one in case["analysis"]["files"]} == {"own.zip", "a.txt"}


TEXTS = ("Subject", "Description", "Business Impact", "CC Emails", "Preferred Time", "URLs", "Virus Pattern Version")


def test_hostile_words_come_back_byte_for_byte_and_never_run(page: Page) -> None:
    """What a real browser makes of them; the portal's own tests have every field and every word."""
    sample_form(page, "Collected Threat Sample Analysis")
    page.get_by_role("radio", name=re.compile("^High")).check()
    page.get_by_role("radio", name="Phone").check()
    followed(page)
    several, one_line = "\n".join(HOSTILE), " ".join(HOSTILE)
    for label in TEXTS:
        field = page.get_by_role("textbox", name=label)
        lines = field.evaluate("field => field.tagName === 'TEXTAREA'")
        field.fill(several if lines else one_line)
    page.get_by_role("textbox", name="Phone").fill(HOSTILE[0])
    expected = {label: page.get_by_role("textbox", name=label).input_value() for label in TEXTS}
    page.get_by_label("Subject").blur()
    followed(page)
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    for label in TEXTS:
        assert page.get_by_role("textbox", name=label).input_value() == expected[label], label
    expect(page.get_by_role("textbox", name="Phone")).to_have_value(HOSTILE[0])
    assert_not_run(page)


def test_somebody_elses_draft_is_not_there(page: Page, open_page: OpenPage) -> None:
    open_form(page, PROFILE)
    say(page, "Mine alone")
    page.wait_for_url("**draft=*", timeout=SETTLED)
    stranger = open_page("other_customer")
    answer = stranger.goto(page.url)
    assert answer is not None
    assert answer.status == 404
    assert "Mine alone" not in stranger.content()


def kept(page: Page, words: str) -> AbstractContextManager[object]:
    """A draft with these words is taken meanwhile."""
    return page.expect_response(
        lambda answer: (
            answer.url.endswith("/draft") and answer.status == 204 and words in (answer.request.post_data or "")
        )
    )


def test_a_draft_that_is_slow_on_its_way_undoes_no_later_one(page: Page) -> None:
    open_form(page, PROFILE)
    held: list[Route] = []
    page.route("**/requests/new/draft", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/requests/new/draft"):
        say(page, "Earlier")
    with kept(page, "Later"):
        page.get_by_label("Subject").fill("Later")
    with kept(page, "Earlier"):
        held[0].continue_()
    page.reload()
    ready(page)
    expect(page.get_by_label("Subject")).to_have_value("Later")


def test_what_was_not_kept_is_kept_by_itself_as_soon_as_it_can_be(page: Page) -> None:
    open_form(page, PROFILE)
    lost: list[str] = []

    def lose_two(route: Route) -> None:
        if len(lost) < 2:
            lost.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/requests/new/draft", lose_two)
    with kept(page, "Kept+at+last"):
        say(page, "Kept at last")
    page.unroute("**/requests/new/draft")
    page.route("**/requests/new/parts", lambda route: route.abort("connectionreset"))
    page.get_by_role("radio", name="Threat Issue").check()
    expect(page.locator("[data-status]")).to_contain_text("tries again by itself")
    page.unroute("**/requests/new/parts")
    expect(page.get_by_label("Issue Category").locator("option", has_text="Spam")).not_to_have_count(0)
    expect(page.get_by_label("Subject")).to_have_value("Kept at last")


def test_after_it_was_submitted_an_open_form_says_that_nothing_more_is_kept(page: Page) -> None:
    open_form(page, PROFILE)
    choose_kind(page, "Product Issue", "Product Issues")
    say(page, "Submitted from another tab")
    urgency_and_contact(page)
    other = page.context.new_page()
    other.goto(page.url)
    ready(other)
    submit(other)
    page.get_by_label("Subject").fill("Too late")
    expect(page.locator("[data-status]")).to_contain_text("submitted or discarded already")
    other.goto("/requests/new")
    expect(other.get_by_role("link", name="Too late")).to_have_count(0)
    expect(other.get_by_role("link", name="Submitted from another tab")).to_have_count(0)


def test_what_is_typed_outlives_a_sign_out(open_page: OpenPage, system: System) -> None:
    page = open_page(None)
    user = system.users["customer"]

    def enter() -> None:
        page.goto("/sign-in?next=/requests/new")
        page.get_by_label("E-mail address").fill(user["email"])
        page.get_by_label("Password").fill(user["password"])
        page.get_by_role("button", name="Sign in").click()
        ready(page)

    enter()
    choose_profile(page, PROFILE)
    with page.expect_response(lambda answer: answer.url.endswith("/draft") and answer.ok):
        say(page, "Outlives a sign-out")
        page.get_by_label("Description").blur()
    with page.expect_response(lambda answer: answer.url.endswith("/draft") and answer.ok):
        page.get_by_label("Description").fill("It began this morning.")
    page.locator("summary", has_text="@").click()
    page.get_by_role("button", name="Sign out").click()
    enter()
    page.get_by_role("link", name="Outlives a sign-out").first.click()
    ready(page)
    expect(page.get_by_label("Description")).to_have_value("It began this morning.")
    page.get_by_role("button", name="Discard").click()
