from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browser_pages import OpenPage, sign_in, watch_for_trouble
from browser_setup import FLAGS, NoBrowser, chromium
from embedded_system import System
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

Contexts = Callable[..., BrowserContext]

# Long enough for a slow machine; what is there is seen at once all the same.
expect.set_options(timeout=30_000)


# While it runs, no coroutine can run in this thread: it ends with this folder, whose tests are all plain functions.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    try:
        path = chromium()
    except NoBrowser as none:
        pytest.fail(str(none), pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def signed_in(browser: Browser, system: System) -> Callable[[str], Any]:
    """The cookies of a user's session, which the tests of this folder share."""
    known: dict[str, Any] = {}

    def cookies(user: str) -> Any:
        if user not in known:
            context = browser.new_context()
            sign_in(context.new_page(), system.state()["url"], system.users[user])
            known[user] = context.storage_state()
            context.close()
        return known[user]

    return cookies


@pytest.fixture
def contexts(browser: Browser, system: System) -> Iterator[Contexts]:
    """Makes browser contexts on the system."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        settings = {
            "locale": "en-US",
            "timezone_id": "UTC",
            "viewport": {"width": 1440, "height": 900},
            "reduced_motion": "reduce",  # a color on its way to another one has no contrast to speak of
            **options,
        }
        context = browser.new_context(base_url=system.state()["url"], **settings)
        context.set_default_timeout(30_000)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def open_page(contexts: Contexts, signed_in: Callable[[str], Any]) -> Iterator[OpenPage]:
    """``open_page("analyst")``: a page of somebody who has signed in; ``open_page(None)``: of a stranger.

    None of the pages may meet a broken policy, an error of a script or a 5xx.
    """
    trouble: list[list[str]] = []

    def open_page(user: str | None = "customer", **options: Any) -> Page:
        if user is not None:
            options["storage_state"] = signed_in(user)
        page = contexts(**options).new_page()
        trouble.append(watch_for_trouble(page))
        page.goto("/")
        return page

    yield open_page
    assert [said for found in trouble for said in found] == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of the customer who has signed in."""
    return open_page()


@pytest.fixture
def page_without_scripts(open_page: OpenPage) -> Page:
    return open_page(java_script_enabled=False)
