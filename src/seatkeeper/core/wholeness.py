"""Whether a site was read whole, as far as that can be told: its counts, its clock.

A QRS user who lost rights is not refused: lists and counts shrink together, and only the overview
and what was there before can tell. Looks at a few small values that outlive a snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from seatkeeper.core.model import LicenseType, Overview, Pool, Snapshot
from seatkeeper.core.plan import Limit, Violation
from seatkeeper.core.policy import Policy

ROWS_MAY_DIFFER = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """What tells of one reading whether it was whole."""

    rows: Mapping[LicenseType, int]
    overview: Overview
    skew: timedelta | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> Reading:
        """Keep of a snapshot what tells."""
        rows = Counter(seat.license_type for seat in snapshot.allocations)
        return cls(rows, snapshot.overview, snapshot.skew)


def missing_rows(reading: Reading, policy: Policy) -> Iterable[Violation]:
    """Compare the rows of each type with the site's overview (design rule 15)."""
    for license_type in LicenseType:
        rows = reading.rows.get(license_type, 0)
        pool = reading.overview.pool(license_type)
        if pool is not None and pool.enabled:
            yield from _short_of(pool, rows, policy.limits.incomplete)
        elif rows and policy.of(license_type).enabled:
            yield _not_comparable(license_type, rows)


def _short_of(pool: Pool, rows: int, allowed: float) -> Iterable[Violation]:
    expected = _least_rows(pool)
    missing = expected - rows
    if missing > ROWS_MAY_DIFFER and missing / expected > allowed:
        yield Violation(
            limit=Limit.INCOMPLETE,
            license_type=pool.license_type,
            value=round(missing / expected, 4),
            allowed=allowed,
            message=f"the site counts {expected} {pool.license_type.value} seats but listed {rows}",
            way_out="check the rights of the QRS user: it must be allowed to read every seat",
        )


def _least_rows(pool: Pool) -> int:
    """Rows that must at least exist, whatever `allocated` includes (QRS contract 2.3).

    Quarantined and excess seats are rows too, so every reading of `allocated` is met by as many
    rows; a reading that counts neither asks for the fewest.
    """
    return pool.allocated


def _not_comparable(license_type: LicenseType, rows: int) -> Violation:
    """Say that there are seats and no count of them: nobody knows how many were not listed."""
    name = license_type.value
    return Violation(
        limit=Limit.INCOMPLETE,
        license_type=license_type,
        message=f"the site listed {rows} {name} seats, but its overview counts none of this type: "
        "nothing tells whether the list is whole",
        way_out="check the rights of the QRS user and the license of the site; if it has no such "
        f"seats any more, set policy.{name}.enabled to false",
    )


def clock_skew(reading: Reading, policy: Policy) -> Iterable[Violation]:
    """Compare the site's clock with ours (design rule 16)."""
    skew, allowed = reading.skew, policy.limits.clock_skew
    if skew is not None and abs(skew) > allowed:
        yield Violation(
            limit=Limit.CLOCK_SKEW,
            value=round(abs(skew).total_seconds(), 1),
            allowed=allowed.total_seconds(),
            message=f"the site's clock is {abs(skew).total_seconds():.0f} s "
            f"{'ahead of' if skew > timedelta(0) else 'behind'} ours, above clock_skew "
            f"{allowed.total_seconds():.0f} s",
            way_out="synchronise both clocks (NTP)",
        )
