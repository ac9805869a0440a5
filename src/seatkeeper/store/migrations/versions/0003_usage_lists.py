"""Which lists of usage rows a site gave, beside whether it gave any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was given before is known again after the next reading."""
    op.add_column("site", sa.Column("usage_lists", sa.Text(), nullable=True))
