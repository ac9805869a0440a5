"""How long each kind of history is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

SAFE = timedelta(days=1)
"""What waits in the outbox for less is never dropped, however much there is."""

FIVE_YEARS = timedelta(days=1830)
"""Five years and some days, so that the same day five years ago can be looked at."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long single readings are kept, and how long what is kept by day.

    `daily`: pools, capacity minutes and activity by day, changes of seats and of the license.
    `outbox`: what was not delivered; of each target `outbox_rows` at most, and all of a day.
    """

    raw: timedelta = timedelta(days=90)
    daily: timedelta = FIVE_YEARS
    outbox: timedelta = timedelta(days=30)
    outbox_rows: int = 300_000


@dataclass(slots=True)
class Pruned:
    """How many rows of each kind were too old; `left` when there is more than one turn takes."""

    rows: dict[str, int] = field(default_factory=dict)
    left: bool = False

    @property
    def total(self) -> int:
        """All rows together."""
        return sum(self.rows.values())
