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
from seatkeeper.core.model import Allocation, LicenseType, Overview, UsageState, User, person_key
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.plan import Action, Plan
from seatkeeper.core.readback import Told
from seatkeeper.core.rules import Verdict, judge
from seatkeeper.errors import IncompleteRead
from seatkeeper.flow.context import Site
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

    def change(self, action: Action, plan: Plan) -> Told | None:
        """Tell what differs from the plan, None when the seat may still go.

        Whoever was active after the plan was made keeps the seat, however old the plan is.
        """
        row = self.rows.get(action.allocation_id)
        verdict = self.verdicts.get(action.allocation_id)
        if row is None or verdict is None:
            return Told(Outcome.ALREADY_GONE, "the seat no longer exists")
        if row.user_id != action.user_id:
            return Told(Outcome.CHANGED, "the seat belongs to somebody else now")
        if not verdict.releases:
            note = f" ({verdict.note})" if verdict.note else ""
            return Told(
                Outcome.CHANGED, f"now {verdict.reason.value}: {verdict.reason.words}{note}"
            )
        if row.last_used != action.seat_last_used:
            return Told(Outcome.CHANGED, "its last use is not the one that was judged")
        if verdict.last_activity is not None and verdict.last_activity > plan.created_at - MARGIN:
            return Told(Outcome.CHANGED, "the person was active after the plan was made")
        return None


@dataclass(slots=True)
class SecondLook:
    """Reads batches of one plan again; remembers activity between batches."""

    site: Site
    partners: tuple[Site, ...]
    plan: Plan
    usage_expected: bool
    _overviews: dict[str, Overview]
    _since: datetime = field(init=False)
    _active: dict[str, datetime] = field(init=False, default_factory=dict)
    _returned: dict[str, datetime] = field(init=False, default_factory=dict)
    """Activity by QRS id on the own site, of the people in the plan: their name may change."""
    _unclear: set[str] = field(init=False, default_factory=set)
    """People (by name, and by QRS id) with a seat whose last use could not be understood."""

    def __post_init__(self) -> None:
        """Start from when the plan was made, and from what was known then."""
        self._since = self.plan.created_at - MARGIN
        for action in (*self.plan.actions, *self.plan.deferred):
            if action.last_used is not None:
                _remember(self._active, person_key(action.user), action.last_used)

    @classmethod
    async def begin(
        cls, site: Site, partners: Sequence[Site], plan: Plan, *, usage_expected: bool
    ) -> SecondLook:
        """Learn which lists these sites have; raises QrsError.

        `usage_expected`: the own site gave usage rows before, so they have to be there.
        """
        sites = (site, *partners)
        overviews = await together(*(s.reader.overview() for s in sites))
        by_name = {s.name: o for s, o in zip(sites, overviews, strict=True)}
        return cls(site, tuple(partners), plan, usage_expected, by_name)

    async def look(self, batch: Sequence[Action], now: datetime) -> Look:
        """Read a batch afresh and judge it by the same rules at `now`.

        Raises QrsError or IncompleteRead when something cannot be read: then nobody may act.
        """
        wanted = [(a.license_type, a.allocation_id) for a in batch]
        users, rows, *_ = await together(
            self.site.reader.users_by_id(sorted({a.user_id for a in batch})),
            read_rows(self.site.reader, wanted),
            *(self._used(site, t) for site in (self.site, *self.partners) for t in LicenseType),
            self._look_beside(self.site, batch, needed=self.usage_expected),
            *(self._look_beside(partner, (), needed=False) for partner in self.partners),
        )
        policy = self.site.policy
        sources = Sources(
            users, tuple(rows.values()), self._elsewhere(users), self._unclear_people(users)
        )
        facts = Facts(sources, policy, now)
        self._since = now - MARGIN
        return Look(now, rows, {i: judge(row, facts, policy, now) for i, row in rows.items()})

    def _elsewhere(self, users: dict[str, User]) -> tuple[dict[str, datetime], ...]:
        """Activity by name, and by QRS id under the name the person has now."""
        by_id: dict[str, datetime] = {}
        for user in users.values():
            if (at := self._returned.get(user.id)) is not None:
                _remember(by_id, user.key, at)
        return self._active, by_id

    def _unclear_people(self, users: dict[str, User]) -> frozenset[str]:
        """Whoever is in doubt, by the name of the row and the name the person has now."""
        now = {user.key for user in users.values() if user.id in self._unclear}
        return frozenset(self._unclear | now)

    def _earliest(self, site: Site) -> datetime:
        """From when on activity is asked for, by that site's clock."""
        return self._since - abs(site.reader.skew or timedelta(0))

    async def _used(self, site: Site, license_type: LicenseType) -> None:
        """Remember who used a seat of this type since the last look, or may have used it."""
        for seat in await site.reader.active_since(license_type, self._earliest(site)):
            user_id = seat.user_id if site is self.site else None
            if seat.is_use_unclear:
                self._unclear.update({person_key(seat.holder), user_id or ""} - {""})
            if seat.last_used is None:
                continue
            if seat.holder:
                _remember(self._active, person_key(seat.holder), seat.last_used)
            if user_id is not None:
                _remember(self._returned, user_id, seat.last_used)

    async def _look_beside(self, site: Site, batch: Sequence[Action], *, needed: bool) -> None:
        """Remember activity that usage rows and token seats tell; the latter are seats too."""
        overview = self._overviews[site.name]
        if not (needed or overview.tokens_enabled):
            return
        seats = [_as_row(action) for action in batch]
        witness = await site.reader.witness({}, seats, overview, since=self._earliest(site))
        if witness.state is UsageState.UNREADABLE:
            raise IncompleteRead(
                f"the usage rows of {site.name}, a second witness of activity, cannot be read"
            )
        refused = witness.which(UsageState.NOT_GIVEN)
        if needed and (gone := refused.intersection(self.plan.usage_lists)):
            whose = " and of ".join(u.words for u in sorted(gone))
            raise IncompleteRead(
                f"the usage rows of {whose} on {site.name}, a second witness of activity, are "
                "refused since the plan was made; look at the rights of the QRS user"
            )
        for key, at in witness.by_person.items():
            _remember(self._active, key, at)


def _remember(latest: dict[str, datetime], key: str, at: datetime) -> None:
    known = latest.get(key)
    if known is None or known < at:
        latest[key] = at


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
