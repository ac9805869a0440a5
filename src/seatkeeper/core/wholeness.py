"""Whether a site was read whole, as far as that can be told: its counts, usage rows, clock.

A QRS user who lost rights is not refused: lists and counts shrink together, and only the overview
and what was there before can tell. Looks at a few small values that outlive a snapshot, so that
the sites that share a license are held against the same limits as the planned one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from seatkeeper.core.model import LicenseType, Overview, Pool, Snapshot, UsageList, UsageState
from seatkeeper.core.plan import Limit, Notice, Violation
from seatkeeper.core.policy import Mode, Policy
from seatkeeper.core.rules import AHEAD

ROWS_MAY_DIFFER = 2

USAGE_REACHES = timedelta(days=28)
"""Usage rows reach back about four weeks (QRS contract 4.1)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What tells of one reading whether it was whole."""

    rows: Mapping[LicenseType, int]
    used: frozenset[LicenseType]
    """Types of which a seat was used so recently that its usage row must still be there."""
    overview: Overview
    skew: timedelta | None
    usage: Mapping[UsageList, UsageState]
    usage_before: frozenset[UsageList]
    """Lists of usage rows that held some at an earlier reading."""
    partner: str = ""
    """The name of a site that shares the license; empty for the planned site itself."""

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        usage_before: Collection[UsageList],
        now: datetime,
        *,
        is_partner: bool = False,
    ) -> Reading:
        """Keep of a snapshot what tells."""
        rows = Counter(seat.license_type for seat in snapshot.allocations)
        since, until = now - USAGE_REACHES, now + AHEAD
        used = {
            seat.license_type
            for seat in snapshot.allocations
            if seat.last_used is not None and since < seat.last_used <= until
        }
        return cls(
            rows=rows,
            used=frozenset(used),
            overview=snapshot.overview,
            skew=snapshot.skew,
            usage=snapshot.witness.lists,
            usage_before=frozenset(usage_before),
            partner=snapshot.site if is_partner else "",
        )

    @property
    def who(self) -> str:
        """The site, as the subject of a sentence."""
        return f"site {self.partner}, which shares the license," if self.partner else "the site"

    @property
    def account(self) -> str:
        """Whose rights are to be looked at."""
        return f"the QRS user on {self.partner}" if self.partner else "the QRS user"

    def gone(self, state: UsageState) -> list[UsageList]:
        """Return the lists of usage rows that were there before and of which now this came.

        An empty list is gone only where the seats themselves tell that it cannot be empty.
        """
        found = [u for u in UsageList if u in self.usage_before and self.usage.get(u) is state]
        if state is UsageState.EMPTY:
            return [u for u in found if u.license_type in self.used]
        return found


def missing_rows(reading: Reading, policy: Policy) -> Iterable[Violation]:
    """Compare the rows of each type with the site's overview (design rule 15)."""
    for license_type in LicenseType:
        rows = reading.rows.get(license_type, 0)
        pool = reading.overview.pool(license_type)
        if pool is not None and pool.enabled:
            yield from _short_of(pool, reading, policy.limits.incomplete)
        elif rows and policy.of(license_type).enabled:
            yield _not_comparable(license_type, reading)


def _short_of(pool: Pool, reading: Reading, allowed: float) -> Iterable[Violation]:
    rows, expected = reading.rows.get(pool.license_type, 0), _least_rows(pool)
    missing = expected - rows
    if missing > ROWS_MAY_DIFFER and missing / expected > allowed:
        yield Violation(
            limit=Limit.INCOMPLETE,
            license_type=pool.license_type,
            value=round(missing / expected, 4),
            allowed=allowed,
            message=f"{reading.who} counts {expected} {pool.license_type.value} seats but listed "
            f"{rows}",
            way_out=f"check the rights of {reading.account}: it must be allowed to read every seat",
        )


def _least_rows(pool: Pool) -> int:
    """Rows that must at least exist, whatever `allocated` includes (QRS contract 2.3).

    Quarantined and excess seats are rows too, so every reading of `allocated` is met by as many
    rows; a reading that counts neither asks for the fewest.
    """
    return pool.allocated


def _not_comparable(license_type: LicenseType, reading: Reading) -> Violation:
    """Say that there are seats and no count of them: nobody knows how many were not listed."""
    name, rows = license_type.value, reading.rows[license_type]
    return Violation(
        limit=Limit.INCOMPLETE,
        license_type=license_type,
        message=f"{reading.who} listed {rows} {name} seats, but its overview counts none of this "
        "type: nothing tells whether the list is whole",
        way_out=f"check the rights of {reading.account} and the license of the site; if it has no "
        f"such seats any more, set policy.{name}.enabled to false",
    )


_GONE = {
    UsageState.UNREADABLE: "could not be read this time",
    UsageState.NOT_GIVEN: "are refused now",
    UsageState.EMPTY: "are gone now, although such seats were used within "
    f"{USAGE_REACHES.days} days",
}


def _said(reading: Reading, lists: Iterable[UsageList], state: UsageState) -> str:
    whose = " and of ".join(u.words for u in lists)
    where = f" on site {reading.partner}, which shares the license" if reading.partner else ""
    return (
        f"the usage rows of {whose}{where}, read before as a second witness of activity, "
        f"{_GONE[state]}"
    )


def witness_gone(reading: Reading, policy: Policy) -> Iterable[Violation]:
    """A witness that was there must not vanish unseen: what it knew, nobody knows now.

    In `auto` a clear no, or an emptiness that cannot be (the rights were taken away), blocks too;
    elsewhere a person decides.
    """
    if lists := reading.gone(UsageState.UNREADABLE):
        yield Violation(
            limit=Limit.INCOMPLETE,
            message=_said(reading, lists, UsageState.UNREADABLE),
            way_out="look at the site's health; the next reading may succeed",
        )
    if policy.mode is not Mode.AUTO:
        return
    for state in (UsageState.NOT_GIVEN, UsageState.EMPTY):
        if lists := reading.gone(state):
            yield Violation(
                limit=Limit.INCOMPLETE,
                message=_said(reading, lists, state),
                way_out=f"look at the rights of {reading.account}: it must be allowed to read "
                "usage rows",
            )


def doubts(reading: Reading) -> Iterable[Notice]:
    """Say what is not whole and does not always block."""
    if reading.skew is None:
        said = f"{reading.who} sent no date: its clock was not compared"
        yield Notice(code="no_clock", message=said)
    if UsageState.UNREADABLE in reading.usage.values():
        where = f" on {reading.partner}" if reading.partner else ""
        yield Notice(code="usage_unreadable", message=f"the usage rows{where} could not be read")
    for state, code in (
        (UsageState.NOT_GIVEN, "usage_refused"),
        (UsageState.EMPTY, "usage_empty"),
    ):
        if lists := reading.gone(state):
            yield Notice(code=code, message=_said(reading, lists, state))


def clock_skew(reading: Reading, policy: Policy) -> Iterable[Violation]:
    """Compare the site's clock with ours (design rule 16)."""
    skew, allowed = reading.skew, policy.limits.clock_skew
    whose = f"the clock of {reading.who}" if reading.partner else "the site's clock"
    if skew is not None and abs(skew) > allowed:
        yield Violation(
            limit=Limit.CLOCK_SKEW,
            value=round(abs(skew).total_seconds(), 1),
            allowed=allowed.total_seconds(),
            message=f"{whose} is {abs(skew).total_seconds():.0f} s "
            f"{'ahead of' if skew > timedelta(0) else 'behind'} ours, above clock_skew "
            f"{allowed.total_seconds():.0f} s",
            way_out="synchronise both clocks (NTP)",
        )
