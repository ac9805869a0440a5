"""How often one address may try to sign in, and one caller may ask the API."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from seatkeeper.web.refusals import TooOften

SIGN_IN = RateLimitItemPerMinute(10)
"""Tries from one address; the account itself is guarded by its own lock-out."""

SIGN_IN_ALL = RateLimitItemPerMinute(300)
"""Tries from all addresses together: each costs a hash."""

TRAVEL = RateLimitItemPerMinute(60)
"""Ways to a provider of sign-in and back from one address; behind it may be a whole company."""

API = RateLimitItemPerMinute(600)
"""Requests of one token or person."""


TOLD = RateLimitItemPerMinute(1)
"""Lines of the log about one address that asks too often."""


class Limiter:
    """Counts in memory: a restart forgets, the lock-out of accounts does not."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def pass_or_refuse(self, limit: RateLimitItem, who: str) -> None:
        """Count one request; raises TooOften when it is one too many."""
        if not self._limiter.hit(limit, who):
            reset = self._limiter.get_window_stats(limit, who).reset_time
            raise TooOften(max(1, math.ceil(reset - time.time())))

    def is_first(self, limit: RateLimitItem, who: str) -> bool:
        """Count one and say whether it is within the limit."""
        return self._limiter.hit(limit, who)


def network_of(address: str) -> str:
    """Return what counts as one address: of IPv6 the network of 64 bits that one line is given."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def limiter_of(request: Request) -> Limiter:
    """Return the counter of the application."""
    limiter: Limiter = request.app.state.limiter
    return limiter
