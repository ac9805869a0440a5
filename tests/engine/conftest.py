from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres import PostgresServer, a_postgres_server
from seatkeeper.store import Store, open_store


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with a_postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/seatkeeper.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_schema()


@pytest.fixture
def both(url: str) -> Iterator[Store]:
    """An open, empty store, once on each kind of database."""
    opened = open_store(url, command="seatkeeper serve")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open, empty store in a file."""
    opened = open_store(f"sqlite:///{tmp_path}/seatkeeper.db", command="seatkeeper serve")
    yield opened
    opened.close()
