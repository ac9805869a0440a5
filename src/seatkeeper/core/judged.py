"""A reading with the verdict on each of its seats, given once for everybody who needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.facts import Facts
from seatkeeper.core.model import Snapshot
from seatkeeper.core.policy import Policy
from seatkeeper.core.rules import Verdict, judge


@dataclass(frozen=True, slots=True)
class Judged:
    """A snapshot and its verdicts, in the order of its seats.

    `facts` were gathered under the same policy, at `now`.
    """

    snapshot: Snapshot
    facts: Facts
    policy: Policy
    now: datetime
    verdicts: Sequence[Verdict]

    @classmethod
    def of(cls, snapshot: Snapshot, facts: Facts, policy: Policy, now: datetime) -> Judged:
        """Judge every seat of a snapshot."""
        verdicts = [judge(seat, facts, policy, now) for seat in snapshot.allocations]
        return cls(snapshot, facts, policy, now, verdicts)
