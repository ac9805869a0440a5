"""Writing many rows with the memory of a few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import sqlalchemy as sa

SIZE = 2_000
"""Rows in memory at once; SQLAlchemy keeps each of them twice."""


def write_many(
    conn: sa.Connection, statement: sa.Executable, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Carry out a statement for each row, in order; nothing without any."""
    left = iter(rows)
    while some := list(islice(left, SIZE)):
        conn.execute(statement, some)
