"""A real Chromium for tests and pictures: whatever a page complains about, or fetches elsewhere."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Debian's Chromium without anything it would do by itself."""

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
NARROW = {"width": 320, "height": 640}
"""The narrowest that WCAG 1.4.10 asks for."""

PATIENCE = 60_000
"""Milliseconds that a page may take to show what a test waits for."""

expect.set_options(timeout=PATIENCE)


@contextlib.contextmanager
def a_chromium() -> Iterator[Browser]:
    """Start Chromium with a new profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(QUIET)
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """One window, and everything that went wrong in it.

    An answer that says no (404, 409, …) is logged by Chromium as an error; `expected` are the
    statuses that a test provokes.
    """

    context: BrowserContext
    page: Page
    place: str
    expected: tuple[int, ...] = ()
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.set_default_timeout(PATIENCE)

    def open(self, path: str) -> Page:
        """Open a page of the console."""
        self.page.goto(f"{self.place}{path}")
        return self.page

    def must_be_calm(self) -> None:
        """Fail when the console of the browser told an error, or another host was asked."""
        assert not self.faults, "\n".join(self.faults)

    def _said(self, message: ConsoleMessage) -> None:
        refused = any(f"status of {status}" in message.text for status in self.expected)
        if message.type in ("error", "warning") and not refused:
            self.faults.append(f"{self.page.url}: {message.text}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "about") and not url.startswith(f"{self.place}/"):
            self.faults.append(f"asked another host: {url}")


@contextlib.contextmanager
def a_window(
    browser: Browser, place: str, *, expected: tuple[int, ...] = (), **options: Any
) -> Iterator[Watched]:
    """Open a window of its own at a console; it must have been calm at the end."""
    context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
    try:
        window = Watched(context, context.new_page(), place, expected)
        yield window
        window.must_be_calm()
    finally:
        context.close()


def sign_in_first(window: Watched, link: str, name: str = "Dana Demo", password: str = "") -> None:
    """Open the link that a first start prints, and say who one is."""
    page = window.page
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("A password").fill(password)
    page.get_by_role("button", name="Open the console").click()
    page.wait_for_url(f"{window.place}/")


def first_link(said: str) -> str:
    """Return the link that a first start printed, nothing while it has not."""
    found = re.search(r"http://\S+/welcome\?key=\S+", said)
    return found[0] if found else ""
