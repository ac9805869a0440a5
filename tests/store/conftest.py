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
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/seatkeeper.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    fresh = server.new_database()
    yield fresh
    server.drop(fresh)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open, empty store, once on each kind of database."""
    opened = open_store(url, command="seatkeeper test")
    yield opened
    opened.close()
