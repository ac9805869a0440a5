"""Check the connections of a running daemon once a day and when somebody asks; keep what is found.

Reads and releases nothing, so it needs no lease: a request is taken by one process alone, and two
daemons that check the same site at the same time harm nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from seatkeeper.config import Loaded
from seatkeeper.core.findings import Area, Checked, State, counts, failed
from seatkeeper.core.request import Request, RequestKind
from seatkeeper.errors import Interrupted, SeatkeeperError, StoreError
from seatkeeper.flow.ports import Clock
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.store import Store
from seatkeeper.wiring import checks
from seatkeeper.wiring.checking import outward_findings, store_side_findings
from seatkeeper.wiring.readers import OpenSite

LOOK = 2.0
"""Seconds between two looks for somebody who asks."""

SETTLED = timedelta(minutes=1)
"""After a start the first readings come first."""

DAY = timedelta(days=1)

BY_ITSELF = "the schedule"


@dataclass(slots=True)
class Checking:
    """Checks the sites of one daemon; those with `large` users or more are not read whole."""

    store: Store
    loaded: Loaded
    opened: Mapping[str, OpenSite]
    clock: Clock
    log: FilteringBoundLogger
    large: int
    wait: float = LOOK
    _began: datetime | None = None
    _failing: bool = False

    async def work(self, stop: asyncio.Event) -> None:
        """Look for what is to be checked until asked to stop."""
        while not stop.is_set():
            with contextlib.suppress(Interrupted):
                await self.look(stop)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.wait)

    async def look(self, stop: asyncio.Event) -> None:
        """Check what is due or asked for; a store that fails is told once."""
        now = self.clock.now()
        self._began = self._began or now
        try:
            asked = await self._asked(now)
            due = await self._due(now) if now - self._began >= SETTLED else ()
            if asked or due:
                await self._check(asked, due, stop)
            self._failing = False
        except StoreError as error:
            self._store_failed(error)

    def _store_failed(self, error: StoreError) -> None:
        if not self._failing:
            self.log.error("check.store_failed", error=str(error))
        self._failing = True

    async def _asked(self, now: datetime) -> list[Request]:
        taken = []
        for request in await self.store.requests.waiting(RequestKind.CHECK):
            is_old = now - request.asked_at > DAY
            is_ours = is_old or request.site in self.opened
            if is_ours and await self.store.requests.take(request.id, now):
                if is_old:
                    late = {"error": "no daemon worked for the site within a day; ask again"}
                    await self._finish(request, late, ok=False)
                else:
                    taken.append(request)
        return taken

    async def _due(self, now: datetime) -> Sequence[str]:
        kept = await self.store.connections.all()

        def is_due(site: str) -> bool:
            last = kept.get(site)
            return last is None or not timedelta(0) <= now - last.at < DAY

        return [site for site in self.opened if is_due(site)]

    async def _check(
        self, asked: Sequence[Request], due: Sequence[str], stop: asyncio.Event
    ) -> None:
        left = {request.id: request for request in asked}
        try:
            by = asked[0].actor.by if asked else BY_ITSELF
            await until_stopped(self._general(by), stop)
            for request in asked:
                said = await until_stopped(self._site(request.site, request.actor.by), stop)
                await self._finish(request, {"said": said})
                del left[request.id]
            for site in set(due) - {request.site for request in asked}:
                await until_stopped(self._site(site, BY_ITSELF), stop)
        except Interrupted:
            for request in left.values():
                gone = {"error": "the daemon ended before it was done; ask again"}
                await self._finish(request, gone, ok=False)
            raise

    async def _finish(
        self, request: Request, result: Mapping[str, str], *, ok: bool = True
    ) -> None:
        await self.store.requests.finish(request.id, result, self.clock.now(), ok=ok)

    async def _general(self, by: str) -> None:
        now = self.clock.now()
        found = [
            *checks.configuration_findings(self.loaded),
            *await store_side_findings(self.store, self.loaded, now),
            *await outward_findings(self.loaded),
        ]
        await self.store.connections.keep(Checked("", now, by, tuple(found)))

    async def _site(self, name: str, by: str) -> str:
        """Check a site, keep what is found, and say it in a few words."""
        one, now = self.opened[name], self.clock.now()
        known = await checks.known_of(self.store)
        try:
            await one.client.refresh()
            found = tuple(
                (await checks.check_site(one, self.loaded, (), known, now, large=self.large)).own
            )
        except StoreError:
            raise
        except SeatkeeperError as error:
            cure = "see the log, then run: seatkeeper check"
            found = (failed(Area.CONNECTION, str(error), cure),)
        await self.store.connections.keep(Checked(name, now, by, found))
        numbers = counts(found)
        self.log.info("check.done", site=name, by=by, **numbers)
        return ", ".join(f"{numbers[state]} {state.value}" for state in State)
