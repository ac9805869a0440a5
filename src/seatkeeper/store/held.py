"""A lease in hand, and the clock its deadline is kept by."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.errors import LeaseLost
from seatkeeper.store.owner import Owner


def lease_clock() -> float:
    """Return seconds that also pass while the process is frozen or the machine suspended.

    Linux has such a clock; elsewhere the monotonic one, which may stand still in suspension, is
    all there is, and the fence in the store decides.
    """
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


@dataclass(slots=True, eq=False)
class Held:
    """The lease on a site, while it is ours.

    `interrupted`: the holder before never gave it back. `interruptions` counts how often in a row
    the job of this kind was. `previous` is who was interrupted, and `previous_kind` at what. `due`
    is when the job was due that was claimed with it, None for another.
    """

    site: str
    kind: str
    fence: int
    owner: Owner
    deadline: float
    interrupted: bool = False
    interruptions: int = 0
    previous: Owner | None = None
    previous_kind: str | None = None
    due: datetime | None = None

    def check(self) -> None:
        """Raise LeaseLost when the lease may be over."""
        if lease_clock() > self.deadline:
            raise LeaseLost(
                f"the hold on {self.site} is over: it could not be renewed in time; nothing more "
                "is released, and the next run settles what is open"
            )

    @property
    def is_over(self) -> bool:
        """Whether `check` would raise."""
        return lease_clock() > self.deadline

    def lose(self) -> None:
        """Say that it is over: the store knows another holder, or none."""
        self.deadline = float("-inf")
