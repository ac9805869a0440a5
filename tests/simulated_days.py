"""Fills a store with months of history: real monitoring cycles on a simulated site, quickly.

    async with simulated_days(f"sqlite:///{tmp_path}/history.db", days=180) as lived:
        lived.store      # the open store with everything that the cycles recorded
        lived.records    # what the flow sees of it
        lived.site       # the DirectSite: `lived.site.site` is the simulator's own state
        lived.past       # cycles done, runs that released seats
        lived.now        # the end of the history, the site's time

About 25 days a second at 200 users. `each(now, done)` is awaited after every cycle, `done.summary`
is its Summary: alerts and outlets that are no followers of `records` yet hook in there.
`before_day(site, moment)` is called ahead of every cycle, to plant incidents: change `site.site`
(`set_total`, `renew_license`, `records.users`, …) as the control door does. `records_of` makes the
records from the store, for followers of your own. `clean_every=None`: nobody ever releases.
`policy` is the one of the site `sim`, with releases of both types by default.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from direct_site import DirectSite
from seatkeeper.cli.past import Each, Habits, Past, Watched, live_through
from seatkeeper.core.policy import Agreement, Limits, Mode, Policy, Shared, SharedKind, TypePolicy
from seatkeeper.core.record import Actor
from seatkeeper.flow.apply import Hands
from seatkeeper.flow.context import Records, Run, Site
from seatkeeper.flow.monitor import Monitored
from seatkeeper.flow.ports import Held
from seatkeeper.flow.undo import GiveBack
from seatkeeper.qrs.hands import Granter, Releaser
from seatkeeper.store import Store, open_store
from seatkeeper.wiring import readers

UNTIL = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ACTOR = Actor(by="Dana", os_account="dana", host="history")
POLICY = Policy(
    professional=TypePolicy(enabled=True, release_after=timedelta(days=90)),
    analyzer=TypePolicy(enabled=True, release_after=timedelta(days=60)),
    new_seat_grace=timedelta(days=30),
    mode=Mode.APPROVE,
    agreement=Agreement("Dana", date(2026, 1, 1)),
    shared=Shared(SharedKind.NOBODY),
    limits=Limits(max_per_run=12, max_per_day=12),
)
BeforeDay = Callable[[DirectSite, datetime], None]


@dataclass(frozen=True)
class Lived:
    """A store with a history in it."""

    store: Store
    records: Records
    site: DirectSite
    past: Past

    @property
    def now(self) -> datetime:
        """The end of the history."""
        return self.site.now


@asynccontextmanager
async def simulated_days(
    url: str,
    *,
    days: int = 180,
    users: int = 200,
    seed: int = 11,
    until: datetime = UNTIL,
    analyzer: int | None = None,
    license_days: int = 400,
    look_every: timedelta = timedelta(days=1),
    clean_every: timedelta | None = timedelta(days=28),
    policy: Policy = POLICY,
    each: Each | None = None,
    before_day: BeforeDay | None = None,
    records_of: Callable[[Store], Records] = readers.records_of,
    name: str = "sim",
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Lived]:
    """Fill a store with so many days that end at `until`; it is closed afterwards."""
    made = DirectSite(
        until - timedelta(days=days),
        users=users,
        seed=seed,
        analyzer=round(users * 0.85) if analyzer is None else analyzer,
        license_days=license_days,
    )
    store = open_store(url, command="history")
    try:
        records = records_of(store)
        habits = Habits(ACTOR, look_every, clean_every, each or _nothing, stop or asyncio.Event())
        watched = _watched(made, Site(name, policy, made.reader), store, records, before_day)
        past = await live_through(watched, until, habits)
        yield Lived(store, records, made, past)
    finally:
        store.close()


async def _nothing(_now: datetime, _done: Monitored) -> None:
    pass


def _watched(
    made: DirectSite, site: Site, store: Store, records: Records, before_day: BeforeDay | None
) -> Watched:
    def pass_to(moment: datetime) -> None:
        made.pass_to(moment)
        if before_day is not None:
            before_day(made, moment)

    def hands(run: Run, held: Held) -> Hands:
        give_back = GiveBack(site, records, run, Granter(made.client), held)
        return Hands(Releaser(made.client), give_back, held, concurrency=4)

    return Watched(site, store, records, made.clock, hands, pass_to)
