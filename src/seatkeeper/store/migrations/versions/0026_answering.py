"""Who answers for a request, where a token asked in their name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column."""
    op.add_column("request", sa.Column("answers", sa.Text()))
