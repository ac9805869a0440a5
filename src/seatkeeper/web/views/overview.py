"""The first page: the answer of the day, every site, one of them closely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.alerts import Alert, AlertState
from seatkeeper.core.cost import Bill
from seatkeeper.core.day import Answer, Day, SiteDay, judge_day
from seatkeeper.core.model import LicenseType
from seatkeeper.core.policy import Mode
from seatkeeper.core.record import PlanLine
from seatkeeper.core.summary import LicenseState, Summary, aged
from seatkeeper.store import CycleState
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import Frame, is_stale, zone_of
from seatkeeper.web.views.pools import CapacityView, PoolView, capacity_of, freed_by, pools_of
from seatkeeper.wiring.costing import bill_of_reading

ICONS = {
    Answer.QUIET: "good",
    Answer.NEEDS_YOU: "warn",
    Answer.ACT_NOW: "bad",
    Answer.CANNOT_TELL: "wait",
}

MARKS = {Answer.QUIET: "mark.svg", Answer.ACT_NOW: "mark-act.svg"}


@dataclass(frozen=True, slots=True)
class SiteView:
    """One site: its day, its pools, and what stands beside them.

    `bill` is None without prices, and before the first reading with them.
    """

    site: str
    day: Day
    summary: Summary | None
    pools: tuple[PoolView, ...]
    capacity: CapacityView | None
    alerts: tuple[Alert, ...]
    plans: tuple[PlanLine, ...]
    bill: Bill | None
    cycle: CycleState | None
    is_stale: bool

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that call for somebody."""
        return tuple(
            a
            for a in self.alerts
            if a.state is AlertState.FIRING and a.severity is not Severity.INFO
        )

    @property
    def icon(self) -> str:
        """The icon of its day."""
        return ICONS[self.day.answer]

    def pool(self, license_type: str) -> PoolView | None:
        """Return one of its pools."""
        wanted = LicenseType(license_type)
        return next((p for p in self.pools if p.license_type is wanted), None)

    @property
    def license_words(self) -> tuple[str, str]:
        """What is known of the license of the server: in short, and the day."""
        if self.summary is None:
            return "not read", ""
        known = self.summary.license
        if known.days_left is None or known.valid_to is None:
            return known.state.value.replace("_", " "), "the site does not say until when"
        words = (
            f"{known.days_left} days" if known.state is LicenseState.VALID else known.state.value
        )
        return words, f"valid to {known.valid_to.day}\u00a0{known.valid_to:%B %Y}"


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the first page; `close` None where all sites are compared.

    `own` are the alerts about Seatkeeper itself, `priced` whether prices are configured.
    """

    day: Day
    sites: tuple[SiteView, ...]
    close: SiteView | None
    ledger: int
    queued: int
    own: tuple[Alert, ...]
    priced: bool

    @property
    def icon(self) -> str:
        """The icon of the day."""
        return ICONS[self.day.answer]

    @property
    def mark(self) -> str:
        """The icon of the tab."""
        return MARKS.get(self.day.answer, "mark-needs.svg")


def title_of(alert: Alert) -> str:
    """Return the name of an alert's rule for people."""
    about = ABOUT.get(alert.key.rule)
    return about.title if about else alert.key.rule


async def overview_of(desk: Desk, frame: Frame) -> Overview:
    """Gather the page for the sites that the visitor may see."""
    alerts = tuple(a for a in frame.alerts if a.state is not AlertState.RESOLVED)
    cycles = await desk.store.cycles.states(frame.sites, frame.now)
    now = frame.now
    gathered = []
    for name in frame.sites:
        here = tuple(a for a in alerts if a.key.site == name)
        known = _Known(name, frame.summaries.get(name), here, cycles.get((name, "monitor")))
        gathered.append(await _site(desk, known, now))
    views = tuple(view for view, _ in gathered)
    shown = [day for view, day in gathered if frame.site in (None, view.site)]
    depth = await desk.store.outbox.depth()
    own = tuple(a for a in alerts if not a.key.site and "" in frame.alert_sites)
    return Overview(
        day=judge_day(shown, now, own),
        sites=views,
        close=next((v for v in views if v.site == frame.site), None),
        ledger=(await desk.store.ledger.head()).seq,
        queued=sum(depth.values()),
        own=own,
        priced=desk.settings.cost.to_prices() is not None,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What was gathered for all sites at once, of one."""

    site: str
    summary: Summary | None
    alerts: tuple[Alert, ...]
    cycle: CycleState | None


async def _freed(desk: Desk, plan_id: str, now: datetime) -> Mapping[LicenseType, int]:
    """Return how many seats of each type a plan frees; it is read once, for it never changes."""

    async def read() -> Mapping[LicenseType, int]:
        return freed_by((await desk.store.plans.load(plan_id, now)).plan)

    return await desk.freed.of(plan_id, None, read)


async def _site(desk: Desk, known: _Known, now: datetime) -> tuple[SiteView, SiteDay]:
    name, summary = known.site, known.summary
    plans = tuple(await desk.store.plans.lines(now, site=name, limit=4))
    waiting = plans[0] if plans and plans[0].waits else None
    pools: tuple[PoolView, ...] = ()
    if summary is not None:
        summary = aged(summary, now)
        zone = zone_of(desk.settings.site(name))
        freed: Mapping[LicenseType, int] = {}
        if waiting is not None:
            freed = await _freed(desk, waiting.plan_id, now)
        pools = await pools_of(desk, summary, zone, freed)
    capacity = None if summary is None else capacity_of(summary, now)
    day = SiteDay(
        site=name,
        summary=summary,
        stale=is_stale(desk, name, summary),
        pools=tuple(pool.outlook for pool in pools),
        waiting=() if waiting is None else (waiting,),
        alerts=known.alerts,
        minutes=0 if capacity is None else capacity.left,
        releases=desk.sites[name].policy.mode is not Mode.OBSERVE,
    )
    view = SiteView(
        site=name,
        day=judge_day([day], now),
        summary=summary,
        pools=pools,
        capacity=capacity,
        alerts=known.alerts,
        plans=plans,
        bill=await bill_of_reading(desk.store, desk.settings, known.summary, now),
        cycle=known.cycle,
        is_stale=day.stale,
    )
    return view, day
