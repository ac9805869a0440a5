from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from postgres import PostgresServer, a_postgres_server
from seatkeeper.store import Store, open_store
from seatkeeper.store.columns import META


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with a_postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer) -> str:
    """The URL of a schema that is migrated once, and emptied for each test that uses it."""
    url = postgres.new_schema()
    open_store(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Each test runs once on each kind of database."""
    return str(request.param)


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_schema()


@pytest.fixture
def url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store in which nothing is recorded yet."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path}/seatkeeper.db"
    place: str = request.getfixturevalue("migrated")
    _empty(place)
    return place


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, empty store, once on each kind of database."""
    opened = open_store(url, command="seatkeeper test")
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """An open, empty store in a SQLite file, for what only SQLite does."""
    opened = open_store(f"sqlite:///{tmp_path}/only.db", command="seatkeeper test")
    yield opened
    opened.close()


def _empty(url: str) -> None:
    """Delete every row, past the trigger that protects the ledger; quicker than a new schema."""
    tables = [t.name for t in reversed(META.sorted_tables) if t.name != "store_secret"]
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        for table in tables:
            connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - our own names
        genesis = ("0" * 64,)
        connection.execute("INSERT INTO ledger_head (id, seq, hash) VALUES (1, 0, %s)", genesis)
