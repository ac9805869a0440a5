"""Who held and used which seats, day by day, and what changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables; they are filled from the next reading on."""
    _people()
    _seats()
    op.create_table(
        "activity_month",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("license_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", "license_type", "holder", name="pk_activity_month"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "active_day",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("license_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "license_type", "day", name="pk_active_day"),
    )


def _people() -> None:
    op.create_table(
        "watched",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Text(), nullable=False),
        sa.Column("last_seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_watched"),
    )
    op.create_table(
        "holder",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("person_key", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("first_seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_holder"),
        sa.UniqueConstraint("site", "person_key", name="uq_holder_site_person_key"),
    )
    op.create_table(
        "last_use",
        sa.Column("holder", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("license_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=True),
        sa.Column("first_seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "license_type", name="pk_last_use"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_last_use_site_license_type_at", "last_use", ["site", "license_type", "at"], unique=False
    )


def _seats() -> None:
    op.create_table(
        "seat",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("allocation_id", sa.Text(), nullable=False),
        sa.Column("license_type", sa.Text(), nullable=False),
        sa.Column("holder", _NUMBER, nullable=True),
        sa.Column("created", sa.Text(), nullable=True),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("excess", sa.Boolean(), nullable=False),
        sa.Column("first_seen", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "allocation_id", name="pk_seat"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_seat_holder", "seat", ["holder"], unique=False)
    op.create_table(
        "seat_event",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("through", sa.Text(), nullable=False),
        sa.Column("license_type", sa.Text(), nullable=False),
        sa.Column("allocation_id", sa.Text(), nullable=False),
        sa.Column("holder", _NUMBER, nullable=True),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seat_event"),
    )
    op.create_index("ix_seat_event_site_at", "seat_event", ["site", "at"], unique=False)
    op.create_index("ix_seat_event_holder", "seat_event", ["holder"], unique=False)
    op.create_index("ix_seat_event_plan_id", "seat_event", ["plan_id"], unique=False)
