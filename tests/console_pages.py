"""Every page of a console in use, by a short name: for looking at each of them in a browser."""

from __future__ import annotations

from browser import Watched

AT_THE_DOOR = {"sign-in": "/sign-in", "link-used-up": "/welcome?key=used", "nothing": "/nowhere"}
"""Pages that nobody has to be signed in for; the last one is refused with 404."""


def pages_of(window: Watched) -> dict[str, str]:
    """Return the addresses; among them the newest plan, and one that is applied."""
    plans = window.open("/plans").locator("table tbody tr")
    newest = plans.first.get_by_role("link").get_attribute("href")
    applied = plans.filter(has_text="applied").first.get_by_role("link").get_attribute("href")
    rows = (
        window.open(applied or "").locator("table tbody tr").filter(has=window.page.locator("td"))
    )
    released = rows.filter(has_text="Released").first.get_by_role("link").get_attribute("href")
    returned = rows.filter(has_text="Restored").first.get_by_role("link").get_attribute("href")
    return {
        "overview": "/",
        "users": "/users",
        "person": returned or "",
        "person-without-seat": released or "",
        "plans": "/plans",
        "plan": newest or "",
        "plan-applied": applied or "",
        "ledger": "/ledger",
        "alerts": "/alerts",
        "cost": "/cost",
        "settings": "/settings",
        "account": "/account",
    }
