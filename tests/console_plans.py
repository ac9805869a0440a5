"""Plans in a console of a test: kept as the engine does, opened, and decided on with forms."""

from __future__ import annotations

from typing import Any

import httpx

from builders import a_summary
from console_world import World, csrf_of
from seatkeeper.core.plan import Plan
from stored import JANE


async def recorded(world: World, plan: Plan) -> Plan:
    """Keep a plan as the engine does."""
    await world.store.plans.record(plan, JANE, "run-1")
    await world.store.summaries.keep(a_summary(at=world.now, site=plan.site))
    return plan


async def opened(browser: httpx.AsyncClient, plan: Plan) -> tuple[httpx.Response, str]:
    """Open the page of a plan; returns it with the word of its forms."""
    page = await browser.get(f"/plans/{plan.plan_id}")
    return page, csrf_of(page)


async def led(browser: httpx.AsyncClient, path: str, typed: dict[str, Any]) -> httpx.Response:
    """Send a form, and open the page that it leads to, as a browser does."""
    answer = await browser.post(path, data=typed)
    assert answer.status_code == 303, answer.text[:500]
    return await browser.get(answer.headers["location"])
