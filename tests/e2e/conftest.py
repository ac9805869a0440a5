from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e_desk import Desk, a_desk
from postgres import PostgresServer, a_postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with a_postgres_server() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with one site of 200 users, 50 of whose seats are idle."""
    with a_desk(tmp_path) as one:
        yield one
