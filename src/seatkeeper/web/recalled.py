"""What was read once and stays true: a plan never changes, nor what was known at a reading."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

V = TypeVar("V")

MOST = 100
"""So many answers are recalled; the oldest are read again."""


@dataclass(slots=True)
class Recalled(Generic[V]):
    """The newest answer of the store about each thing, and of which moment it is."""

    _known: dict[str, tuple[Hashable, V]] = field(default_factory=dict)

    async def of(self, about: str, moment: Hashable, read: Callable[[], Awaitable[V]]) -> V:
        """Return the answer of that moment, read when it is asked for the first time.

        It takes the place of the one before: a console that runs for years holds one of each.
        """
        known = self._known.get(about)
        if known is not None and known[0] == moment:
            return known[1]
        found = await read()
        self._known.pop(about, None)
        self._known[about] = moment, found
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return found
