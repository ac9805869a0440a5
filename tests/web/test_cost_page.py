"""Cost in the console: spend, idle spend, savings, departments, the budget."""

from __future__ import annotations

from pathlib import Path

from builders import a_summary
from console_world import World, a_console
from seatkeeper.core.cost import SeatGroup, SeatGroups
from seatkeeper.core.model import LicenseType
from seatkeeper.core.roles import Role

PRICES = """\
cost:
  currency: EUR
  professional: {per_seat_month: 40}
  analyzer: {per_seat_month: 15}
  budget_month: 1000
  attribute: Department
"""


async def read(world: World, site: str, department: str = "Sales") -> None:
    """Let the site have been read: 100 analyzer seats of one department, 20 of them idle."""
    await world.store.summaries.keep(a_summary(site=site, at=world.now))
    group = SeatGroup(
        department=department, license_type=LicenseType.ANALYZER, allocated=100, idle=20
    )
    groups = SeatGroups(site=site, at=world.now, groups=(group,))
    await world.store.costs.keep(groups)


async def test_without_prices_the_page_says_how_to_set_them(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world, await world.signed_in() as browser:
        assert "No prices are known." in (await browser.get("/cost")).text


async def test_before_a_reading_the_page_says_so(tmp_path: Path) -> None:
    async with a_console(tmp_path, PRICES) as world, await world.signed_in() as browser:
        assert "Nothing was read since prices were set." in (await browser.get("/cost")).text


async def test_idle_money_stands_first_and_departments_below(tmp_path: Path) -> None:
    async with a_console(tmp_path, PRICES) as world, await world.signed_in() as browser:
        await read(world, "prod", "<b>R&D</b>")
        page = (await browser.get("/cost?site=prod")).text

        assert "EUR&nbsp;300.00 a month lie idle" in page
        assert "&lt;b&gt;R&amp;D&lt;/b&gt;" in page
        assert "What did releases save?" in page
        assert "Show the numbers" in page


async def test_the_budget_is_of_all_sites_together(tmp_path: Path) -> None:
    async with a_console(tmp_path, PRICES) as world:
        await read(world, "prod")
        await read(world, "test")
        async with await world.signed_in() as browser:
            one = (await browser.get("/cost?site=prod")).text
            both = (await browser.get("/cost?site=all")).text
        async with await world.signed_in(Role.VIEWER, sites=("test",)) as other:
            limited = (await other.get("/cost")).text

        assert "over it" in one
        assert "over it" in both
        assert "EUR&nbsp;600.00 a month lie idle" in both
        assert "Budget of all sites" not in limited
