"""What browser tests share: a signed-in page, accessibility, hostile strings, pictures for the documentation."""

import os
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Response, expect

OpenPage = Callable[..., Page]

SCREENS = Path(__file__).resolve().parents[1] / "docs" / "screens"
# Effects that come over Kafka may take their time on a slow machine.
PATIENCE_MS = 60_000
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE = files("axe_playwright_python").joinpath("axe.min.js")


def sign_in(page: Page, url: str, user: dict[str, str]) -> None:
    page.goto(f"{url}/sign-in")
    page.get_by_label("E-mail address").fill(user["email"])
    page.get_by_label("Password").fill(user["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def serious(page: Page, rules: list[str]) -> list[str]:
    """What axe finds serious or critical on the page."""
    page.evaluate(_AXE.read_text("utf-8") + "; void 0")
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def assert_accessible(page: Page) -> None:
    """No serious finding in the rules of WCAG 2.2 A and AA; in the dark colors only what colors can break."""
    page.emulate_media(color_scheme="dark")
    assert serious(page, ["color-contrast", "link-in-text-block"]) == []
    page.emulate_media(color_scheme="light")
    assert serious(page, _RULES) == []


def assert_fits(page: Page, width: int = 390) -> None:
    """Nothing makes the page scroll sideways on a phone."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if before is not None:
        page.set_viewport_size(before)


def assert_not_run(page: Page) -> None:
    assert page.evaluate("window.pwned") is None


def tab_to(page: Page, target: Locator, most: int = 200) -> None:
    """Reach an element with the Tab key alone."""
    for _ in range(most):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not reached by {most} presses of Tab: {target}")


def choose_by_letters(page: Page, select: Locator, text: str) -> None:
    """Type into a select that has the focus. A word that a busy page cuts in two is typed again, as a person would:
    letters that come a second apart choose by the last of them alone."""
    for _ in range(5):
        page.keyboard.type(text)
        page.wait_for_timeout(1_500)
        if select.locator("option:checked").inner_text().strip() == text:
            return
    expect(select.locator("option:checked")).to_have_text(text)


def screenshot(page: Page, name: str) -> None:
    """Pictures of the documentation, at 1440 and 390 pixels; made anew with UPDATE_SCREENS=1."""
    if os.environ.get("UPDATE_SCREENS") != "1":
        return
    SCREENS.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=SCREENS / f"{name}-{width}.png", full_page=True)
    if before is not None:
        page.set_viewport_size(before)


def watch_for_trouble(page: Page) -> list[str]:
    """Collects what must never happen on a page of ours: broken policy, script errors, foreign requests, 5xx."""
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
    page.on("console", lambda said: trouble.append(said.text) if _is_policy(said.text) else None)
    page.on("response", lambda answer: trouble.append(_said(answer)) if answer.status >= 500 else None)
    return trouble


def _is_policy(text: str) -> bool:
    return re.search(r"Content Security Policy|Refused to", text) is not None


def _said(answer: Response) -> str:
    return f"{answer.status} {answer.request.method} {answer.url}"
