"""Every reading as points, written to the outbox of each target; sending them is `tell`'s."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from seatkeeper.core.changes import ChangeCounts, ChangeKind
from seatkeeper.core.cost import Amounts
from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import OutboxEntry, OutboxState
from seatkeeper.core.points import (
    Beside,
    Point,
    Users,
    active_on,
    points_of,
    pseudonym,
    release_points,
    user_points,
)
from seatkeeper.flow.ports import Observed
from seatkeeper.flow.telling_ports import Outbox, PointNews

OVERLAP = timedelta(hours=1)
"""Releases are told again this long: one may settle late, and twice does no harm."""

FIRST = timedelta(days=1)
"""So far back the first reading of a site tells releases."""

FAILED_FOR = timedelta(days=1)
"""So long a release that failed is counted."""

AT_ONCE = 2_000
"""Points of users in one transaction: a release of another site must not wait for all of them."""


@dataclass(frozen=True, slots=True)
class PointTarget:
    """Where points go: its name in the outbox, how points become entries, and what it asked for."""

    name: str
    encode: Callable[[Sequence[Point]], list[OutboxEntry]]
    user_tag: bool = False
    users: Users = Users.NONE


async def no_cost(_site: str) -> Amounts:
    """Know of no prices."""
    return {}


@dataclass(frozen=True, slots=True)
class PointKeeper:
    """Puts the points of every monitoring cycle into the outbox."""

    targets: Sequence[PointTarget]
    outbox: Outbox
    news: PointNews
    cost: Callable[[str], Awaitable[Amounts]] = no_cost
    budget: Decimal | None = None
    step: str = "points"

    async def follow(self, observed: Observed) -> None:
        """Put the points of a cycle, and of what was released since the last that could.

        Days are those of the reading, whose time every point carries: it may end on the next.
        """
        summary, taken_at = observed.summary, observed.snapshot.taken_at
        last = await self.news.told_until(summary.site)
        beside = await self._beside(observed, _since(last, observed.now))
        for target in self.targets:
            points = points_of(summary, beside, user_tag=target.user_tag)
            await self.outbox.put(target.name, target.encode(points))
        if last is None or _day(last) < _day(taken_at):
            await self._tell_users(observed)
        await self.news.note_told(summary.site, taken_at)

    async def released(self, site: str, now: datetime) -> None:
        """Put the points of what was released since the last reading: for a run without one."""
        since = _since(await self.news.told_until(site), now)
        releases = await self.news.released(site, since)
        for target in self.targets:
            points = release_points(site, releases, user_tag=target.user_tag)
            await self.outbox.put(target.name, target.encode(points))

    async def _tell_users(self, observed: Observed) -> None:
        """Put the points of users where they are asked for."""
        wanting = [target for target in self.targets if target.users is not Users.NONE]
        hidden = pseudonym(await self.news.key()) if wanting else str
        for target in wanting:
            name = hidden if target.users is Users.PSEUDONYMOUS else str
            points = user_points(observed.snapshot, observed.facts, observed.now, name)
            for start in range(0, len(points), AT_ONCE):
                some = target.encode(points[start : start + AT_ONCE])
                await self.outbox.put(target.name, some)

    async def _beside(self, observed: Observed, since: datetime) -> Beside:
        site, today = observed.summary.site, _day(observed.snapshot.taken_at)
        depth = await self.outbox.depth()
        return Beside(
            releases=await self.news.released(site, since),
            active_users=active_on(today, observed.snapshot, observed.facts),
            regrets=_regrets(observed.changes),
            cost={
                kind: {what: float(amount) for what, amount in amounts.items()}
                for kind, amounts in (await self.cost(site)).items()
            },
            budget=None if self.budget is None else float(self.budget),
            failed_cycles=await self.news.failed_cycles(site, observed.now),
            outbox=_of_state(depth, OutboxState.WAITING),
            set_aside=_of_state(depth, OutboxState.SET_ASIDE),
            dropped=await self.news.dropped(),
            failed_releases=await self.news.failed_releases(site, observed.now - FAILED_FOR),
        )


def _of_state(depth: Mapping[tuple[str, OutboxState], int], state: OutboxState) -> int:
    return sum(rows for (_, its), rows in depth.items() if its is state)


def _regrets(changes: ChangeCounts | None) -> dict[LicenseType, int]:
    """Count the seats that came back after a release; nothing is known before two readings."""
    if changes is None:
        return {}
    counts = dict.fromkeys(LicenseType, 0)
    for (kind, _by, license_type), number in changes.items():
        if kind is ChangeKind.CAME_BACK:
            counts[license_type] += number
    return counts


def _since(last: datetime | None, now: datetime) -> datetime:
    return now - FIRST if last is None else min(last, now) - OVERLAP


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
