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
    """Answers of the store under keys that say of what and of which moment they are."""

    _known: dict[Hashable, V] = field(default_factory=dict)

    async def of(self, key: Hashable, read: Callable[[], Awaitable[V]]) -> V:
        """Return what stands under the key, read when it is asked for the first time."""
        if key not in self._known:
            self._known[key] = await read()
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return self._known[key]
