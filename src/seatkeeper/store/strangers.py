"""Names that no account has: they wait after wrong passwords as accounts do.

Otherwise whoever tries a name six times would learn whether there is such an account. Kept in
memory, the latest so many: nothing is lost with them, and a flood of names cannot fill it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime

from seatkeeper.core.lockout import failures_now, locked_until

MOST = 10_000


class Strangers:
    """Tries of names without an account."""

    def __init__(self, most: int = MOST) -> None:
        self._tried: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._most, self._lock = most, threading.Lock()

    def count_try(self, key: str, now: datetime) -> tuple[int, datetime | None]:
        """Count a try; return how many there were before, and until when the name waits now."""
        with self._lock:
            failures, last = self._tried.pop(key, (0, now))
            until = locked_until(failures, last, now)
            before = failures_now(failures, last, now)
            self._tried[key] = (failures, last) if until else (before + 1, now)
            if len(self._tried) > self._most:
                self._tried.popitem(last=False)
        return before, until
