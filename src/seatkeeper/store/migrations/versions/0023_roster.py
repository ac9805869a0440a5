"""What a page of users shows of each seat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables; they are filled by the next reading."""
    op.create_table(
        "roster",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("allocation_id", sa.Text(), nullable=False),
        sa.Column("license_type", sa.SmallInteger(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("user_key", _KEY, nullable=False),
        sa.Column("department_key", _KEY, nullable=False),
        sa.Column("name_key", _KEY, nullable=False),
        sa.Column("created", _NUMBER, nullable=False),
        sa.Column("last_used", _NUMBER, nullable=False),
        sa.Column("idle_since", _NUMBER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", _NUMBER, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("exempt_owner", sa.Text(), nullable=False),
        sa.Column("exempt_reason", sa.Text(), nullable=False),
        sa.Column("exempt_until", sa.Text(), nullable=True),
        sa.Column("digest", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roster"),
        sa.UniqueConstraint("site", "allocation_id", name="uq_roster_site_allocation_id"),
    )
    for name, columns in _INDEXES.items():
        op.create_index(name, "roster", columns, unique=False)
    op.create_table(
        "roster_reading",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("version", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_roster_reading"),
    )


_FIND = [
    "site",
    "license_type",
    "flags",
    "department_key",
    "idle_since",
    "user_key",
    "name_key",
]

_INDEXES = {
    "ix_roster_find": _FIND,
    "ix_roster_user": ["site", "user_key"],
    "ix_roster_department": ["site", "department_key", "user_key"],
    "ix_roster_last_used": ["site", "last_used"],
    "ix_roster_idle": ["site", "idle_since"],
    "ix_roster_created": ["site", "created"],
}
