"""What the bound of the outbox made go, by target."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "outbox_loss",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("newest", sa.Text(), nullable=False),
        sa.Column("dropped_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", name="pk_outbox_loss"),
    )
