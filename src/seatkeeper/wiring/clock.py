"""The one clock, and who acts."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime

from seatkeeper.core.record import Actor


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time in whole milliseconds, as QRS gives its dates."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def this_actor(by: str | None = None) -> Actor:
    """Name who acts: the person said, else the account; always with account and host."""
    account = _account()
    return Actor(by=by or account, os_account=account, host=socket.gethostname())


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
