"""What is known when alerts are judged: the newest reading of a site, and what the store tells.

No person is named here; of people there are only counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from seatkeeper.core.model import LicenseType
from seatkeeper.core.outbox import Loss
from seatkeeper.core.summary import Summary


@dataclass(frozen=True, slots=True)
class DayOfPool:
    """What a pool had free at the end of a day (UTC)."""

    day: date
    total: int
    available: int


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """How the monitoring of a site goes.

    `last_good` is the newest whole reading, None before the first. `failures` cycles failed since,
    the first at `failing_since`, the newest with `error`. `due` is when the daemon should read it
    next (None: it is nobody's job), `period` how long two readings are apart.
    """

    last_good: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""
    due: datetime | None = None
    period: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """How releasing went within the windows that the rules ask for.

    `failed` releases of the site were refused or have no clear outcome; `churners` are people
    released too often.
    """

    failed: int = 0
    churners: int = 0


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What the store knows of a site."""

    days: Mapping[LicenseType, tuple[DayOfPool, ...]] = field(default_factory=dict)
    cycles: CycleFacts = CycleFacts()
    releases: ReleaseFacts = ReleaseFacts()


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one target of the outbox.

    `oldest` is since when the first row waits, `refused_at` when a row was last set aside because
    the target refused it for good. `loss` is what was ever dropped of it.
    """

    target: str
    rows: int = 0
    oldest: datetime | None = None
    error: str = ""
    refused_at: datetime | None = None
    loss: Loss | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that is used to reach a site, and when it ends.

    `name` says what it is for, too: both files of a site may be called the same.
    """

    name: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class Spend:
    """What the seats of all sites cost a month by their newest readings, and what they may cost."""

    spend: Decimal
    budget: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything the rules look at, of one site (`site` empty: of Seatkeeper as a whole).

    `summary` is None when the site could not be read now: rules that need it are not asked.
    `targets` are those of the outbox that the configuration names, None where nobody can tell.
    """

    site: str
    now: datetime
    summary: Summary | None = None
    facts: SiteFacts = SiteFacts()
    queues: tuple[Queue, ...] = ()
    targets: frozenset[str] | None = None
    certificates: tuple[Certificate, ...] = ()
    spend: Spend | None = None
    """Of all sites, so it is known where `site` is empty."""


@dataclass(frozen=True, slots=True)
class Windows:
    """How far back the store has to look, as the rules in use want it."""

    trend_days: int = 28
    failures: timedelta = timedelta(hours=24)
    churn: timedelta = timedelta(days=90)
    churn_times: int = 2
