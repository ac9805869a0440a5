"""How often and how long a reading is tried again. Writes are never given to it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from seatkeeper.errors import Garbled, QrsError, Unreachable
from seatkeeper.qrs.faults import (
    CertificateRefused,
    CertificateTrouble,
    LoginPage,
    NothingThere,
)

HOPELESS = (CertificateRefused, CertificateTrouble, LoginPage, NothingThere)
"""What a further try does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """Tries of one reading, and the pauses between them in seconds (doubling, with jitter)."""

    tries: int = 4
    first_pause: float = 0.5
    longest_pause: float = 8.0

    def pauses(self, rng: random.Random) -> Iterator[float]:
        """Yield the pause before each further try."""
        for number in range(self.tries - 1):
            pause = min(self.longest_pause, self.first_pause * 2**number)
            yield pause * rng.uniform(0.5, 1.0)


def may_pass(error: QrsError) -> bool:
    """Whether the same request may get another answer a moment later.

    A 4xx (Refused) is an answer and no failure: it is not asked again.
    """
    return isinstance(error, Unreachable | Garbled) and not isinstance(error, HOPELESS)
