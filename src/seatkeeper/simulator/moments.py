"""Moments of the simulated site: whole milliseconds since 1970 in UTC, and their QRS texts.

Integers keep 200,000 rows small and quick to compare. NEVER is the old SQL Server minimum that QRS
writes for "no date". The site's clock may go ahead of or behind the machine's, and faster.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = re.compile(r"^(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)$")
_TEXT = re.compile(
    r"^(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,7}))?)?)?"
    r"\s*(Z|[+-]\d\d:\d\d)?$",
    re.IGNORECASE,
)

FASTEST = 10_000_000
"""Seconds of the site in one of the machine."""


def to_ms(moment: datetime) -> int:
    """Turn an aware datetime into milliseconds; a naive one is a ValueError."""
    if moment.tzinfo is None:
        msg = "a moment of the simulated site needs a time zone"
        raise ValueError(msg)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(ms: int) -> datetime:
    """Turn milliseconds into an aware UTC datetime."""
    return _EPOCH + timedelta(milliseconds=ms)


NEVER = to_ms(datetime(1753, 1, 1, tzinfo=UTC))
NEVER_TEXT = "1753-01-01T00:00:00.000Z"


@lru_cache(maxsize=8192)
def _day_text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%dT")


def iso(ms: int) -> str:
    """Write milliseconds as QRS does: UTC, three decimals, `Z`."""
    if ms <= NEVER:
        return NEVER_TEXT
    day, rest = divmod(ms, DAY)
    minutes, rest = divmod(rest, MINUTE)
    return (
        f"{_day_text(day)}{minutes // 60:02}:{minutes % 60:02}"
        f":{rest // SECOND:02}.{rest % SECOND:03}Z"
    )


def parse_ms(text: str, zone_minutes: int = 0) -> int:
    """Read an ISO date or one of the forms clients send (`2026-01-01 00:00:00`, `2026/01/01`).

    A text without a zone counts in the zone `zone_minutes` east of UTC. Anything else is a
    ValueError.
    """
    found = _TEXT.match(text.strip())
    if found is None:
        msg = f"not a date: {text[:40]!r}"
        raise ValueError(msg)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    moment = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
        tzinfo=UTC,
    )  # fmt: skip
    ms = to_ms(moment) + int(((fraction or "") + "000")[:3])
    if zone is None:
        return ms - zone_minutes * MINUTE
    return ms - zone_offset(zone) * MINUTE


def zone_offset(text: str) -> int:
    """Read `Z` or `+01:00` as minutes east of UTC; anything else is a ValueError."""
    if text.upper() == "Z":
        return 0
    found = _ZONE.match(text)
    if found is None:
        msg = f"not a zone such as +01:00: {text[:20]!r}"
        raise ValueError(msg)
    minutes = int(found["hours"]) * 60 + int(found["minutes"])
    return -minutes if found["sign"] == "-" else minutes


def http_date(ms: int) -> str:
    """Write milliseconds as the value of a Date header."""
    return formatdate(ms // SECOND, usegmt=True)


class SiteClock:
    """The site's clock: it shows a moment and runs on from there, at a speed of its own.

    A fast clock that lies behind the machine's runs until it has caught up and goes on with it.
    At speed 0 it stands until somebody sets it.
    """

    def __init__(self, offset: int = 0) -> None:
        self._since = _machine()
        self._shown = self._since + offset
        self.speed: float = 1

    @classmethod
    def showing(cls, moment: int) -> SiteClock:
        """Make a clock that shows `moment` now and runs on from there."""
        return cls(moment - _machine())

    @property
    def offset(self) -> int:
        """How far it is ahead of the machine's clock now."""
        return self.now() - _machine()

    def now(self) -> int:
        """Tell the site's time in milliseconds."""
        machine = _machine()
        if self.speed == 1:
            return self._shown + machine - self._since
        shown = self._shown + int((machine - self._since) * self.speed)
        if self.speed < 1 or self._shown >= self._since or shown < machine:
            return shown
        self._since, self._shown, self.speed = machine, machine, 1
        return machine

    @staticmethod
    def month_start(moment: int) -> int:
        """Give the first moment of the calendar month (UTC) of a moment."""
        first = to_datetime(moment).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return to_ms(first)

    def set(self, moment: int) -> None:
        """Let the clock show `moment` now."""
        self._since, self._shown = _machine(), moment

    def run(self, speed: float) -> None:
        """Let it go at another speed from now on; a negative one is a ValueError."""
        if not 0 <= speed <= FASTEST:
            msg = f"speed: from 0 to {FASTEST:,}, not {speed:g}"
            raise ValueError(msg)
        self.set(self.now())
        self.speed = speed


def _machine() -> int:
    return time.time_ns() // 1_000_000
