"""Bringing a database to the schema this version knows, or refusing it in words.

A new store is built at once, without the weight of the migrations; a test holds it to what they
make. All of it happens inside one locked transaction: of two processes that open a new store at
the same time one builds it and the other finds it built, and what fails leaves nothing behind.
"""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

import sqlalchemy as sa

from seatkeeper.errors import StoreError
from seatkeeper.store import access_tables, telling_tables, watch_tables  # noqa: F401 - they belong to META
from seatkeeper.store.columns import META
from seatkeeper.store.engine import Database
from seatkeeper.store.tables import LEDGER_HEAD, SCHEMA, STORE_SECRET, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"

SECRETS = ("mark", "points")
"""Names of the keys that every store has for itself, for what stands for a person in it."""

_VERSION = sa.Table(
    VERSION_TABLE,
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""Alembic's own table, as Alembic makes it."""

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
            _build(conn)
            return
        if version > SCHEMA:
            raise StoreError(
                f"the store {db.place} has schema {version}, made by a newer Seatkeeper; this "
                f"version knows {SCHEMA}. Install the newer version again, or restore the backup "
                "from before the upgrade"
            )
        upgrade(conn)


def _build(conn: sa.Connection) -> None:
    """Make every table, the first rows, and the mark of the newest migration."""
    META.create_all(conn)
    _VERSION.create(conn)
    conn.execute(sa.insert(LEDGER_HEAD).values(id=1, seq=0, hash="0" * 64))
    rows = [{"name": name, "value": secrets.token_hex(32)} for name in SECRETS]
    conn.execute(sa.insert(STORE_SECRET), rows)
    conn.execute(sa.insert(_VERSION).values(version_num=SCHEMA))


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
    return conn.execute(sa.select(_VERSION.c.version_num)).scalar()


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
