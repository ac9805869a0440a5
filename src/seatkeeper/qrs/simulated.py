"""What a simulated site says of its own clock; a real Repository Service says nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from seatkeeper.qrs.dates import moment
from seatkeeper.qrs.wire import AboutBody


@dataclass(frozen=True, slots=True)
class SimulatedTime:
    """The time of a simulated site when it was asked, and its seconds in one of ours."""

    now: datetime
    speed: float


def simulated_time(about: AboutBody) -> SimulatedTime | None:
    """Return what `/about` says of a simulated clock; None for everything less than clear."""
    if about.simulator is not True or about.simulated_speed is None:
        return None
    try:
        now = moment(about.simulated_now)
    except ValueError:
        return None
    return None if now is None else SimulatedTime(now, about.simulated_speed)
