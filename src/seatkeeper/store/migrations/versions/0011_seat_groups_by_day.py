"""Seats by department of every day, not of the newest reading alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and carry over what was known of the newest readings."""
    op.create_table(
        "seat_groups_day",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day", name="pk_seat_groups_day"),
    )
    op.execute(
        "INSERT INTO seat_groups_day (site, day, at, body)"
        " SELECT site, substr(at, 1, 10), at, body FROM seat_groups"
    )
    op.drop_table("seat_groups")
