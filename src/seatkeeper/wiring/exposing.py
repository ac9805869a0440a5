"""What Prometheus is told, gathered from the store; a site is never read for it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from seatkeeper.core.alerts import AlertState
from seatkeeper.core.outbox import OutboxState
from seatkeeper.core.scrape import Scrape
from seatkeeper.outlets.prometheus import Exposition, expose
from seatkeeper.settings import Settings
from seatkeeper.store import Store
from seatkeeper.wiring.costing import Costs
from seatkeeper.wiring.telling import targets_of

FRESH = 1.0
"""Seconds for which an answer is given again: whoever asks in a storm costs nothing."""


async def gather(store: Store, settings: Settings, now: datetime) -> Scrape:
    """Return what the store knows of the configured sites; raises StoreError.

    Nothing here grows with users, releases or years: it is all counted when it is written.
    """
    names = [site.name for site in settings.sites]
    summaries = await store.summaries.all()
    states = await store.cycles.states(names, now)
    costs = await Costs(store, settings).measured()
    alerts = Counter(
        (a.key.site, a.severity.value, a.state.value)
        for a in await store.alerts.all()
        if a.state is not AlertState.RESOLVED
    )
    return Scrape(
        summaries={name: summaries[name] for name in names if name in summaries},
        releases=await store.counters.releases(),
        regrets=await store.counters.regrets(),
        successes={job: s.last_success for job, s in states.items() if s.last_success},
        outbox=_nothing(settings)
        | {(target, s.value): n for (target, s), n in (await store.outbox.depth()).items()},
        dropped={target: loss.rows for target, loss in (await store.losses.all()).items()},
        alerts=alerts,
        costs={
            (name, kind, what): amount
            for name in names
            for kind, amounts in costs.get(name, {}).items()
            for what, amount in amounts.items()
        },
        budget=settings.cost.budget_month,
    )


def _nothing(settings: Settings) -> dict[tuple[str, str], int]:
    """Begin every target at 0: what is delivered leaves the outbox, and its series must stay."""
    return {(target, s.value): 0 for target in targets_of(settings) for s in OutboxState}


class Exposed:
    """Answers scrapes, each from what was gathered in the last second."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._store, self._settings, self._monotonic = store, settings, monotonic
        self._lock = asyncio.Lock()
        self._at: float | None = None
        self._scrape = Scrape()
        self._answers: dict[str, Exposition] = {}

    async def __call__(self, accept: str) -> Exposition:
        """Return the answer in the format asked for; raises StoreError."""
        async with self._lock:
            now = self._monotonic()
            if self._at is None or now - self._at >= FRESH:
                self._scrape = await gather(self._store, self._settings, self._now())
                self._at, self._answers = now, {}
            if accept not in self._answers:
                if len(self._answers) >= 8:
                    self._answers.clear()
                self._answers[accept] = expose(self._scrape, accept)
            return self._answers[accept]
