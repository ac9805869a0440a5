"""The department that a released seat was taken from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "freed_department",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("allocation_id", sa.Text(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "allocation_id", name="pk_freed_department"),
    )
