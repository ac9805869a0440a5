from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e_desk import Desk, a_desk, a_desk_at
from e2e_site import SiteProcess, a_site
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


@pytest.fixture(scope="module")
def large_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteProcess]:
    """One site of 800 users for a whole module: some 200 of their seats are idle."""
    with a_site(tmp_path_factory.mktemp("large"), users=800, seed=2) as site:
        yield site


@pytest.fixture
def quick_desk(large_site: SiteProcess, tmp_path: Path) -> Iterator[Desk]:
    """A desk with a store of its own at the site of the module, which behaves well again."""
    large_site.faults()
    large_site.forget()
    with a_desk_at(large_site, tmp_path) as desk:
        yield desk
