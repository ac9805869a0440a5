"""From where each session of the console was begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of sessions that are there already it is not known."""
    op.add_column("web_session", sa.Column("address", sa.Text()))
