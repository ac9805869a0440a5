"""Filters: no value changes what is asked, every group fits, none is empty."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qrs_rows import a_guid
from seatkeeper.qrs.filters import Guid, Value, any_of, encoded, literal, room_in, where

BASE = "https://sense01.example.internal:4242/qrs"
PATH = "/license/professionalaccesstype/full"


def unescape(text: str) -> str:
    """Read a quoted literal as QRS does: a backslash takes the next character as it is."""
    assert text[0] == text[-1] == "'"
    inner = text[1:-1]
    assert re.fullmatch(r"(?:[^\\']|\\[\\'])*", inner, re.DOTALL)
    return re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL)


@given(st.text())
def test_any_text_survives_quoting_and_encoding(text: str) -> None:
    sent = encoded(literal(text)) if _encodable(text) else None

    assert unescape(literal(text)) == text
    if sent is not None:
        assert unquote(sent) == literal(text)
        assert re.fullmatch(r"[A-Za-z0-9%._~-]*", sent)


def _encodable(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("anna.berg", "'anna.berg'"),
        ("O'Neil", "'O\\'Neil'"),
        ("EXAMPLE\\anna", "'EXAMPLE\\\\anna'"),
        ("x' or userId ne '", "'x\\' or userId ne \\''"),
        ("\\'", "'\\\\\\''"),
        ("", "''"),
        (datetime(2026, 2, 1, 12, 30, 15, 999_999, tzinfo=UTC), "'2026-02-01T12:30:15.999Z'"),
        (
            datetime(2026, 2, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "'2026-01-31T23:00:00.000Z'",
        ),
    ],
)
def test_literals_are_written_as_the_grammar_wants(value: Value, expected: str) -> None:
    assert literal(value) == expected


def test_a_guid_stands_bare() -> None:
    assert where("user.id", "eq", Guid(a_guid(1))) == f"(user.id eq {a_guid(1)})"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "x) or (1 eq 1",
        a_guid(1) + " or id ne x",
        a_guid(1) + "\n",
        "{" + a_guid(1) + "}",
        a_guid(1).replace("-", ""),
    ],
)
def test_what_is_no_guid_never_stands_bare(text: str) -> None:
    with pytest.raises(ValueError, match="not a GUID"):
        Guid(text)


@pytest.mark.parametrize(
    ("property_", "operator", "value"),
    [
        ("userId", "gt", "a"),
        ("id", "sw", Guid(a_guid(1))),
        ("lastUsed", "so", datetime(2026, 1, 1, tzinfo=UTC)),
        ("id or 1", "eq", "a"),
        ("", "eq", "a"),
        ("userId", "or", "a"),
    ],
)
def test_comparisons_the_grammar_does_not_know_are_refused(
    property_: str, operator: str, value: Value
) -> None:
    with pytest.raises(ValueError, match="no comparison"):
        where(property_, operator, value)


def test_no_values_give_no_filter() -> None:
    assert list(any_of("id", [], room_in(BASE, PATH))) == []


@given(st.integers(1, 300), st.integers(0, 1500))
def test_packed_filters_hold_every_id_once_and_fit(count: int, base_length: int) -> None:
    base = "https://s/" + "q" * base_length
    ids = [a_guid(n) for n in range(count)]

    filters = list(any_of("user.id", map(Guid, ids), room_in(base, PATH)))

    found = [i for f in filters for i in re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", f)]
    assert found == ids
    for filter_ in filters:
        url = f"{base}{PATH}?filter={encoded(filter_)}&xrfkey={'x' * 16}"
        assert len(url.encode()) < 2000
        assert re.fullmatch(r"\(user\.id eq \S+(?: or user\.id eq \S+)*\)", filter_)


def test_packing_uses_the_room_there_is() -> None:
    filters = list(any_of("id", [Guid(a_guid(n)) for n in range(350)], room_in(BASE, PATH)))

    assert len(filters) <= 11


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=60))
def test_packed_texts_fit_too(values: list[str]) -> None:
    room = room_in(BASE, PATH)

    filters = list(any_of("userId", values, room))

    assert all(0 < len(encoded(f)) <= room for f in filters)
    assert sum(f.count(" eq ") for f in filters) >= len(values)


def test_a_value_that_cannot_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs"):
        list(any_of("userId", ["x" * 3000], room_in(BASE, PATH)))
