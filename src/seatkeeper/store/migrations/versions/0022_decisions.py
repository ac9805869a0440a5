"""Who asked for a plan and what it was made from; looking through the ledger; when it was whole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns, indexes and a table."""
    op.add_column("plan", sa.Column("asked_by", sa.Text()))
    op.add_column("plan", sa.Column("made_from", sa.Text()))
    op.create_index("ix_ledger_kind_seq", "ledger", ["kind", "seq"])
    op.create_index("ix_ledger_actor_seq", "ledger", ["actor", "seq"])
    op.create_index("ix_ledger_at_seq", "ledger", ["at", "seq"])
    op.create_index("ix_ledger_run_id", "ledger", ["run_id"])
    op.create_table(
        "ledger_check",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("checked_by", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("bad_seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_check"),
        sa.CheckConstraint("id = 1", name="ck_ledger_check_one_row"),
    )
