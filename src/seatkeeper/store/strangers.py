"""Tries that are counted in memory: of a name from one address, and of names without an account.

Names that no account has wait after wrong passwords as accounts do: otherwise whoever tries one
often would learn whether there is such an account. The latest so many are kept: a restart forgets
them, and a flood cannot fill the memory. What an account counts itself, from everywhere, stays.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime

from seatkeeper.core.lockout import FREE_TRIES, failures_now, locked_until

MOST = 10_000


class Strangers:
    """Tries of those of whom nothing is kept; `free` of them cost nothing."""

    def __init__(self, most: int = MOST, free: int = FREE_TRIES) -> None:
        self._tried: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._most, self._free, self._lock = most, free, threading.Lock()

    def count_try(self, key: str, now: datetime) -> tuple[int, datetime | None]:
        """Count a try; return how many there were before, and until when the name waits now."""
        with self._lock:
            failures, last = self._tried.pop(key, (0, now))
            until = locked_until(failures, last, now, self._free)
            before = failures_now(failures, last, now)
            self._tried[key] = (failures, last) if until else (before + 1, now)
            if len(self._tried) > self._most:
                self._tried.popitem(last=False)
        return before, until

    def forget(self, key: str) -> None:
        """Begin anew, after a right password."""
        with self._lock:
            self._tried.pop(key, None)
