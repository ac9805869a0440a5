"""What people wait for: plans they approved, and requests from console and commands.

They are picked up at the next look, whatever else runs; only a release that somebody wished
before the daemon started (or slept) waits START_WAIT, for nothing is released at a start.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from structlog.typing import FilteringBoundLogger

from seatkeeper.core.request import WhatToUndo
from seatkeeper.engine.jobs import JobKind
from seatkeeper.engine.state import EngineState
from seatkeeper.engine.timing import RETRIES, START_WAIT
from seatkeeper.store import Request, RequestKind, Store

ABANDONED = timedelta(days=1)
"""A request taken so long ago, or that no daemon wanted for so long, has failed."""

SWEEP = timedelta(minutes=1)
"""How often abandoned requests are looked for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One job that a person waits for: a request, or else an approved plan of the site."""

    site: str
    kind: JobKind
    request: Request | None = None
    undo: WhatToUndo | None = None
    plan_id: str = ""


@dataclass(slots=True)
class Wishes:
    """The wishes of one store, as far as they are about these sites."""

    store: Store
    sites: Collection[str]
    log: FilteringBoundLogger
    state: EngineState
    _tried: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """How often a plan was tried, and when next (a pause, a limit, the site is down)."""
    _swept: datetime | None = None

    async def now_due(self, awake: datetime, now: datetime) -> list[Wish]:
        """Return what is to be done now: seats to give back first, then in the order of asking.

        `awake` is since when this engine looks without a longer break.
        """
        await self._sweep(now)
        requests = await self._requests(awake, now)
        plans = await self._plans(awake, now)
        undos = [wish for wish in requests if wish.kind is JobKind.UNDO]
        return undos + plans + [wish for wish in requests if wish.kind is not JobKind.UNDO]

    def tried(self, wish: Wish, now: datetime) -> None:
        """Remember that a plan is being tried: if it is not applied, not again at once."""
        if wish.plan_id:
            times = self._tried.get(wish.plan_id, (0, now))[0]
            self._tried[wish.plan_id] = (times + 1, now + RETRIES[min(times + 1, len(RETRIES) - 1)])

    async def _plans(self, awake: datetime, now: datetime) -> list[Wish]:
        waiting = [p for p in await self.store.plans.waiting(now) if p.site in self.sites]
        known = {plan.plan_id for plan in waiting}
        self._tried = {i: tried for i, tried in self._tried.items() if i in known}
        for site in {s for s, kind in self.state.jobs if kind == JobKind.APPLY}:
            if site not in {plan.site for plan in waiting}:
                self.state.is_moot(site, JobKind.APPLY)
        if self.state.frozen_by:
            return []
        return [
            Wish(plan.site, JobKind.APPLY, plan_id=plan.plan_id)
            for plan in waiting
            if not _is_early(plan.approved_at, awake, now)
            and self._tried.get(plan.plan_id, (0, now))[1] <= now
        ]

    async def _requests(self, awake: datetime, now: datetime) -> list[Wish]:
        wishes = []
        queue = self.store.requests
        undos = await queue.waiting(RequestKind.UNDO)
        for request in undos + await queue.waiting(RequestKind.RUN):
            if request.site not in self.sites:
                await self._not_ours(request, now)
            elif now - request.asked_at > ABANDONED:
                await self._refuse(request, "no daemon ran within a day; ask again", now)
            elif request.kind is RequestKind.UNDO:
                if (what := await self._what_to_undo(request, now)) is not None:
                    wishes.append(Wish(request.site, JobKind.UNDO, request, what))
            elif not _is_early(request.asked_at, awake, now):
                wishes.append(Wish(request.site, JobKind.RELEASE, request))
        return wishes

    async def _what_to_undo(self, request: Request, now: datetime) -> WhatToUndo | None:
        try:
            return msgspec.convert(dict(request.payload), WhatToUndo)
        except msgspec.ValidationError as error:
            await self._refuse(request, f"the request cannot be understood: {error}", now)
            return None

    async def _not_ours(self, request: Request, now: datetime) -> None:
        """Leave it to another daemon of this store, but not for ever."""
        if not request.site:
            await self._refuse(request, "the request names no site", now)
        elif now - request.asked_at > ABANDONED:
            await self._refuse(request, f"no daemon works for site {request.site}", now)

    async def _refuse(self, request: Request, why: str, now: datetime) -> None:
        if await self.store.requests.take(request.id, now):
            await self.store.requests.finish(request.id, {"error": why}, now, ok=False)
            self.log.warning("request.refused", request=request.id, site=request.site, error=why)

    async def _sweep(self, now: datetime) -> None:
        if self._swept is None or not timedelta(0) <= now - self._swept < SWEEP:
            self._swept = now
            if failed := await self.store.requests.fail_abandoned(now - ABANDONED, now):
                self.log.warning("request.abandoned", requests=failed)


def _is_early(wished: datetime, awake: datetime, now: datetime) -> bool:
    return wished < awake and now < awake + START_WAIT
