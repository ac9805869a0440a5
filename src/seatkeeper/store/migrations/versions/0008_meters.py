"""The numbers of every pool, day by day for years, and what changed about the license."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, with the days that single readings of the pools still tell."""
    _pools()
    op.create_table(
        "capacity_use",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("holder", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "holder", name="pk_capacity_use"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "license_change",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "at", name="pk_license_change"),
    )
    op.create_table(
        "upkeep",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_upkeep"),
    )
    for number, license_type in ((1, "professional"), (2, "analyzer")):
        for name in ("total", "allocated", "available", "used", "quarantined", "excess"):
            _keep_days(number, license_type, name)


def _pools() -> None:
    op.create_table(
        "meter_sample",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("license_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("site", "at", "license_type", "name", name="pk_meter_sample"),
    )
    op.create_table(
        "pool_day",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("license_type", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("last", sa.Double(), nullable=False),
        sa.Column("least", sa.Double(), nullable=False),
        sa.Column("most", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day", "license_type", "name", name="pk_pool_day"),
    )
    op.create_table(
        "capacity_day",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day", name="pk_capacity_day"),
    )


def _keep_days(number: int, license_type: str, name: str) -> None:
    """Sum up the single readings of one number by day."""
    op.execute(
        f"""
        INSERT INTO pool_day (site, day, license_type, name, last, least, most)
        SELECT d.site, d.day, {number}, '{name}', s.{name}, d.least, d.most
        FROM (
            SELECT site, substr(at, 1, 10) AS day, max(at) AS at,
                   min({name}) AS least, max({name}) AS most
            FROM pool_sample
            WHERE license_type = '{license_type}' AND {name} IS NOT NULL
            GROUP BY site, substr(at, 1, 10)
        ) AS d
        JOIN pool_sample AS s ON s.site = d.site AND s.at = d.at
        WHERE s.license_type = '{license_type}' AND s.{name} IS NOT NULL
        """
    )
