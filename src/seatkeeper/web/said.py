"""What a page says once a form was sent: done, or refused with what was typed, which stays.

The answer to a form is always a redirect, so that the page can be looked at again, reloaded and
linked; what it says is kept here for a while, for the one who sent the form alone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seatkeeper.core.roles import Identity

KEPT = timedelta(minutes=10)
"""So long a page says it, if somebody opens it again."""

MOST = 500
"""So many are remembered at once; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Said:
    """A word for what was done, or a fault, and of which form; what was typed and ticked there."""

    done: str = ""
    fault: str = ""
    form: str = ""
    reason: str = ""
    number: str = ""
    ticked: frozenset[str] = frozenset()

    def typed(self, form: str) -> str:
        """Return the reason that was typed into that form, nothing for the others."""
        return self.reason if self.form == form else ""


NOTHING = Said()


@dataclass(frozen=True, slots=True)
class _Kept:
    said: Said
    to: tuple[str, str]
    at: datetime


@dataclass(slots=True)
class Sayings:
    """What is to be said on pages of this process."""

    _kept: dict[str, _Kept] = field(default_factory=dict)

    def keep(self, said: Said, to: Identity, now: datetime) -> str:
        """Keep it, and return the word that an address carries."""
        word = secrets.token_urlsafe(12)
        self._kept[word] = _Kept(said, _key(to), now)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
        return word

    def find(self, word: str, to: Identity, now: datetime) -> Said:
        """Return what the word stands for; nothing for anybody else, and after a while."""
        kept = self._kept.get(word)
        if kept is None or kept.to != _key(to) or not timedelta(0) <= now - kept.at < KEPT:
            return NOTHING
        return kept.said


def _key(who: Identity) -> tuple[str, str]:
    return who.via.value, who.name
