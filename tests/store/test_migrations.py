from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from builders import a_snapshot, a_user
from seatkeeper.core.cost import SeatGroups
from seatkeeper.core.model import NAMED_LISTS
from seatkeeper.core.scrape import Counted
from seatkeeper.errors import StoreError
from seatkeeper.store import Ledger, Owner, Store, open_store
from seatkeeper.store.columns import META
from seatkeeper.store.engine import Database
from seatkeeper.store.schema import MIGRATIONS, upgrade
from seatkeeper.store.tables import PLAN_ACTION, SCHEMA, VERSION_TABLE
from stored import ENGINE, NOW, a_plan, an_entry


def _in_words(index: Any) -> dict[str, Any]:
    """Return an index with the condition of its rows as text; the inspector gives an object."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def dump(conn: sa.Connection) -> dict[str, Any]:
    """Everything there is in a database but its rows."""
    inspector = sa.inspect(conn)
    tables = sorted(set(inspector.get_table_names()) - {VERSION_TABLE})
    found: dict[str, Any] = {
        table: (
            [{**c, "type": str(c["type"])} for c in inspector.get_columns(table)],
            inspector.get_pk_constraint(table),
            inspector.get_foreign_keys(table),
            sorted(map(_in_words, inspector.get_indexes(table)), key=str),
            sorted(inspector.get_unique_constraints(table), key=str),
            inspector.get_check_constraints(table),
        )
        for table in tables
    }
    triggers = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
        "postgresql": "SELECT tgname, pg_get_triggerdef(t.oid), prosrc FROM pg_trigger t "
        "JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal "
        "AND tgrelid = to_regclass('ledger') ORDER BY tgname",
    }[conn.dialect.name]
    found["triggers"] = conn.exec_driver_sql(triggers).all()
    return found


def without_schema(value: Any) -> str:
    """The text of a dump, wherever its tables lie."""
    return str(value).replace("built.", "").replace("schema_", "")


@pytest.fixture
def built(store: Store) -> dict[str, Any]:
    """What the tables say themselves, built without any migration."""
    with store.ledger._db.writing() as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("CREATE SCHEMA built")
            conn.exec_driver_sql("SET LOCAL search_path TO built")
            META.create_all(conn)
            found = dump(conn)
            conn.exec_driver_sql("DROP SCHEMA built CASCADE")
            return found
    return _built_in_memory()


def _built_in_memory() -> dict[str, Any]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as conn:
        META.create_all(conn)
        found = dump(conn)
    engine.dispose()
    return found


@pytest.fixture
def upgraded(empty_url: str) -> Iterator[Database]:
    """A database that every migration made, one after the other."""
    db = Database(empty_url)
    with db.writing() as conn:
        upgrade(conn)
    yield db
    db.close()


def test_the_migrations_build_exactly_the_tables_that_the_code_knows(
    upgraded: Database, built: dict[str, Any]
) -> None:
    with upgraded.reading() as conn:
        made, own = dump(conn), _own_schema(conn)
        context = MigrationContext.configure(
            conn, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, META) == []

    assert made.keys() == built.keys()
    for part, there in made.items():
        assert without_schema(there).replace(own, "") == without_schema(built[part])


def _own_schema(conn: sa.Connection) -> str:
    if conn.dialect.name == "sqlite":
        return "nothing"
    number = str(conn.exec_driver_sql("SELECT current_schema()").scalar())
    return f"{number.removeprefix('schema_')}."


def test_a_new_store_is_what_the_migrations_would_have_made(
    upgraded: Database, store: Store
) -> None:
    with upgraded.reading() as conn:
        wanted, own_of_migrated = _first(conn), _own_schema(conn)
        tables = without_schema(dump(conn)).replace(own_of_migrated, "")
    with store.ledger._db.reading() as conn:
        assert _first(conn) == wanted
        assert without_schema(dump(conn)).replace(_own_schema(conn), "") == tables


def _first(conn: sa.Connection) -> tuple[Any, ...]:
    """What a store holds before anything is recorded; of a secret its name and length."""
    inspector = sa.inspect(conn)
    columns = [{**c, "type": str(c["type"])} for c in inspector.get_columns(VERSION_TABLE)]
    return (
        columns,
        inspector.get_pk_constraint(VERSION_TABLE),
        *(
            conn.exec_driver_sql(question).all()
            for question in (
                f"SELECT version_num FROM {VERSION_TABLE}",  # noqa: S608 - a name of our own
                "SELECT id, seq, hash FROM ledger_head",
                "SELECT name, length(value) FROM store_secret ORDER BY name",
            )
        ),
    )


def test_the_newest_migration_is_the_schema_that_the_code_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)

    assert script.get_heads() == [SCHEMA]
    assert [r.revision for r in script.walk_revisions()] == [
        "0029",
        "0027",
        "0026",
        "0025",
        "0024",
        "0023",
        "0022",
        "0021",
        "0014",
        "0013",
        "0012",
        "0011",
        "0010",
        "0009",
        "0008",
        "0007",
        "0006",
        "0005",
        "0004",
        "0003",
        "0002",
        "0001",
    ]


OLD_SITE = """
INSERT INTO site (site, first_seen, last_seen, license_number, usage_given) VALUES (
    'prod', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', '0000 1111', TRUE
)
"""


async def test_a_filled_store_is_upgraded_and_keeps_everything(empty_url: str) -> None:
    db = Database(empty_url)
    with db.writing() as conn:
        upgrade(conn, "0001")
    old = Store(db, Owner.this_process())
    plan = a_plan()
    await old.plans.record(plan, ENGINE, "run-0", approve=True)
    with db.writing() as conn:
        conn.exec_driver_sql(OLD_SITE)
    await old.ledger.append(an_entry())
    head = await old.ledger.head()
    old.close()

    new = open_store(empty_url)

    assert new.describe().schema == SCHEMA
    assert (await new.ledger.verify(head)).head == head
    assert (await new.plans.load(plan.plan_id, NOW)).plan == plan
    assert await new.history.license_numbers() == {"prod": "0000 1111"}
    assert (await new.history.baseline("prod", "policy-1", NOW)).usage_lists == set(NAMED_LISTS)
    await new.history.observe(a_snapshot(users=[a_user(inactive=True)]))
    assert await new.leases.jobs() == []
    new.close()


SEATS_OF_PROD = """
INSERT INTO seat_groups (site, at, body) VALUES ('prod', '2026-11-02T03:00:00.000000Z', :body)
"""


async def test_the_newest_seats_by_department_are_carried_over(empty_url: str) -> None:
    seats = SeatGroups(site="prod", at=NOW, groups=())
    db = Database(empty_url)
    with db.writing() as conn:
        upgrade(conn, "0010")
        conn.execute(sa.text(SEATS_OF_PROD), {"body": msgspec.json.encode(seats)})
    db.close()

    store = open_store(empty_url)

    assert await store.costs.newest("prod", NOW) == seats
    assert await store.costs.known_since("prod") == NOW.date()
    store.close()


OLD_COUNTER = """
INSERT INTO counter (name, site, license_type, outcome, reason, seen, value)
VALUES ('releases', 'prod', 'professional', 'released', 'idle', 1, 5)
"""


async def test_an_upgrade_counts_what_no_scrape_has_counted_and_takes_nothing_back(
    empty_url: str,
) -> None:
    db = Database(empty_url)
    with db.writing() as conn:
        upgrade(conn, "0012")
        conn.exec_driver_sql(OLD_COUNTER)
    old = Store(db, Owner.this_process())
    plan = a_plan()
    await old.plans.record(plan, ENGINE, "run-0", approve=True)
    action = dict.fromkeys(("run_id", "person", "person_key", "user_id", "detail"), "")
    action |= {"plan_id": plan.plan_id, "site": "prod", "license_type": "professional"}
    seats = [("1", "released"), ("2", "released"), ("3", "refused")]
    rows = [{"allocation_id": one, "reason": "idle", "outcome": what} for one, what in seats]
    with db.writing() as conn:
        conn.execute(sa.insert(PLAN_ACTION), [action | row for row in rows])
    old.close()

    new = open_store(empty_url)

    released = Counted("prod", "professional", "released", "idle")
    refused = released._replace(outcome="refused")
    assert await new.counters.releases() == {released: 6, refused: 1}
    new.close()


async def test_a_migration_that_fails_leaves_the_store_as_it_was(empty_url: str) -> None:
    db = Database(empty_url)
    with db.writing() as conn:
        upgrade(conn, "0001")
    ledger = Ledger(db)
    await ledger.append(an_entry())
    with db.writing() as conn:
        conn.exec_driver_sql("CREATE TABLE request (id INTEGER)")

    with pytest.raises(StoreError, match="request"):
        open_store(empty_url)

    with db.writing() as conn:
        assert not sa.inspect(conn).has_table("job")  # made before the failing step
        conn.exec_driver_sql("DROP TABLE request")
    db.close()
    again = open_store(empty_url)
    assert (await again.ledger.verify()).records == 1
    again.close()
