"""The second look: a batch as it is now, seconds before its seats are released.

Own rows and own users are read by id. Activity on every other seat of these people is read as
"whatever was used since the plan": one request a type however large the batch, and it also
catches a person who returned under another spelling of the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seatkeeper.core.facts import Facts, Sources
from seatkeeper.core.model import Allocation, LicenseType, Overview, UsageState, person_key
from seatkeeper.core.plan import Action, Plan
from seatkeeper.core.policy import Policy
from seatkeeper.core.rules import Verdict, judge
from seatkeeper.errors import IncompleteRead
from seatkeeper.flow.context import Site
from seatkeeper.flow.ports import LicenseReader
from seatkeeper.flow.recover import read_rows
from seatkeeper.flow.together import together

MARGIN = timedelta(minutes=15)
"""How far before the last look activity is asked for: clocks differ, writes come late."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a batch looks like now: its rows (what is gone is missing) and their verdicts."""

    at: datetime
    rows: dict[str, Allocation]
    verdicts: dict[str, Verdict]


@dataclass(slots=True)
class SecondLook:
    """Reads batches of one plan again; remembers activity between batches."""

    site: Site
    partners: tuple[Site, ...]
    plan: Plan
    overview: Overview
    usage_expected: bool
    _since: datetime = field(init=False)
    _active: dict[str, datetime] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Start from when the plan was made, and from what was known then."""
        self._since = self.plan.created_at - MARGIN
        for action in (*self.plan.actions, *self.plan.deferred):
            if action.last_used is not None:
                self._remember(person_key(action.user), action.last_used)

    async def look(self, batch: Sequence[Action], policy: Policy, now: datetime) -> Look:
        """Read a batch afresh and judge it by the rules of `policy` at `now`.

        Raises QrsError or IncompleteRead when something cannot be read: then nobody may act.
        """
        wanted = [(a.license_type, a.allocation_id) for a in batch]
        users, rows, *_ = await together(
            self.site.reader.users_by_id(sorted({a.user_id for a in batch})),
            read_rows(self.site.reader, wanted),
            self._look_for_activity(),
            self._look_at_usage(batch),
        )
        facts = Facts(Sources(users, tuple(rows.values()), (self._active,)), policy, now)
        self._since = now - MARGIN
        return Look(now, rows, {i: judge(row, facts, policy, now) for i, row in rows.items()})

    def _earliest(self, site: Site) -> datetime:
        """From when on activity is asked for, by that site's clock."""
        return self._since - abs(site.reader.skew or timedelta(0))

    async def _look_for_activity(self) -> None:
        await together(
            *(
                self._activity(site.reader, license_type, self._earliest(site))
                for site in (self.site, *self.partners)
                for license_type in LicenseType
            )
        )

    async def _activity(
        self, reader: LicenseReader, license_type: LicenseType, since: datetime
    ) -> None:
        for seat in await reader.active_since(license_type, since):
            if seat.last_used is not None and seat.holder:
                self._remember(person_key(seat.holder), seat.last_used)

    async def _look_at_usage(self, batch: Sequence[Action]) -> None:
        if not self.usage_expected:
            return
        seats = [_as_row(action) for action in batch]
        witness = await self.site.reader.witness(
            {}, seats, self.overview, since=self._earliest(self.site)
        )
        if witness.state is UsageState.UNREADABLE:
            raise IncompleteRead("the usage rows, a second witness of activity, cannot be read")
        for key, at in witness.by_person.items():
            self._remember(key, at)

    def _remember(self, key: str, at: datetime) -> None:
        known = self._active.get(key)
        if known is None or known < at:
            self._active[key] = at


def _as_row(action: Action) -> Allocation:
    """Name the holder of a planned seat, for usage rows that tell only the seat."""
    return Allocation(
        id=action.allocation_id,
        license_type=action.license_type,
        user_id=action.user_id,
        holder=action.user,
        created=action.created,
        last_used=action.seat_last_used,
    )
