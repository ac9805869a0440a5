"""Counters that are moved on by whoever writes what they count, and the money of each reading."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY = ("name", "site", "license_type", "outcome", "reason")

_ROWS = """
    SELECT 'releases', site, license_type, outcome, reason, count(*) FROM plan_action
    WHERE outcome IS NOT NULL GROUP BY site, license_type, outcome, reason
    UNION ALL
    SELECT 'regrets', site, license_type, '', '', count(*) FROM seat_event
    WHERE kind = 'came_back' GROUP BY site, license_type
"""


def upgrade() -> None:
    """Count what no scrape has counted yet, once; from here on nothing is recounted."""
    conn = op.get_bind()
    known = {
        tuple(row[:5]): (row[5], row[6])
        for row in conn.execute(sa.text(f"SELECT {', '.join(_KEY)}, seen, value FROM counter"))  # noqa: S608 - constants
    }
    now = {tuple(row[:5]): row[5] for row in conn.execute(sa.text(_ROWS))}
    op.drop_table("counter")
    counter = op.create_table(
        "counter",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _KEY),
        sa.Column("value", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint(*_KEY, name="pk_counter"),
    )
    rows = []
    for key in sorted({*known, *now}):
        seen, value = known.get(key, (0, 0))
        moved = value + max(0, now.get(key, 0) - seen)
        rows.append({**dict(zip(_KEY, key, strict=True)), "value": moved})
    op.bulk_insert(counter, rows)
    op.create_table(
        "cost_amounts",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_cost_amounts"),
    )
    op.create_index(
        "ix_seat_event_came_back",
        "seat_event",
        ["plan_id", "allocation_id"],
        sqlite_where=sa.text("kind = 'came_back'"),
        postgresql_where=sa.text("kind = 'came_back'"),
    )
