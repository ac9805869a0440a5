"""`retention`: how long the history of seats and users is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from seatkeeper.core.retention import FIVE_YEARS, Retention
from seatkeeper.settings.kinds import Wrong
from seatkeeper.settings.part import Part
from seatkeeper.settings.values import duration, whole

_MOST = timedelta(days=7320)


class RetentionSettings(Part):
    """How long history, and what waits, is kept. Ledger and plans are kept for ever."""

    raw: Annotated[timedelta, duration(least=timedelta(days=7), most=_MOST)] = Field(
        default=timedelta(days=90),
        description="How long every single reading of the pools, and how each cycle went, is"
        " kept; default 90d.",
    )
    daily: Annotated[timedelta, duration(least=timedelta(days=31), most=_MOST)] = Field(
        default=FIVE_YEARS,
        description="How long pools, capacity minutes and users' activity by day are kept, and"
        " what changed about seats and license; default 1830d, five years. That a seat came back"
        " after a release is kept for 400 days at least: it is no saving.",
    )

    outbox: Annotated[timedelta, duration(least=timedelta(days=2), most=_MOST)] = Field(
        default=timedelta(days=30),
        description="How long points and messages wait for a receiver that is down; then the"
        " oldest are dropped, and that is reported; default 30d.",
    )
    outbox_rows: Annotated[int, whole(least=10_000, most=100_000_000)] = Field(
        default=300_000,
        description="How many may wait for one receiver (about 120 MB); beyond that the oldest are"
        " dropped, and that is reported, but nothing younger than a day; default 300000.",
    )

    @model_validator(mode="after")
    def _raw_is_shorter(self) -> Self:
        if self.raw > self.daily:
            raise Wrong(
                "single readings would be kept for longer than days",
                "let raw be at most daily",
                at=("raw",),
            )
        return self

    def to_retention(self) -> Retention:
        """Return the values without the settings around them."""
        return Retention(self.raw, self.daily, self.outbox, self.outbox_rows)
