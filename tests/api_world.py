"""A console whose store holds something of everything, for tests that ask every address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from builders import a_snapshot, a_summary, an_allocation
from console_world import World
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alerts import Advance, Alert, AlertKey, AlertState, Moved, Silence
from seatkeeper.core.cost import SeatGroup, SeatGroups
from seatkeeper.core.model import LicenseType
from seatkeeper.core.plan import Plan
from seatkeeper.core.record import CycleSample
from seatkeeper.core.roster import Flag, RosterLine
from seatkeeper.core.rules import Reason
from seatkeeper.store import RequestKind
from stored import JANE, a_plan, a_violation, applied, some_actions

COST = "cost: {currency: EUR, professional: {per_seat_month: 40}, analyzer: {per_seat_month: 15}}\n"

PERSON = r"EXAMPLE\u0"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a filled store holds on one site."""

    site: str
    person: str
    waiting: Plan
    blocked: Plan
    applied: Plan
    run_id: str
    request_id: int
    silence_id: int


def an_alert(site: str = "prod", **changes: object) -> Alert:
    """Return an alert that fires."""
    told: dict[str, object] = {
        "key": AlertKey("license_expiry", site, ""),
        "state": AlertState.FIRING,
        "severity": Severity.WARNING,
        "since": a_summary().at,
        "seen": a_summary().at,
        "says": "20 days left",
        "values": {"days": 20.0},
        "fired_at": a_summary().at,
    }
    return Alert(**{**told, **changes})  # type: ignore[arg-type]


async def alert(world: World, *alerts: Alert) -> None:
    """Let alerts stand as they are."""
    sites = {one.key.site for one in alerts}
    await world.store.alerts.move(sites, world.now, lambda _, __: Moved(Advance(kept=alerts)))


def a_line(user: str, number: int, now: datetime) -> RosterLine:
    """Return a seat that the rules would release."""
    return RosterLine(
        allocation_id=f"seat-{number:05}",
        license_type=LicenseType.ANALYZER,
        user=user,
        name=user.rpartition("\\")[2],
        department="Sales",
        flags=int(Flag.IDLE | Flag.RELEASABLE),
        created=now - timedelta(days=400),
        last_used=now - timedelta(days=120 + number),
        idle_since=now - timedelta(days=120 + number),
        reason=Reason.IDLE,
    )


async def seeded(world: World, site: str = "prod") -> Seeded:
    """Fill the store of a console with something of everything, on one site."""
    store, now = world.store, world.now
    for days in range(20, -1, -1):
        at = now - timedelta(days=days)
        await store.history.observe(a_snapshot([an_allocation()], now=at, site=site))
    await store.activity.observe(a_snapshot([an_allocation(PERSON)], now=now, site=site), now)
    await store.summaries.keep(a_summary(site=site, at=now))
    lines = [a_line(rf"EXAMPLE\u{n}", n, now) for n in range(5)]
    await store.roster.keep(site, now, lines)
    plans = (
        a_plan(*some_actions(3), site=site),
        a_plan(*some_actions(3), site=site, at=now + timedelta(minutes=1)),
        a_plan(
            *some_actions(3),
            site=site,
            at=now + timedelta(minutes=2),
            violations=(a_violation(),),
        ),
    )
    run_id = f"run-of-{site}"
    await applied(store, plans[0], run_id=run_id)
    for plan in plans[1:]:
        await store.plans.record(plan, JANE, "run-2")
    asked = await store.requests.ask(RequestKind.RUN, site, {}, JANE, now)
    wish = Silence("Jane Doe", "maintenance", now, now + timedelta(hours=4), site=site)
    held = await store.alerts.silence(wish, JANE)
    await alert(world, an_alert(site))
    group = SeatGroup(
        department="Sales", license_type=LicenseType.PROFESSIONAL, allocated=10, idle=4
    )
    await store.costs.keep(SeatGroups(site=site, at=now, groups=(group,)))
    await store.cycles.add(CycleSample(site, "monitor", now, 1.5, 12))
    return Seeded(site, PERSON, plans[1], plans[2], plans[0], run_id, asked.id, held.id)
