"""One database, opened safely: transactions, threads, and errors in words without secrets.

SQLite and PostgreSQL are driven by the same code; what differs between them stands here and in
the triggers of `tables`. Nothing else in the store opens a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import re
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from seatkeeper.errors import StoreError

P = ParamSpec("P")
R = TypeVar("R")

BUSY_SECONDS = 30
"""How long one transaction waits for another before the store counts as locked."""

_CONNECT_SECONDS = 10

_THREADS = 40
"""More than asyncio has threads by default, so that none waits for a connection of its own."""

_SQLITE_SETTINGS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an intent must survive a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",  # or INSERT OR REPLACE walks past the DELETE trigger
)

_POSTGRES_SETTINGS = (
    f"SET lock_timeout = '{BUSY_SECONDS}s'",
    # A process frozen in mid-transaction must not hold everybody's ledger for ever.
    "SET idle_in_transaction_session_timeout = '15s'",
    # The server's default may be off; an intent must survive a power cut.
    "UPDATE pg_settings SET setting = 'on' WHERE name = 'synchronous_commit' AND setting = 'off'",
)


def threaded(work: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make a blocking function a coroutine that runs it in a thread.

    When the caller is cancelled, the transaction in hand is awaited first: after the await
    nothing of it goes on in the background.
    """

    @functools.wraps(work)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # read, so that nobody warns of an error never looked at
            raise

    return call


class Database:
    """One store's database: a URL made into connections with the settings the ledger needs."""

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _create_file(Path(self.url.database or ""))
            self._engine = sa.create_engine(
                self.url,
                connect_args={"timeout": busy_seconds},
                max_overflow=_THREADS,
                hide_parameters=True,
            )
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = sa.create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                connect_args={
                    "connect_timeout": _CONNECT_SECONDS,
                    "application_name": "seatkeeper",
                },
                isolation_level="READ COMMITTED",
                max_overflow=_THREADS,
                hide_parameters=True,
                pool_pre_ping=True,
            )
            sa.event.listen(self._engine, "connect", _set_up_postgres)
        self._writer = self._engine.execution_options(seatkeeper_writes=True)
        snapshot = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._snapshots = self._engine.execution_options(**snapshot)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def place(self) -> str:
        """Where the store is, for people: a path, or host, port and database."""
        if self.is_sqlite:
            return str(self.url.database)
        host = self.url.host or self.url.query.get("host") or "local socket"
        port = f":{self.url.port}" if self.url.port else ""
        return f"{host}{port}/{self.url.database}"

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        with self._in_words(), self._engine.begin() as conn:
            yield conn

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Open a transaction in which every statement sees the same moment."""
        with self._in_words(), self._snapshots.begin() as conn:
            yield conn

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that may write; SQLite takes its lock before the first read."""
        with self._in_words(), self._writer.begin() as conn:
            yield conn

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(self._words(error)) from _bare(error)
        except NoConnection:
            # Not an error of the driver: every connection waits for a server that is silent.
            raise StoreError(f"the store {self.place} gives no answer, on no connection") from None

    def _words(self, error: DBAPIError) -> str:
        said = self._without_secrets(" ".join(_said(error).split()))[:300]
        where = f"the store {self.place}"
        for sign, words in _KNOWN:
            if sign in said.lower():
                return f"{where} {words} ({said})"
        return f"{where} cannot be used: {said}"

    def _without_secrets(self, text: str) -> str:
        secrets = [str(self.url.password or ""), str(self.url.query.get("password") or "")]
        for secret in filter(None, secrets):
            text = text.replace(secret, "***")
        return re.sub(r"(password=)\S+", r"\1***", text)


_KNOWN = (
    ("database is locked", f"is held by another process for more than {BUSY_SECONDS} s"),
    ("lock timeout", f"is held by another process for more than {BUSY_SECONDS} s"),
    ("not a database", "is not a SQLite database; check store.url in the configuration"),
    ("malformed", "is damaged; restore it from a backup and run `seatkeeper ledger verify`"),
    ("readonly", "cannot be written; check the rights on the file and its folder"),
    ("unable to open", "cannot be opened; check the path and its rights"),
    ("is full", "cannot grow: the disk is full"),
    ("password authentication", "refuses the user or the password of store.url"),
    ("append-only", "refuses to change its ledger"),
)


def _said(error: DBAPIError) -> str:
    """Return the driver's message without PostgreSQL's details, which repeat values of rows."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return str(primary or error.orig)


def _bare(error: DBAPIError) -> BaseException | None:
    """Keep the driver's own error as the cause; SQLAlchemy's holds statements and values."""
    return error.orig


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text of the error repeats the URL, and with it the password.
        raise StoreError(
            "store.url cannot be read; write sqlite:////path/to/file.db or "
            "postgresql://user@host/database"
        ) from None
    backend = {"postgres": "postgresql"}.get(parsed.drivername, parsed.get_backend_name())
    elsewhere = parsed.username or parsed.password or parsed.host or parsed.port
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:") and not elsewhere:
        return parsed.set(drivername="sqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql")
    raise StoreError(
        f"store.url is of the kind {parsed.drivername}, and names no file or server that can be "
        "used; write sqlite:////path/to/file.db or postgresql://user@host/database"
    )


def _create_file(path: Path) -> None:
    """Create the file for its owner alone, before SQLite would create it for everybody."""
    if not path.parent.is_dir():
        raise StoreError(f"the store {path} cannot be created: the folder {path.parent} is missing")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if not path.is_file():
            raise StoreError(f"the store {path} is not a file") from None
    except OSError as error:
        raise StoreError(f"the store {path} cannot be created: {error.strerror}") from error


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # None: the driver begins nothing by itself, `_begin_sqlite` says what begins and when.
    connection.isolation_level = None
    for statement in _SQLITE_SETTINGS:
        connection.execute(statement)


def _begin_sqlite(conn: sa.Connection) -> None:
    writes = conn.get_execution_options().get("seatkeeper_writes", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgres(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        for statement in _POSTGRES_SETTINGS:
            cursor.execute(statement)
    connection.commit()
