"""Every change of the ledger is noticed: made past the triggers, in a transaction rolled back."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from seatkeeper.errors import LedgerBroken, UsageError
from seatkeeper.store import Head, Store
from seatkeeper.store.chain import COLUMNS, person_ref, record_hash
from seatkeeper.store.tables import LEDGER, LEDGER_HEAD, PERSON
from seatkeeper.store.verify import verify_within
from stored import JANE, NOW, an_entry

RECORDS = 25
TEXT = [c for c in (*COLUMNS, "hash") if c != "seq"]


@pytest.fixture
async def filled(store: Store) -> Store:
    """A ledger about seven persons, of whom one was erased."""
    for number in range(RECORDS - 1):
        await store.ledger.append(an_entry(number))
    await store.ledger.erase(r"EXAMPLE\user3", JANE, "asked for it", NOW)
    assert (await store.ledger.verify()).records == RECORDS
    return store


@contextlib.contextmanager
def forging(store: Store) -> Iterator[sa.Connection]:
    """A connection that no trigger stops; what it does is undone at the end."""
    with store.ledger._db._writer.connect() as conn, conn.begin() as transaction:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ALL")
        else:
            for name in ("update", "delete", "replace"):
                conn.exec_driver_sql(f"DROP TRIGGER ledger_no_{name}")
        yield conn
        transaction.rollback()


def first_bad(conn: sa.Connection, noted: Head | None = None) -> int:
    with pytest.raises(LedgerBroken) as raised:
        verify_within(conn, noted)
    return raised.value.seq


def record(conn: sa.Connection, seq: int) -> dict[str, Any]:
    row = conn.execute(raw().where(LEDGER.c.seq == seq)).one()
    return dict(zip(("seq", *TEXT), row, strict=True))


def raw() -> sa.Select[Any]:
    return sa.select(LEDGER.c.seq, *(sa.type_coerce(LEDGER.c[c], sa.Text) for c in TEXT))


def write(conn: sa.Connection, seq: int, values: dict[str, Any]) -> None:
    bound = {c: sa.bindparam(f"new_{c}", v, type_=sa.Text) for c, v in values.items()}
    conn.execute(sa.update(LEDGER).where(LEDGER.c.seq == seq).values(bound))


def insert(conn: sa.Connection, row: dict[str, Any]) -> None:
    bound = {c: sa.bindparam(f"new_{c}", v, type_=sa.Text) for c, v in row.items() if c != "seq"}
    conn.execute(sa.insert(LEDGER).values(seq=row["seq"], **bound))


def move(conn: sa.Connection, start: int, by: int) -> None:
    """Renumber every record from `start` on; through negative numbers, for the unique key."""
    later = LEDGER.c.seq >= start
    conn.execute(sa.update(LEDGER).where(later).values(seq=-(LEDGER.c.seq + by)))
    conn.execute(sa.update(LEDGER).where(LEDGER.c.seq < 0).values(seq=-LEDGER.c.seq))


def forged(row: dict[str, Any], before: str) -> dict[str, Any]:
    return {**row, "hash": record_hash(before, [row[c] for c in COLUMNS])}


def a_change(text: str, chance: random.Random) -> str:
    """Another text: cut, longer, empty, in other case, one character replaced."""
    place = chance.randrange(len(text)) if text else 0
    options = [
        text[:-1],
        text + " ",
        "",
        text.swapcase(),
        text[:place] + "x" + text[place + 1 :],
        text[:place] + text[place + 1 :],
    ]
    return chance.choice([o for o in options if o != text] or ["x"])


@pytest.mark.parametrize("column", TEXT)
async def test_a_change_of_any_column_of_any_record_is_found(filled: Store, column: str) -> None:
    chance = random.Random(column)  # noqa: S311 - seeded trials, not security
    for seq in range(1, RECORDS + 1):
        with forging(filled) as conn:
            changed = a_change(record(conn, seq)[column], chance)
            write(conn, seq, {column: changed})

            assert first_bad(conn) == seq, (seq, column, changed)


async def test_a_record_with_another_number_is_missed(filled: Store) -> None:
    for seq in range(1, RECORDS + 1):
        with forging(filled) as conn:
            this = sa.update(LEDGER).where(LEDGER.c.seq == seq)
            conn.execute(this.values(seq=seq + 1000))

            assert first_bad(conn) == seq


async def test_a_record_before_the_first_is_found(filled: Store) -> None:
    with forging(filled) as conn:
        insert(conn, {**record(conn, 1), "seq": 0})

        assert first_bad(conn) == 0


async def test_every_deleted_record_is_missed(filled: Store) -> None:
    for seq in range(1, RECORDS + 1):
        with forging(filled) as conn:
            conn.execute(sa.delete(LEDGER).where(LEDGER.c.seq == seq))

            assert first_bad(conn) == seq


async def test_a_deleted_record_is_missed_when_the_later_ones_move_up(filled: Store) -> None:
    for seq in range(1, RECORDS + 1):
        with forging(filled) as conn:
            conn.execute(sa.delete(LEDGER).where(LEDGER.c.seq == seq))
            move(conn, seq + 1, -1)

            assert first_bad(conn) == seq


async def test_an_inserted_record_is_found_wherever_it_stands(filled: Store) -> None:
    chance = random.Random(1)  # noqa: S311 - seeded trials, not security
    for seq in range(1, RECORDS + 1):
        with forging(filled) as conn:
            # Not of itself: a copy of a record at its own place is that record.
            copied = record(conn, chance.choice([n for n in range(1, RECORDS + 1) if n != seq]))
            move(conn, seq, 1)
            insert(conn, {**copied, "seq": seq})

            assert first_bad(conn) == seq


async def test_an_inserted_record_that_fits_what_came_before_is_found_by_the_next(
    filled: Store,
) -> None:
    for seq in range(2, RECORDS + 2):
        with forging(filled) as conn:
            before = record(conn, seq - 1)
            move(conn, seq, 1)
            insert(conn, forged({**before, "seq": seq, "why": "forged"}, before["hash"]))

            # Behind the last one, the head that is kept beside the ledger finds it.
            assert first_bad(conn) == (seq + 1 if seq <= RECORDS else seq)


async def test_a_changed_record_with_a_hash_that_fits_is_found_by_the_next(filled: Store) -> None:
    for seq in range(2, RECORDS + 1):
        with forging(filled) as conn:
            changed = {**record(conn, seq), "why": "forged"}
            new = forged(changed, record(conn, seq - 1)["hash"])
            write(conn, seq, {"why": "forged", "hash": new["hash"]})

            assert first_bad(conn) == min(seq + 1, RECORDS)


async def test_two_records_that_changed_places_are_found(filled: Store) -> None:
    chance = random.Random(2)  # noqa: S311 - seeded trials, not security
    for _ in range(100):
        one, other = sorted(chance.sample(range(1, RECORDS + 1), 2))
        with forging(filled) as conn:
            first, second = record(conn, one), record(conn, other)
            write(conn, one, {c: second[c] for c in TEXT})
            write(conn, other, {c: first[c] for c in TEXT})

            assert first_bad(conn) == one


async def test_a_cut_tail_is_missed(filled: Store) -> None:
    for left in range(RECORDS):
        with forging(filled) as conn:
            conn.execute(sa.delete(LEDGER).where(LEDGER.c.seq > left))

            assert first_bad(conn) == left + 1


async def test_a_cut_tail_with_a_new_head_is_missed_by_a_head_noted_elsewhere(
    filled: Store,
) -> None:
    noted = await filled.ledger.head()
    left = RECORDS - 5

    with forging(filled) as conn:
        conn.execute(sa.delete(LEDGER).where(LEDGER.c.seq > left))
        conn.execute(sa.update(LEDGER_HEAD).values(seq=left, hash=record(conn, left)["hash"]))

        assert first_bad(conn, noted) == left + 1


async def test_a_ledger_rewritten_as_a_whole_is_found_by_a_head_noted_elsewhere(
    filled: Store,
) -> None:
    noted = await filled.ledger.head()

    with forging(filled) as conn:
        before = record(conn, 19)["hash"]
        for seq in range(20, RECORDS + 1):
            why = "forged" if seq == 20 else record(conn, seq)["why"]
            row = forged({**record(conn, seq), "why": why}, before)
            write(conn, seq, {"why": why, "hash": row["hash"]})
            before = row["hash"]
        conn.execute(sa.update(LEDGER_HEAD).values(hash=before))

        assert verify_within(conn).records == RECORDS
        assert first_bad(conn, noted) == RECORDS


async def test_an_older_noted_head_is_still_good_when_records_followed(filled: Store) -> None:
    noted = await filled.ledger.head()
    await filled.ledger.append(an_entry(99))

    assert (await filled.ledger.verify(str(noted))).records == RECORDS + 1


@pytest.mark.parametrize("text", ["", "12", "x:" + "0" * 64, "12:abc"])
async def test_a_noted_head_that_cannot_be_read_is_a_usage_error(store: Store, text: str) -> None:
    with pytest.raises(UsageError, match="SEQ:HASH"):
        await store.ledger.verify(text)


@pytest.mark.parametrize(
    "values", [{"seq": RECORDS - 1}, {"seq": RECORDS + 1}, {"hash": "f" * 64}, None]
)
async def test_a_changed_head_is_found(filled: Store, values: dict[str, Any] | None) -> None:
    with forging(filled) as conn:
        if values is None:
            conn.execute(sa.delete(LEDGER_HEAD))
        else:
            conn.execute(sa.update(LEDGER_HEAD).values(values))

        assert first_bad(conn) in (RECORDS, RECORDS + 1)


@pytest.mark.parametrize("column", ["ref", "salt", "person_key", "label"])
async def test_a_change_of_any_column_of_any_person_is_found(filled: Store, column: str) -> None:
    chance = random.Random(column)  # noqa: S311 - seeded trials, not security
    with filled.ledger._db.reading() as conn:
        refs = conn.execute(sa.select(PERSON.c.ref)).scalars().all()
    assert len(refs) == 6

    for ref in refs:
        with forging(filled) as conn:
            this = PERSON.c.ref == ref
            old = conn.execute(sa.select(PERSON.c[column]).where(this)).scalar_one()
            conn.execute(sa.update(PERSON).where(this).values({column: a_change(old, chance)}))

            first_bad(conn)


async def test_two_persons_that_changed_places_are_found(filled: Store) -> None:
    with forging(filled) as conn:
        one, other = conn.execute(sa.select(PERSON).limit(2)).all()
        for row, name in ((one, "between"), (other, one.label), (one, other.label)):
            this = sa.update(PERSON).where(PERSON.c.ref == row.ref)
            conn.execute(this.values(label=name, person_key=name.casefold()))

        assert first_bad(conn) > 0


async def test_a_person_taken_away_without_a_record_is_missed(filled: Store) -> None:
    with forging(filled) as conn:
        ref = record(conn, 5)["person_ref"]
        conn.execute(sa.delete(PERSON).where(PERSON.c.ref == ref))

        assert first_bad(conn) == 5


async def test_a_person_added_beside_the_chain_is_found(filled: Store) -> None:
    with forging(filled) as conn:
        label = r"EXAMPLE\stranger"
        row = {"ref": person_ref("00", label), "salt": "00", "label": label}
        conn.execute(sa.insert(PERSON).values(person_key=label.casefold(), **row))

        first_bad(conn)


async def test_an_erased_person_who_is_put_back_is_found(filled: Store) -> None:
    await filled.ledger.append(an_entry(50, person=r"EXAMPLE\back"))
    with filled.ledger._db.reading() as conn:
        old = conn.execute(sa.select(PERSON).where(PERSON.c.label == r"EXAMPLE\back")).one()
    await filled.ledger.erase(r"EXAMPLE\back", JANE, "asked for it", NOW)

    with forging(filled) as conn:
        conn.execute(sa.insert(PERSON).values(old._asdict()))

        assert first_bad(conn) == RECORDS + 2


@pytest.mark.parametrize("damage", ["X'AB12'", "CAST(X'ABFF' AS TEXT)"])
async def test_what_is_no_text_any_more_is_named(sqlite_store: Store, damage: str) -> None:
    # Only SQLite keeps a value of another type, or bytes that are no text, in a text column.
    for number in range(5):
        await sqlite_store.ledger.append(an_entry(number))

    with forging(sqlite_store) as conn:
        conn.exec_driver_sql(f"UPDATE ledger SET why = {damage} WHERE seq = 3")  # noqa: S608 - ours

        assert first_bad(conn) == 3
