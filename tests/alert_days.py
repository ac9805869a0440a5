"""Ninety days of a site as the alerts see them: pools that wander, and planted incidents.

Everything is drawn from one seed. An incident has a moment at which it begins and one at which it
ends, and says what the site, the store or the files look like meanwhile. Beside each stands a
near miss: something that looks alike and must alarm nobody.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, ClassVar

import msgspec

from builders import a_policy, a_snapshot, a_summary, changed_pool, facts_of
from seatkeeper.core.alert_facts import (
    Certificate,
    CycleFacts,
    DayOfPool,
    Queue,
    SiteFacts,
    Spend,
    Windows,
)
from seatkeeper.core.alert_pools import share_of_month
from seatkeeper.core.alert_rules import ABOUT
from seatkeeper.core.model import Capacity, LicenseType
from seatkeeper.core.summary import LicenseState, LicenseSummary, Mismatch, PlanSummary, Summary
from seatkeeper.flow.ports import Observed

START = datetime(2026, 9, 4, 6, 0, tzinfo=UTC)
DAYS = 90
ANALYZER, PROFESSIONAL = LicenseType.ANALYZER, LicenseType.PROFESSIONAL
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is true at one moment; `readable` is False while no reading of the site succeeds."""

    now: datetime
    summary: Summary
    facts: SiteFacts
    queues: tuple[Queue, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    spend: Spend | None = None
    readable: bool = True


Change = Callable[[Scene, Random], Scene]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something planted: which alert it must cause, when it is there, and what it changes.

    `worse`: how long after its begin it gets worse.
    """

    rule: str
    subject: str
    begin: datetime
    end: datetime
    change: Change
    worse: tuple[timedelta, ...] = ()

    def holds(self, now: datetime) -> bool:
        """Whether it is there now."""
        return self.begin <= now < self.end


def _pools(scene: Scene, kind: LicenseType, **changes: Any) -> Scene:
    pools = tuple(
        changed_pool(p, **changes) if p.license_type is kind else p for p in scene.summary.pools
    )
    return _summary(scene, pools=pools)


def _summary(scene: Scene, **changes: Any) -> Scene:
    return replace(scene, summary=msgspec.structs.replace(scene.summary, **changes))


def _complying(**counts: Any) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        old = scene.summary.compliance
        return _summary(scene, compliance=msgspec.structs.replace(old, **counts))

    return change


@dataclass
class Wavering:
    """Bad at first, and then now beyond the one threshold and now between the two."""

    bad: Change
    between: Change
    last: datetime = START

    def __call__(self, scene: Scene, random: Random) -> Scene:
        """Change the scene."""
        begins = abs(scene.now - self.last) > 2 * HOUR
        self.last = scene.now
        return (self.bad if begins or random.random() < 0.5 else self.between)(scene, random)


def _free(kind: LicenseType, total: int, least: int, most: int) -> Change:
    """So many seats are free."""

    def change(scene: Scene, random: Random) -> Scene:
        free = random.randint(least, most)
        return _pools(scene, kind, total=total, available=free, allocated=total - free)

    return change


def _crowded(scene: Scene, _random: Random) -> Scene:
    return _pools(scene, PROFESSIONAL, total=100, available=8, allocated=92)


def _draining(kind: LicenseType, free: int, a_day: int) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        today = scene.now.date()
        days = tuple(
            DayOfPool(today - timedelta(days=n), 1000, free + n * a_day) for n in range(27, -1, -1)
        )
        facts = replace(scene.facts, days={kind: days})
        drained = _pools(scene, kind, total=1000, available=free, allocated=1000 - free)
        return replace(drained, facts=facts)

    return change


def _minutes(ahead: float) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        used = int(20_000 * (share_of_month(scene.now) + ahead))
        return _summary(scene, capacity=_capacity(max(used, 0)))

    return change


def _capacity(used: int) -> Capacity:
    return Capacity(
        enabled=True, allocated_minutes=20_000, used_minutes=used, unavailable_minutes=0
    )


def _spent(least: int, most: int) -> Change:
    def change(scene: Scene, random: Random) -> Scene:
        spent = Decimal(random.randint(least, most))
        return replace(scene, spend=Spend(spent, Decimal(10_000), "EUR"))

    return change


def _apart(by: int) -> Change:
    mismatch = Mismatch(license_type=ANALYZER, overview=700, rows=700 - by)
    return _complying(mismatches=(mismatch,))


def _license(state: LicenseState, days: int | None = None) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        last = None if days is None else scene.now.date() + timedelta(days=days)
        return _summary(scene, license=LicenseSummary(state=state, valid_to=last, days_left=days))

    return change


@dataclass
class RunningOut:
    """A license that was put off for too long: its days are gone at once, in three steps."""

    begin: datetime
    worse: ClassVar[tuple[timedelta, ...]] = (HOUR, 2 * HOUR)

    def __call__(self, scene: Scene, random: Random) -> Scene:
        """Change the scene."""
        steps = sum(scene.now >= self.begin + after for after in self.worse)
        return _license(LicenseState.VALID, (45, 20, 5)[steps])(scene, random)


def _blocked(scene: Scene, _random: Random) -> Scene:
    plan = scene.summary.plan
    assert plan is not None
    return _summary(
        scene, plan=msgspec.structs.replace(plan, status="blocked", violations=("max_share",))
    )


def _releases(**counts: int) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        releases = replace(scene.facts.releases, **counts)
        return replace(scene, facts=replace(scene.facts, releases=releases))

    return change


def _old(hours: float) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        return _unread(scene, CycleFacts(last_good=scene.now - hours * HOUR))

    return change


def _late(hours: float) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        return _unread(scene, CycleFacts(last_good=scene.now, due=scene.now - hours * HOUR))

    return change


def _unread(scene: Scene, cycles: CycleFacts) -> Scene:
    return replace(scene, facts=replace(scene.facts, cycles=cycles), readable=False)


def _failing(times: int) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        since = scene.now - HOUR
        cycles = CycleFacts(since, times, since, "no answer from the site")
        return _unread(scene, cycles)

    return change


def _certificate(days: float, name: str = "client.pem") -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        one = Certificate(name, scene.now + timedelta(days=days))
        return replace(scene, certificates=(*scene.certificates, one))

    return change


def _waiting(target: str, minutes: float) -> Change:
    def change(scene: Scene, _random: Random) -> Scene:
        queue = Queue(target, 40, scene.now - timedelta(minutes=minutes), "no answer")
        return replace(scene, queues=(*scene.queues, queue))

    return change


@dataclass(frozen=True, slots=True)
class Plant:
    """A kind of incident, and what comes near it without being one."""

    rule: str
    subject: str
    change: Change
    near: Change | None = None


OF_SITE = (
    Plant(
        "low_availability",
        "analyzer",
        Wavering(_free(ANALYZER, 200, 6, 9), _free(ANALYZER, 200, 10, 13)),
        _free(ANALYZER, 200, 21, 29),
    ),
    Plant("low_availability", "professional", _free(PROFESSIONAL, 100, 2, 4)),
    Plant("high_utilization", "professional", _crowded, _crowded),
    Plant("pool_empty_soon", "analyzer", _draining(ANALYZER, 150, 12), _draining(ANALYZER, 200, 8)),
    Plant("capacity_ahead", "analyzer_capacity", _minutes(0.2), _minutes(0.04)),
    Plant("excess_users", "", _complying(excess=3)),
    Plant("both_types", "", _complying(both_types=2), _complying(both_types=2)),
    Plant("seats_of_gone_users", "removed", _complying(removed=30), _complying(removed=9)),
    Plant("seats_of_gone_users", "blocked", _complying(blocked=12), _complying(blocked=12)),
    Plant("seats_of_gone_users", "deleted", _complying(deleted=11), _complying(deleted=9)),
    Plant("above_entitlement", "", _complying(above_allotment=4)),
    Plant("churn", "", _releases(churners=2)),
    Plant("counts_disagree", "analyzer allocated", _apart(12), _apart(2)),
    Plant("license_expiry", "", _license(LicenseState.VALID, 45), _license(LicenseState.VALID, 91)),
    Plant("license_expiry", "", _license(LicenseState.EXPIRED, -2)),
    Plant("license_unclear", "", _license(LicenseState.CANNOT_TELL)),
    Plant("license_refused", "", _license(LicenseState.DENYLISTED)),
    Plant("release_failures", "", _releases(failed=5)),
    Plant("blocked_plan", "", _blocked),
    Plant("stale_data", "", _old(5), _old(2)),
    Plant("cycle_late", "", _late(0.8), _late(0.4)),
    Plant("site_unreachable", "", _failing(2), _failing(1)),
    Plant("certificate_expiring", "client.pem", _certificate(12), _certificate(31)),
)
OF_ALL = (
    Plant(
        "over_budget",
        "",
        Wavering(_spent(10_100, 10_400), _spent(9_850, 9_999)),
        _spent(9_900, 9_999),
    ),
    Plant("outbox_growing", "influx:main", _waiting("influx:main", 50)),
    Plant("channel_failing", "hook", _waiting("alert:hook", 20), _waiting("alert:hook", 9)),
)


LONG = (
    Plant("excess_users", "", _complying(excess=2)),
    Plant("above_entitlement", "", _complying(above_allotment=9)),
    Plant("release_failures", "", _releases(failed=3)),
    Plant("certificate_expiring", "root.pem", _certificate(20, "root.pem")),
)
"""What lasts for days, and goes on while other things come and go."""


def planted(seed: int) -> tuple[list[Incident], list[Incident]]:
    """Return the incidents of ninety days, and the near misses, by when they begin."""
    random = Random(seed)  # noqa: S311 - a test's own dice
    incidents, near = [], []
    for plants, times in ((OF_SITE, 2), (OF_ALL, 3)):
        lane = _in_order(plants * times, random)
        slot = timedelta(days=DAYS - 2) / len(lane)
        for number, plant in enumerate(lane):
            begin = START + timedelta(days=1) + number * slot + random.random() * HOUR
            hold = ABOUT[plant.rule].hold
            length = hold + timedelta(hours=3) + random.random() * 3 * HOUR
            if plants is OF_ALL:
                length += timedelta(days=2)
            incidents.append(
                Incident(plant.rule, plant.subject, begin, begin + length, plant.change)
            )
            if plant.near is not None:
                miss = begin + length + 4 * HOUR
                some = min(slot - length - 7 * HOUR, 5 * HOUR)
                near.append(Incident(plant.rule, plant.subject, miss, miss + some, plant.near))
    incidents += _long(incidents, random)
    incidents += _worsening(incidents)
    return sorted(incidents, key=lambda i: i.begin), near


def _long(others: Sequence[Incident], random: Random) -> Iterator[Incident]:
    """Plant what lasts for two or three days, anywhere but near another one of its rule."""
    for plant in LONG * 2:
        while True:
            begin = START + timedelta(days=1 + random.random() * (DAYS - 6))
            end = begin + timedelta(days=2 + random.random())
            one = Incident(plant.rule, plant.subject, begin, end, plant.change)
            if all(_apart_by_a_day(one, other) for other in others if other.rule == one.rule):
                break
        others = [*others, one]
        yield one


def _apart_by_a_day(one: Incident, other: Incident) -> bool:
    day = timedelta(days=1)
    return one.end + day < other.begin or other.end + day < one.begin


def _worsening(others: Sequence[Incident]) -> Iterator[Incident]:
    """Plant licenses that get worse between the incidents of the first lane."""
    alone = [i for i in others if i.rule not in {p.rule for p in (*LONG, *OF_ALL)}]
    gaps = [(a.end, b.begin) for a, b in itertools.pairwise(sorted(alone, key=lambda i: i.begin))]
    wide = [end for end, begin in gaps if begin - end > timedelta(hours=30)]
    for end in wide[5:25:10]:
        begin = end + timedelta(hours=20)
        running_out = RunningOut(begin)
        yield Incident(
            "license_expiry",
            "",
            begin,
            begin + timedelta(hours=5),
            running_out,
            running_out.worse,
        )


def _in_order(plants: Sequence[Plant], random: Random) -> list[Plant]:
    """Shuffle, but nothing about the month near its first day, which is no evidence."""
    slot = timedelta(days=DAYS - 2) / len(plants)
    while True:
        lane = random.sample(plants, len(plants))
        begins = (START + timedelta(days=1) + n * slot for n in range(len(lane)))
        of_month = [b for b, p in zip(begins, lane, strict=True) if p.rule == "capacity_ahead"]
        if all(8 <= b.day <= 27 for b in of_month):
            return lane


@dataclass
class Script:
    """The site over the days: `cycles` are the moments at which it is looked at.

    It is what the alarm asks for facts; the alerts themselves are kept by whoever is asked to.
    """

    seed: int = 1
    incidents: list[Incident] = field(default_factory=list)
    near: list[Incident] = field(default_factory=list)
    scene: Scene = field(init=False)

    def __post_init__(self) -> None:
        """Plant everything."""
        self.incidents, self.near = planted(self.seed)
        self._random = Random(self.seed + 1)  # noqa: S311 - a test's own dice
        self._free = {PROFESSIONAL: 60.0, ANALYZER: 300.0}
        self._days: dict[LicenseType, list[DayOfPool]] = {PROFESSIONAL: [], ANALYZER: []}
        self._snapshot = a_snapshot()
        self._facts = facts_of(self._snapshot, a_policy())

    def scenes(self) -> Iterator[Scene]:
        """Yield what is true at each cycle, 15 to 60 minutes apart."""
        now = START
        while now < START + timedelta(days=DAYS):
            self.scene = self._at(now)
            yield self.scene
            now += timedelta(minutes=self._random.randint(15, 60))

    def _at(self, now: datetime) -> Scene:
        scene = self._healthy(now)
        for one in itertools.chain(self.incidents, self.near):
            if one.holds(now):
                scene = one.change(scene, self._random)
        return scene

    def _healthy(self, now: datetime) -> Scene:
        totals = {PROFESSIONAL: 200, ANALYZER: 1000}
        pools = []
        for pool in a_summary().pools:
            kind = pool.license_type
            total, middle = totals[kind], totals[kind] * 0.3
            drift = (middle - self._free[kind]) * 0.01 + self._random.gauss(0, total * 0.004)
            self._free[kind] += drift
            free = int(self._free[kind])
            pools.append(changed_pool(pool, total=total, available=free, allocated=total - free))
            self._remember(kind, now, total, free)
        left = 400 - (now - START).days
        last = now.date() + timedelta(days=left)
        summary = a_summary(
            at=now,
            pools=tuple(pools),
            license=LicenseSummary(state=LicenseState.VALID, valid_to=last, days_left=left),
            capacity=_capacity(int(20_000 * share_of_month(now) * 0.8)),
            plan=PlanSummary(plan_id="p-1", status="open", created_at=now, actions=6, deferred=0),
        )
        facts = SiteFacts(
            days={kind: tuple(days[-28:]) for kind, days in self._days.items()},
            cycles=CycleFacts(last_good=now),
        )
        spend = Spend(Decimal(8_000), Decimal(10_000), "EUR")
        return Scene(now, summary, facts, spend=spend)

    def _remember(self, kind: LicenseType, now: datetime, total: int, free: int) -> None:
        days, today = self._days[kind], DayOfPool(now.date(), total, free)
        if days and days[-1].day == today.day:
            days[-1] = today
        else:
            days.append(today)

    async def facts(
        self,
        site: str,  # noqa: ARG002 - there is one
        windows: Windows,  # noqa: ARG002 - the script knows no more
        now: datetime,  # noqa: ARG002 - as above
        *,
        trend: bool,  # noqa: ARG002 - as above
    ) -> SiteFacts:
        """Return what the store would know."""
        return self.scene.facts

    async def queues(self) -> tuple[Queue, ...]:
        """Return what would wait."""
        return self.scene.queues

    def certificates(self, _site: str) -> tuple[Certificate, ...]:
        """Return what the files would hold."""
        return self.scene.certificates

    async def spend(self) -> Spend | None:
        """Return what the seats cost."""
        return self.scene.spend

    def observed(self) -> Observed:
        """Return what a monitoring cycle hands on."""
        return Observed(self._snapshot, self._facts, self.scene.summary, self.scene.now)
