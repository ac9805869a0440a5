"""Bringing a database to the schema this version knows, or refusing it in words.

Migrations run inside one locked transaction: of two processes that open a new store at the same
time one builds it and the other finds it built, and a migration that fails leaves nothing behind.
"""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa

from seatkeeper.errors import StoreError
from seatkeeper.store.engine import Database
from seatkeeper.store.tables import META, SCHEMA, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x5EA7_4EE9
"""One number for everybody who migrates a database of ours."""


def migrate(db: Database) -> None:
    """Make the database ready; raises StoreError for a foreign, newer or half-made one."""
    with db.reading() as conn:
        if _version(conn) == SCHEMA:
            return
    with db.writing() as conn:
        if not db.is_sqlite:
            conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        version = _version(conn)
        if version == SCHEMA:
            return
        if version is None:
            _require_free(conn, db)
        elif version > SCHEMA:
            raise StoreError(
                f"the store {db.place} has schema {version}, made by a newer Seatkeeper; this "
                f"version knows {SCHEMA}. Install the newer version again, or restore the backup "
                "from before the upgrade"
            )
        upgrade(conn)


def upgrade(conn: sa.Connection, target: str = "head") -> None:
    """Run the migrations up to `target` in the caller's transaction."""
    # Alembic takes a fifth of a second to import and is needed once in the life of a version.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)  # its sentences are no events of ours
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, target)


def _version(conn: sa.Connection) -> str | None:
    if not sa.inspect(conn).has_table(VERSION_TABLE):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text))
    return conn.execute(sa.select(table.c.version_num)).scalar()


def _require_free(conn: sa.Connection, db: Database) -> None:
    """Refuse a database that belongs to something else."""
    there = set(sa.inspect(conn).get_table_names())
    in_the_way = there if db.is_sqlite else there & set(META.tables)
    if in_the_way:
        raise StoreError(
            f"the database {db.place} holds tables of something else "
            f"({', '.join(sorted(in_the_way)[:3])}); give Seatkeeper one of its own"
        )
    if not db.is_sqlite:
        encoding = conn.execute(sa.text("SHOW server_encoding")).scalar()
        if encoding != "UTF8":
            raise StoreError(
                f"the database {db.place} stores text as {encoding}; create it with "
                "ENCODING 'UTF8', or names could not be kept"
            )
