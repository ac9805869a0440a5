from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatkeeper.simulator.query import Field, Kind, make_filter
from seatkeeper.simulator.switches import Switches
from simulator.world import ANALYZER, World

SEATS = "license/analyzeraccesstype/full"


def filled() -> World:
    world = World.empty()
    for number in range(12):
        user = world.user(f"user{number}", "EXAMPLE" if number % 2 else "PARTNER")
        world.seat(user, used_days_ago=None if number % 4 == 0 else number * 10)
    return world


WORLD = filled()
IDS = [seat.id for seat in WORLD.site.records.seats[ANALYZER].values()]
USERS = list(WORLD.site.records.users)
ATOMS = st.one_of(
    st.sampled_from(IDS).map(lambda key: f"id eq {key}"),
    st.sampled_from(USERS).map(lambda key: f"user.id eq {key}"),
    st.integers(0, 13).map(lambda number: f"user.userId eq 'USER{number}'"),
    st.sampled_from(["quarantined eq false", "user.userDirectory ne 'partner'"]),
    st.sampled_from(["lastUsed lt '2025-12-01'", "lastUsed ge '2026-01-01T00:00:00.000Z'"]),
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(
        lambda parts: "(" + "".join(parts) + ")"
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_the_index_finds_what_a_scan_finds(text: str) -> None:
    fields = WORLD.resources.collections["license/analyzeraccesstype"].fields
    blind = {name: Field(one.kind, one.read, one.many) for name, one in fields.items()}
    rows = list(WORLD.site.records.seats[ANALYZER].values())

    found = make_filter(text, fields, Switches()).apply(rows)
    scanned = make_filter(text, blind, Switches()).apply(rows)

    assert {seat.id for seat in found} == {seat.id for seat in scanned}
    assert len(found) == len(scanned)


def test_a_filter_by_ids_looks_at_those_rows_only() -> None:
    looked_at: list[Any] = []

    def read(row: Any) -> str:
        looked_at.append(row)
        return str(row.id)

    by_id = {seat.id: seat for seat in WORLD.site.records.seats[ANALYZER].values()}
    fields = {"id": Field(Kind.GUID, read, index=lambda key: [by_id[key]])}
    text = f"id eq {IDS[0]} or id eq {IDS[1]}"

    make_filter(text, fields, Switches()).apply(by_id.values())

    assert {row.id for row in looked_at} == {IDS[0], IDS[1]}


def test_seats_never_used_count_as_used_long_ago() -> None:
    found = WORLD.get(SEATS, filter="lastUsed lt '2000-01-01T00:00:00.000Z'")

    assert {seat["lastUsed"] for seat in found} == {"1753-01-01T00:00:00.000Z"}
    assert len(found) == 3


def test_orderby_sorts_by_several_properties() -> None:
    users = WORLD.get("user", orderby="userDirectory desc,userId asc")

    keys = [(user["userDirectory"], user["userId"]) for user in users]
    assert keys == sorted(sorted(keys, key=lambda key: key[1]), key=lambda key: key[0] != "PARTNER")


def test_orderby_of_dates_puts_never_first() -> None:
    used = [seat["lastUsed"] for seat in WORLD.get(SEATS, orderby="lastUsed")]

    assert used == sorted(used)


@pytest.mark.parametrize("order", ["shoeSize", "userId upwards", "userId asc desc", "tags.name"])
def test_an_order_that_cannot_be_meant_is_refused(order: str) -> None:
    assert WORLD.ask("GET", "user", orderby=order)[0] == 400


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_can_be_compared_for_equality(kind: Kind) -> None:
    text = {
        Kind.TEXT: "p eq 'a'",
        Kind.GUID: f"p eq {IDS[0]}",
        Kind.DATE: "p eq '1970-01-01'",
        Kind.BOOL: "p eq true",
        Kind.NUMBER: "p eq -7",
    }[kind]
    value = {
        Kind.TEXT: "A",
        Kind.GUID: IDS[0],
        Kind.DATE: 0,
        Kind.BOOL: True,
        Kind.NUMBER: -7,
    }[kind]

    made = make_filter(text, {"p": Field(kind, lambda row: row)}, Switches())

    assert made.apply([value]) == [value]
