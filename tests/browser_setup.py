"""A browser for the tests: the one that is there, else Playwright's own, else the distribution's package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NoBrowser(Exception):
    """None of the ways to a browser worked."""


def chromium() -> str:
    """The path of a Chromium that starts; NoBrowser says in one line what was tried."""
    _driver()
    tried = []
    for name, find in (("an installed one", _installed), ("Playwright's own", _downloaded), ("apt-get", _packaged)):
        path = find()
        if path is not None and _starts(path):
            return path
        tried.append(name)
    raise NoBrowser(f"No browser for the tests: tried {', '.join(tried)}. Install Chromium, or set CASEWAY_CHROMIUM.")


def _driver() -> None:
    """Playwright's own program needs a library that a bare Debian lacks."""
    from playwright._impl._driver import compute_driver_executable

    node = [str(compute_driver_executable()[0]), "--version"]
    if _ran(node, seconds=60):
        return
    _apt_get("libatomic1")
    if not _ran(node, seconds=60):
        raise NoBrowser(
            f"Playwright's driver does not start ({node[0]}). On Debian and Ubuntu: apt-get install libatomic1"
        )


def _installed() -> str | None:
    given = os.environ.get("CASEWAY_CHROMIUM")
    return given or next((path for name in _NAMES if (path := shutil.which(name))), None)


def _downloaded() -> str | None:
    if not _ran([sys.executable, "-m", "playwright", "install", "chromium"], seconds=300):
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _packaged() -> str | None:
    return _installed() if _apt_get("chromium") else None


def _apt_get(package: str) -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    _ran(["apt-get", "update", "-qq"], seconds=120)
    return _ran(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], seconds=600)


def _starts(path: str) -> bool:
    return _ran([path, *FLAGS, "--dump-dom", "about:blank"], seconds=60)


def _ran(command: list[str], *, seconds: float) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
