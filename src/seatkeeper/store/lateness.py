"""Which time is believed: a clock that was ahead must not hide what a right one says later."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

LATE = timedelta(days=1)
"""No reading comes so late: what is kept from so much later was written by a clock ahead."""


def gives_way(kept: sa.ColumnElement[datetime], at: datetime) -> sa.ColumnElement[bool]:
    """Tell whether what is kept is replaced by a reading of `at`: it is older, or false."""
    return sa.or_(kept <= at, kept > at + LATE)
