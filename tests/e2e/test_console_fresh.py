"""Pages that look again by themselves, in a Chromium: the keyboard, the frame, and no answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from browser import a_chromium
from seatkeeper.web.render import HERE

SCRIPT = (Path(HERE) / "static" / "fresh.js").read_text(encoding="utf-8")


@dataclass
class Served:
    """What the address of the page answers now."""

    main: str = ""
    side: str = "<a href='/plans'>Plans</a>"
    mark: str = "mark.svg"
    status: int = 200
    part: str = ""
    looks: int = 0

    def answer(self, route: Route) -> None:
        """Answer as the console would."""
        path = route.request.url.removeprefix("http://seats")
        if path == "/fresh.js":
            route.fulfill(body=SCRIPT, content_type="text/javascript")
        elif path == "/part":
            route.fulfill(body=self.part, content_type="text/html")
        elif path == "/page":
            again = route.request.headers.get("x-looks-again") == "1"
            self.looks += again
            status = self.status if again else 200
            route.fulfill(status=status, body=self.page, content_type="text/html")
        else:
            route.fulfill(status=204)

    @property
    def page(self) -> str:
        """The page."""
        return f"""<!doctype html><html lang="en"><head><title>A plan</title>
<link rel="icon" href="/static/{self.mark}"><script src="/fresh.js" defer></script></head><body>
<header class="side">{self.side}</header><p id="told"></p>
<div id="not-live" hidden>This page is not live since <time></time>.</div>
<main id="main" tabindex="-1" data-fresh="0.1">{self.main}</main></body></html>"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_chromium() as browser:
        yield browser


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.fixture
def page(chromium: Browser, served: Served) -> Iterator[Page]:
    context = chromium.new_context()
    context.route("**/*", served.answer)
    yield context.new_page()
    context.close()


def give_back(*seats: str) -> str:
    """Return a form with a button for each seat."""
    buttons = [f"<button name='seat' value='{seat}'>Give back {seat}</button>" for seat in seats]
    return f"<form action='/undo'>{''.join(buttons)}</form>"


def test_the_keyboard_stays_on_the_same_seat_and_never_comes_to_another(
    page: Page, served: Served
) -> None:
    served.main = give_back("anna", "ben", "cleo") + "<p>three</p>"
    page.goto("http://seats/page")
    page.get_by_role("button", name="Give back ben").focus()
    served.main = give_back("ben", "cleo") + "<p>two</p>"
    expect(page.get_by_text("two")).to_be_visible()
    expect(page.get_by_role("button", name="Give back ben")).to_be_focused()
    served.main = give_back("cleo") + "<p>one</p>"
    expect(page.get_by_text("one")).to_be_visible()

    expect(page.locator("#main")).to_be_focused()


def test_what_stands_around_the_page_and_its_icon_are_new_too(page: Page, served: Served) -> None:
    page.goto("http://seats/page")
    page.get_by_role("link", name="Plans").focus()
    served.side, served.mark = "<a href='/plans'>Plans <span>1 waits</span></a>", "mark-act.svg"

    expect(page.get_by_text("1 waits")).to_be_visible()
    expect(page.get_by_role("link", name="Plans")).to_be_focused()
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "/static/mark-act.svg")


def test_a_page_that_gets_no_answer_says_so_until_it_gets_one(page: Page, served: Served) -> None:
    served.main = "<p>before</p>"
    page.goto("http://seats/page")
    served.status = 503
    expect(page.locator("#not-live")).to_be_visible()
    assert page.locator("#not-live time").inner_text().count(":") == 1
    served.status, served.main = 200, "<p>after</p>"

    expect(page.get_by_text("after")).to_be_visible()
    expect(page.locator("#not-live")).to_be_hidden()


def test_of_a_large_plan_only_the_part_that_moves_is_asked_for(page: Page, served: Served) -> None:
    served.main = "<section data-part='/part'><p data-said>1 of 9</p></section><p>large</p>"
    served.part = "<section data-part='/part'><p data-said>5 of 9</p></section>"
    page.goto("http://seats/page")
    expect(page.locator("#told")).to_have_text("5 of 9")
    assert served.looks == 0
    served.part, served.main = "<section><p>9 of 9</p></section>", "<p>all of it</p>"

    expect(page.get_by_text("all of it")).to_be_visible()
