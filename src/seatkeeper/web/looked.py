"""Who looked at what in the last hour: a page that looks again by itself is no new look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seatkeeper.core.roles import Identity

AGAIN = timedelta(hours=1)
"""After so long a page that is still open counts as looked at once more."""

MOST = 10_000
"""So many looks are remembered; beyond that the oldest are forgotten, and recorded again."""


@dataclass(slots=True)
class Looked:
    """The looks of this process."""

    _at: dict[tuple[str, str, str, str, str], datetime] = field(default_factory=dict)

    def is_new(
        self, who: Identity, about: tuple[str, str, str], now: datetime, *, present: bool
    ) -> bool:
        """Whether to record a look at `about` (site, what, person), and remember it.

        What a person does is always recorded; what their open page does once an hour.
        """
        key = (who.via.value, who.name, *about)
        last = self._at.get(key)
        if not present and last is not None and now - last < AGAIN:
            return False
        self._at.pop(key, None)
        self._at[key] = now
        while len(self._at) > MOST:
            del self._at[next(iter(self._at))]
        return True
