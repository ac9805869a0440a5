"""How Alembic runs our migrations: on the connection and in the transaction it is handed."""

from __future__ import annotations

from alembic import context

from seatkeeper.store.tables import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
)
context.run_migrations()
