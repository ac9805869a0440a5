"""Kept results of `check`, and who acted on a site found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and an index on the ledger."""
    op.create_table(
        "connection_check",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_connection_check"),
    )
    op.create_index("ix_ledger_site_actor", "ledger", ["site", "actor"])
