"""An event loop whose clock leaps: whoever sleeps an hour wakes at once, and an hour later.

Nothing here waits in real time. A loop in which nothing can happen any more raises instead of
hanging. Threads are not known to it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

Done = TypeVar("Done")

START = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


class _Leaping(selectors.SelectSelector):
    """Instead of waiting, moves the loop's clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever happen")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """The event loop of simulated time."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Return the simulated seconds since the loop began."""
        return self._leaping.now


def virtual_run(main: Coroutine[Any, Any, Done]) -> Done:
    """Run a coroutine to its end in simulated time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class FakeClock:
    """The clock of a simulated machine: the loop's time, and what a test adds by hand."""

    def __init__(self, start: datetime = START) -> None:
        """Begin at `start`."""
        self._start = start
        self._added = timedelta(0)
        self._zero: float | None = None

    def now(self) -> datetime:
        """Return the current time, aware, UTC, in whole milliseconds."""
        try:
            time = asyncio.get_running_loop().time()
        except RuntimeError:
            time = self._zero or 0.0
        else:
            # A loop of real time does not begin at zero.
            self._zero = time if self._zero is None else self._zero
        passed = time - (self._zero or 0.0)
        now = self._start + self._added + timedelta(seconds=passed)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def advance(self, **by: float) -> None:
        """Move the clock, back too: `advance(days=1)`."""
        self._added += timedelta(**by)
