"""The one clock, and who acts.

The clock is the machine's. Simulated sites may have one of their own, for the demo and for tests;
under a false clock a real site would lose seats that are in use, so that one tells no time before
every site has said in `/about` that it is the simulator, asks again at each look, and no other
site can be opened with it (`readers`). No setting and no option of a command chooses it.
"""

from __future__ import annotations

import getpass
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from seatkeeper.core.record import Actor
from seatkeeper.errors import NotSimulated
from seatkeeper.qrs.simulated import SimulatedTime


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time in whole milliseconds, as QRS gives its dates."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


APART = timedelta(minutes=1)
"""So far the clocks of simulated sites may differ."""


class Asked(Protocol):
    """A site that can be asked whether it is the simulator."""

    async def simulated_time(self) -> SimulatedTime | None:
        """Return the site's own time, None unless it says that it is the simulator."""


class SimulatedClock:
    """The time of simulated sites, by their address, from the newest look at them."""

    def __init__(self, sites: Mapping[str, Asked]) -> None:
        """Follow these sites; `look` has to be awaited before there is a time."""
        self._sites = dict(sites)
        self._shown: SimulatedTime | None = None
        self._since = 0.0

    async def look(self) -> datetime:
        """Ask every site; raises NotSimulated, and then tells no time, when one is real."""
        self._shown = None
        times = [await self._ask(url, site) for url, site in self._sites.items()]
        if not times or max(t.now for t in times) - min(t.now for t in times) > APART:
            raise NotSimulated("a simulated clock needs simulated sites whose clocks agree")
        self._shown, self._since = times[0], time.monotonic()
        return self.now()

    @staticmethod
    async def _ask(url: str, site: Asked) -> SimulatedTime:
        told = await site.simulated_time()
        if told is None:
            raise NotSimulated(
                f"{url} does not say in /about that it is the simulator: it is not handled under "
                "a simulated clock"
            )
        return told

    def covers(self, url: str) -> bool:
        """Say whether that site was asked at the newest look, and said that it is simulated."""
        return self._shown is not None and url in self._sites

    def now(self) -> datetime:
        """Return the sites' time in whole milliseconds; raises NotSimulated before a look."""
        if self._shown is None:
            raise NotSimulated("a simulated clock tells no time before the sites were asked")
        passed = int((time.monotonic() - self._since) * self._shown.speed * 1000)
        return self._shown.now + timedelta(milliseconds=passed)


def this_actor(by: str | None = None) -> Actor:
    """Name who acts: the person said, else the account; always with account and host."""
    account = _account()
    return Actor(by=by or account, os_account=account, host=socket.gethostname())


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
