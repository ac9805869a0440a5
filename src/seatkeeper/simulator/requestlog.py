"""The log of requests that reached the simulated site, noted on arrival and bounded in length."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from seatkeeper.simulator.moments import iso

_KEPT = 200_000


@dataclass(slots=True)
class LoggedRequest:
    """One request; status and outcome are filled in when it is answered."""

    number: int
    method: str
    path: str
    """In lower case, without parameters."""
    query: str
    user: str
    time: str
    status: int = 0
    """0 as long as no answer was sent."""
    outcome: str = ""
    """What happened inside: created, changed, removed, quarantined, or the fault."""


class RequestLog:
    """The latest requests in the order of their arrival."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=_KEPT)
        self._number = 0
        self.enabled = True

    def arrived(self, method: str, path: str, query: str, user: str, at: int) -> LoggedRequest:
        """Note a request that just came in."""
        self._number += 1
        entry = LoggedRequest(self._number, method, path, query, user, iso(at))
        if self.enabled:
            self._entries.append(entry)
        return entry

    def __iter__(self) -> Iterator[LoggedRequest]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def select(self, *, method: str = "", path_contains: str = "") -> list[LoggedRequest]:
        """List the requests with a method and a part of the path; empty texts match all."""
        part = path_contains.lower()
        return [
            entry
            for entry in self._entries
            if (not method or entry.method == method.upper()) and part in entry.path
        ]

    def count(self, *, method: str = "", path_contains: str = "") -> int:
        """Count the requests with a method and a part of the path."""
        return len(self.select(method=method, path_contains=path_contains))

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Give the requests as JSON values."""
        return [asdict(entry) for entry in self._entries]
