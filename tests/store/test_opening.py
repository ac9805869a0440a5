from __future__ import annotations

import os
import sqlite3
import stat
import traceback
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from postgres import PostgresServer
from seatkeeper.errors import StoreError
from seatkeeper.store import Ledger, Store, open_store
from seatkeeper.store.columns import moment_of, moment_text
from seatkeeper.store.engine import Database
from seatkeeper.store.tables import PERSON, SCHEMA
from stored import JANE, NOW, an_entry

SECRET = "s3cr3t-pass"


def refused(url: str) -> str:
    """Everything that a person or a log could read of a refused store."""
    with pytest.raises(StoreError) as raised:
        open_store(url)
    return "".join(traceback.format_exception(raised.value))


async def test_what_was_written_is_there_when_it_is_opened_again(store: Store, url: str) -> None:
    await store.control.freeze(JANE, "audit", NOW)
    store.close()

    again = open_store(url)

    frozen = await again.control.frozen(NOW)
    assert frozen is not None
    assert frozen.reason == "audit"
    again.close()


def test_a_store_says_what_it_is(store: Store, tmp_path: Path) -> None:
    facts = store.describe()

    assert facts.schema == SCHEMA
    expected = {"sqlite": str(tmp_path / "seatkeeper.db"), "postgresql": "/postgres"}
    assert facts.place.endswith(expected[facts.dialect])


def test_a_new_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        store = open_store(f"sqlite:///{tmp_path}/store.db")
    finally:
        os.umask(umask)

    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    store.close()

    assert modes.pop("store.db") == 0o600
    assert set(modes.values()) == {0o600}  # the write-ahead log has the same names in it


def test_sqlite_is_opened_so_that_intents_survive_a_power_cut(sqlite_store: Store) -> None:
    with sqlite_store.ledger._db.reading() as conn:
        settings = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "recursive_triggers",
                "busy_timeout",
            )
        }

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 30_000,
    }


def test_postgres_is_opened_so_that_intents_survive_a_power_cut(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        name = url.partition("?")[0].rpartition("/")[2]
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = serializable"
        )

    store = open_store(url)
    with store.ledger._db.writing() as conn:
        settings = [
            conn.exec_driver_sql(f"SHOW {name}").scalar()
            for name in (
                "synchronous_commit",
                "transaction_isolation",
                "idle_in_transaction_session_timeout",
            )
        ]
    store.close()

    assert settings == ["on", "read committed", "15s"]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://root:{SECRET}@localhost/db",
        f"sqlite+pysqlcipher://:{SECRET}@/x",
        f"nonsense {SECRET}",
        f"postgresql://u:{SECRET}@host:port/db",
        "sqlite://",
        "",
    ],
)
def test_a_url_that_is_no_store_is_refused_without_its_secret(url: str) -> None:
    said = refused(url)

    assert "store.url" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://jane:{secret}@127.0.0.1:1/seats",
        "postgresql://jane@127.0.0.1:1/seats?password={secret}",
        "postgres://jane:{secret}@127.0.0.1:1/seats",
    ],
)
def test_a_server_that_is_away_is_named_without_the_password(url: str) -> None:
    said = refused(url.format(secret=SECRET))

    assert "127.0.0.1:1/seats" in said
    assert SECRET not in said


def test_a_wrong_database_is_named_without_the_password(postgres: PostgresServer) -> None:
    url = postgres.url_of("missing").replace("postgres:@", f"postgres:{SECRET}@")

    said = refused(url)

    assert 'database "missing" does not exist' in said
    assert SECRET not in said


def test_an_open_store_shows_no_password(postgres: PostgresServer) -> None:
    store = open_store(postgres.new_database().replace("postgres:@", f"postgres:{SECRET}@"))

    shown = f"{store.describe()} {store!r} {store.ledger._db!r} {store.owner}"
    store.close()

    assert SECRET not in shown


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path}/missing" in refused(f"sqlite:///{tmp_path}/missing/store.db")


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert "is not a file" in refused(f"sqlite:///{tmp_path}")


def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "seatkeeper.yaml"
    path.write_text("sites: []\n" * 200, encoding="utf-8")

    assert "not a SQLite database" in refused(f"sqlite:///{path}")

    assert path.read_text(encoding="utf-8") == "sites: []\n" * 200


def test_a_database_of_something_else_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE invoices (id INTEGER)")
    other.close()

    assert "invoices" in refused(f"sqlite:///{path}")

    engine = sa.create_engine(f"sqlite:///{path}")
    assert sa.inspect(engine).get_table_names() == ["invoices"]
    engine.dispose()


def test_postgres_tables_of_the_same_name_are_not_taken_over(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE ledger (id int)")
        connection.execute("CREATE TABLE invoices (id int)")

    assert "(ledger)" in refused(url)


def test_a_database_that_cannot_hold_every_name_is_refused(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    assert "UTF8" in refused(postgres.url_of("latin"))


def test_a_store_of_a_newer_version_is_refused_with_the_way_out(empty_url: str) -> None:
    store = open_store(empty_url)
    with store.ledger._db.writing() as conn:
        conn.exec_driver_sql("UPDATE seatkeeper_schema SET version_num = '9001'")
    store.close()

    said = refused(empty_url)

    assert "schema 9001, made by a newer Seatkeeper" in said
    assert "backup" in said


async def test_an_error_of_the_database_repeats_no_names(store: Store) -> None:
    await store.ledger.append(an_entry())
    (person,) = [r.person for r in await store.ledger.show()]
    again = {"ref": "r", "salt": "s", "person_key": person.casefold(), "label": person}

    with pytest.raises(StoreError) as raised, store.ledger._db.writing() as conn:
        conn.execute(sa.insert(PERSON).values(again))

    assert "unique" in str(raised.value).casefold()
    assert "user0" not in str(raised.value)


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await store.ledger.append(an_entry(at=NOW.replace(tzinfo=None)))


@pytest.mark.parametrize("year", [1, 999, 1753, 9999])
def test_times_of_any_year_sort_and_come_back(year: int) -> None:
    at = NOW.replace(year=year)

    assert moment_of(moment_text(at)) == at
    assert (moment_text(at) < moment_text(NOW)) == (at < NOW)
    assert len(moment_text(at)) == 27


async def test_a_store_that_another_process_keeps_locked_is_said_to_be(
    sqlite_store: Store,
) -> None:
    place = sqlite_store.describe().place
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = Database(f"sqlite:///{place}", busy_seconds=0.1)

    with pytest.raises(StoreError, match="held by another process"):
        await Ledger(impatient).append(an_entry())

    other.close()
    impatient.close()
    await sqlite_store.ledger.append(an_entry())
