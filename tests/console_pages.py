"""Every page of a console in use, by a short name: for looking at each of them in a browser."""

from __future__ import annotations

from browser import Watched

AT_THE_DOOR = {"sign-in": "/sign-in", "link-used-up": "/welcome?key=used", "nothing": "/nowhere"}
"""Pages that nobody has to be signed in for; the last one is refused with 404."""


def pages_of(window: Watched) -> dict[str, str]:
    """Return the addresses: the newest plan is among them, one applied, and a person in it."""
    plans = window.open("/plans").locator("table tbody tr")
    newest = plans.first.get_by_role("link").get_attribute("href")
    applied = plans.filter(has_text="applied").first.get_by_role("link").get_attribute("href")
    somebody = window.open(applied or "").locator("table .who a").first.get_attribute("href")
    return {
        "overview": "/",
        "users": "/users",
        "person": somebody or "",
        "plans": "/plans",
        "plan": newest or "",
        "plan-applied": applied or "",
        "ledger": "/ledger",
        "alerts": "/alerts",
        "cost": "/cost",
        "settings": "/settings",
    }
