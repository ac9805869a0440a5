"""The half year that `demo` begins with: it happens on the simulated site, day by day."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatkeeper import logs
from seatkeeper.cli.demo_view import Glance
from seatkeeper.cli.past import Habits, Past, Watched, live_through
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outcome import GrantOutcome
from seatkeeper.core.summary import Summary
from seatkeeper.flow.alarm import NO_SITE
from seatkeeper.flow.context import Run
from seatkeeper.flow.monitor import Monitored, monitor
from seatkeeper.flow.ports import Held
from seatkeeper.settings import Settings
from seatkeeper.wiring.alarms import alarm_of
from seatkeeper.wiring.clock import SystemClock, this_actor
from seatkeeper.wiring.costing import Costs, bill
from seatkeeper.wiring.hands import hands_of
from seatkeeper.wiring.readers import open_records, open_sites
from seatkeeper.wiring.simulated import open_simulated

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatkeeper.flow.apply import Hands
    from seatkeeper.simulator.serve import Simulator

DAYS = 180
LICENSE_LEFT = 75
"""So many days after today the license of the demo's site ends."""


@dataclass(slots=True)
class HalfYear:
    """What was seen: the summary of each day, and what was done."""

    summaries: list[Summary] = field(default_factory=list)
    past: Past = field(default_factory=Past)

    @property
    def released(self) -> int:
        """Seats that the monthly clean-ups released."""
        return sum(o.outcome.took_effect for run in self.past.runs for o in run.outcomes)


async def live_half_year(
    simulator: Simulator,
    settings: Settings,
    person: str,
    tell: Callable[[str], None],
    stop: asyncio.Event,
) -> HalfYear:
    """Let the site live until now, watched by real cycles, with a clean-up every four weeks.

    Afterwards its clock is the machine's. `tell` is given a line for each month.
    """
    logs.set_up("warning", "console")  # what a day of the past logs is no news
    half, months = HalfYear(), _Months(tell)

    async def each(now: datetime, done: Monitored) -> None:
        await alarm.watch([site.name for site in settings.sites], now)
        if done.summary is not None:
            half.summaries.append(done.summary)
            months.see(done.summary)

    store, records = open_records(settings)
    alarm = alarm_of(settings, store)
    try:
        async with open_simulated(settings.sites, settings.cost.attribute or "") as (opened, clock):
            one = opened[0]

            def hands(run: Run, held: Held) -> Hands:
                return hands_of(one, records, run, held)

            watched = Watched(
                one.site, store, records, clock, hands, lambda at: simulator.advance(_ms(at))
            )
            habits = Habits(this_actor(person), sleep_on_it=True, each=each, stop=stop)
            half.past = await live_through(watched, SystemClock().now(), habits)
            months.end()
            simulator.advance(_ms(SystemClock().now()))
            simulator.site.clock.run(1)
    finally:
        store.close()
    return half


async def glance(settings: Settings, half: HalfYear, person: str) -> Glance:
    """Read the site once more, as it is now, and put together what the last page shows."""
    clock = SystemClock()
    store, records = open_records(settings)
    try:
        async with open_sites(settings.sites, clock, settings.cost.attribute or "") as opened:
            site = opened[0].site
            run = Run("glance", this_actor(person), clock)
            done = await monitor(site, records, run)
            seats = [seat for kind in LicenseType for seat in await site.reader.allocations(kind)]
        released = await records.plans.released()
        costs = await bill(store, settings, site.name, clock.now())
        spend = await Costs(store, settings).spend()
        alerts = [one for one in await store.alerts.all() if one.key.site in (site.name, NO_SITE)]
    finally:
        store.close()
    holders = {(seat.license_type, seat.user_id) for seat in seats if not seat.quarantined}
    last = [done.summary] if done.summary is not None else []
    return Glance(
        summaries=(*half.summaries, *last),
        released=len(released),
        runs=len({seat.plan_id for seat in released}),
        came_back=sum((seat.license_type, seat.user_id) in holders for seat in released),
        given_back=sum(seat.given_back is GrantOutcome.RESTORED for seat in released),
        alerts=alerts,
        bill=costs,
        spend=spend,
    )


def settings_in(folder: Path) -> Settings:
    """Read the configuration of the demo."""
    import os

    from seatkeeper.config import load

    return load(folder / "seatkeeper.yaml", os.environ).settings


@dataclass(slots=True)
class _Months:
    """Says a line at the end of each month."""

    tell: Callable[[str], None]
    last: Summary | None = None

    def see(self, summary: Summary) -> None:
        last, self.last = self.last, summary
        if last is not None and last.at.month != summary.at.month:
            self.tell(f"  {last.at:%B %Y}: {_pools(last)}")

    def end(self) -> None:
        """Say how it is now, which is no end of a month."""
        if self.last is not None:
            self.tell(f"  now: {_pools(self.last)}")


def _pools(summary: Summary) -> str:
    return ", ".join(
        f"{pool.license_type.value} {pool.allocated} of {pool.total}" for pool in summary.pools
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def begin(until: datetime) -> datetime:
    """Return when the half year begins."""
    return until - timedelta(days=DAYS)
