"""Accounts, sessions, tokens and links that work once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0014"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "account",
        _text("account_key"),
        _text("name"),
        _text("password"),
        _text("grants"),
        _text("added_at"),
        _text("added_by"),
        _text("password_at"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.Text()),
        sa.Column("signed_in_at", sa.Text()),
        sa.PrimaryKeyConstraint("account_key", name="pk_account"),
    )
    op.create_table(
        "web_session",
        _text("session_hash"),
        _text("name"),
        _text("via"),
        _text("grants"),
        _text("csrf"),
        _text("began_at"),
        _text("seen_at"),
        _text("ends_at"),
        sa.PrimaryKeyConstraint("session_hash", name="pk_web_session"),
    )
    op.create_index("ix_web_session_ends_at", "web_session", ["ends_at"])
    op.create_index("ix_web_session_name", "web_session", ["name"])
    op.create_table(
        "api_token",
        _text("token_hash"),
        _text("name"),
        _text("owner"),
        _text("grants"),
        _text("made_at"),
        _text("ends_at"),
        sa.Column("used_at", sa.Text()),
        sa.PrimaryKeyConstraint("token_hash", name="pk_api_token"),
        sa.UniqueConstraint("name", name="uq_api_token_name"),
    )
    op.create_table(
        "sign_in_link",
        _text("link_hash"),
        _text("grants"),
        _text("made_at"),
        _text("ends_at"),
        sa.PrimaryKeyConstraint("link_hash", name="pk_sign_in_link"),
    )
