"""The console in a real Chromium, before a real daemon and a simulated site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from barriers import barriers
from browser import PHONE, Watched, a_chromium, a_window, first_link, sign_in_first
from e2e_desk import Desk, a_desk
from e2e_processes import Running, wait_until
from e2e_truth import everything_adds_up, the_ledger_verifies

NAME = "Ingrid Berg"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_chromium() as browser:
        yield browser


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk whose site releases a seat a second or so, so that people can watch."""
    with a_desk(tmp_path, concurrency=1) as one:
        one.site.faults("latency=700:method=DELETE")
        yield one


def _place(desk: Desk) -> str:
    return f"http://127.0.0.1:{desk.listen}"


def _link(daemon: Running) -> str:
    return str(wait_until(lambda: first_link(daemon.errors()), "the first link is printed"))


def _plan_of(page: Page) -> str:
    return page.url.split("?")[0].rpartition("/")[2]


def _seats(desk: Desk, plan_id: str) -> list[dict[str, Any]]:
    sql = "SELECT allocation_id FROM plan_action WHERE plan_id = ?"
    return [{"allocation_id": row[0]} for row in desk.rows(sql, plan_id)]


def _ask_for_a_plan(window: Watched) -> Page:
    """Ask on the page of plans, and open what the engine makes of it."""
    page = window.open("/plans")
    page.get_by_role("button", name="Make a plan now").click()
    expect(page.get_by_text("A plan is being made.")).to_be_visible()
    link = page.locator("table a").first
    expect(link).to_be_visible()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Release 6 seats at prod?")
    return page


def _somebody_is_found(window: Watched, user: str) -> None:
    """Look for a person by a part of the name; what was typed stands in no address."""
    page = window.open("/users")
    page.get_by_label("Name or user").fill(user.rpartition("\\")[2])
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("table .who")).to_have_count(1)
    assert user.rpartition("\\")[2] not in page.url
    page.locator("table .who a").click()
    expect(page.get_by_role("heading", name="If a plan ran now")).to_be_visible()
    expect(page.get_by_text(user).first).to_be_visible()
    page.get_by_role("link", name="See this seat in the plan").click()


def _one_is_left_out(page: Page, user: str) -> None:
    page.get_by_label(f"Leave out {user}").check()
    page.get_by_label("Why these seats are left out").fill("on leave until March")
    page.get_by_role("button", name="Make a smaller plan").click()
    expect(page.get_by_text("This is the smaller plan.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Release 5 seats at prod?")
    expect(page.get_by_label(f"Leave out {user}")).to_have_count(0)


def _it_is_applied(page: Page) -> None:
    """Approve, and watch the page until the engine is done, which it shows by itself."""
    page.get_by_role("button", name="Approve 5 seats").click()
    expect(page.get_by_text("of 5 seats are settled").first).to_be_visible()
    expect(page.get_by_text("Being released now").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("5 seats at prod, applied")
    expect(page.get_by_text("the seat is free again")).to_have_count(6)  # also in the numbers


def _one_is_given_back(page: Page, user: str) -> None:
    page.get_by_role("button", name=f"Give back the seat of {user}").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=user, exact=True))
    expect(row.get_by_text(f"Restored by {NAME}")).to_be_visible()


def _it_stands_in_the_ledger(window: Watched, desk: Desk) -> None:
    page = window.open("/ledger")
    for words in ("Plan approved", "Release outcome", "Grant outcome", "Undo asked"):
        expect(page.get_by_role("rowheader", name=words, exact=True).first).to_be_visible()
    the_ledger_verifies(desk)


@pytest.mark.parametrize("script", [True, False], ids=["with_script", "without_script"])
def test_a_plan_is_read_made_smaller_approved_watched_and_one_seat_given_back(
    desk: Desk, chromium: Browser, script: bool
) -> None:
    daemon = desk.serve()
    with a_window(chromium, _place(desk), java_script_enabled=script) as window:
        sign_in_first(window, _link(daemon), NAME, PASSWORD)
        page = _ask_for_a_plan(window)
        users = page.locator("table .who a").all_inner_texts()
        left_out, given_back = users[0], users[1]
        _somebody_is_found(window, left_out)
        _one_is_left_out(page, left_out)
        desk.site.forget()
        _it_is_applied(page)
        plan_id = _plan_of(page)
        everything_adds_up(desk, {"plan_id": plan_id, "actions": _seats(desk, plan_id)})
        _one_is_given_back(page, given_back)
        _it_stands_in_the_ledger(window, desk)
    daemon.end().expect(0)


FOCUSED = """() => {
  const at = document.activeElement;
  if (at === document.body) return {name: "", shown: true};
  const label = at.labels?.[0]?.textContent ?? "";
  const outline = getComputedStyle(at);
  return {
    name: (at.ariaLabel || label || at.textContent || "").replace(/\\s+/g, " ").trim(),
    shown: at.matches(":focus-visible")
      && (outline.outlineStyle !== "none" || at.closest(".skip") !== null),
  };
}"""


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until something has the focus, which is to be seen on the way."""
    for _ in range(120):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        assert at["shown"], f"the focus on {at['name']!r} cannot be seen"
        if " ".join(name.split()) in at["name"]:
            return
    raise AssertionError(f"Tab never comes to {name!r} on {page.url}")


def _press(page: Page, name: str) -> None:
    """Go to a link or a button by Tab, and press Enter."""
    _tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_same_is_done_with_the_keyboard_alone(desk: Desk, chromium: Browser) -> None:
    daemon = desk.serve()
    with a_window(chromium, _place(desk)) as window:
        page = window.page
        page.goto(_link(daemon))
        expect(page.locator("input[name=name]")).to_be_focused()  # by itself
        page.keyboard.type(NAME)
        _press(page, "Open the console")
        _press(page, "Plans")
        _press(page, "Make a plan now")
        expect(page.locator("table a").first).to_be_visible()
        first = page.locator("table a").first.inner_text()
        _press(page, first)
        user = page.locator("table .who a").first.inner_text()
        _tab_to(page, f"Leave out {user}")
        page.keyboard.press("Space")
        _tab_to(page, "Why these seats are left out")
        page.keyboard.type("on leave")
        _press(page, "Make a smaller plan")
        expect(page.get_by_role("heading", level=1)).to_have_text("Release 5 seats at prod?")
        _press(page, "Approve 5 seats")
        expect(page.get_by_role("heading", level=1)).to_have_text("5 seats at prod, applied")
        _press(page, "Give back")
        expect(page.get_by_text(f"Restored by {NAME}")).to_be_visible()
    daemon.end().expect(0)


def test_pages_that_say_no_and_pages_with_nothing_are_whole_pages(
    tmp_path: Path, chromium: Browser
) -> None:
    """First start at a site that is down, frozen, nothing found, no right, not there, too late."""
    with a_desk(tmp_path) as desk:
        desk.site.faults("status=503")
        desk.run("freeze", "--by", NAME, "--reason", "audit").expect(0)
        daemon = desk.serve()
        with a_window(chromium, _place(desk), expected=(403, 404)) as window:
            sign_in_first(window, _link(daemon), NAME, PASSWORD)
            seen = {
                "/": ("Nothing was read yet.", "Every release is frozen."),
                "/users": ("Nobody is known here yet.",),
                "/plans": ("No plan was made yet.",),
                "/alerts": ("Nobody asked not to be told.",),
                "/cost": ("Nothing was read yet.",),
                "/ledger": ("Frozen",),
                "/plans/20260101-000000-aaaaaaaa": ("There is nothing here",),
                "/nowhere": ("There is nothing here",),
                "/welcome?key=old": ("This link does not work any more",),
            }
            for path, words in seen.items():
                page = window.open(path)
                for word in words:
                    expect(page.get_by_text(word).first).to_be_visible()
                assert barriers(page) == []
        daemon.end().expect(0)


def test_a_decision_that_came_too_late_is_said_above_the_plan_and_keeps_what_was_typed(
    desk: Desk, chromium: Browser
) -> None:
    daemon = desk.serve()
    with a_window(chromium, _place(desk), expected=(409,), viewport=PHONE) as window:
        sign_in_first(window, _link(daemon), NAME, PASSWORD)
        page = _ask_for_a_plan(window)
        desk.run("reject", _plan_of(page), "--by", "Jane Doe", "--reason", "not now").expect(0)
        page.get_by_label("Why if you like; it is kept").fill("looked through it")
        page.get_by_role("button", name="Approve 6 seats").click()
        expect(page.get_by_text("Nothing was done.")).to_be_visible()
        assert barriers(page) == []
    daemon.end().expect(0)
