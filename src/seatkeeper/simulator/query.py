"""Filters, sorting and table columns over rows of any kind.

A collection says which properties it has (`Field`); from a filter text comes a test for rows, and
where the filter names rows by id, the few rows that can match at all, so that nobody scans 100,000.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any as AnyValue
from typing import TypeAlias

from seatkeeper.simulator.answers import bad_request
from seatkeeper.simulator.grammar import All, Compare, Expression, Literal, Not, parse_filter
from seatkeeper.simulator.moments import parse_ms, zone_offset
from seatkeeper.simulator.switches import Switches

_GUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_INTEGER = re.compile(r"^-?\d+$")


class Kind(enum.Enum):
    """What a property holds; it decides operators and how a value is written."""

    TEXT = "text"
    GUID = "guid"
    DATE = "date"
    BOOL = "bool"
    NUMBER = "number"


_ORDER = frozenset({"lt", "le", "gt", "ge"})
_OPERATORS: dict[Kind, frozenset[str]] = {
    Kind.TEXT: frozenset({"eq", "ne", "sw", "ew", "so"}),
    Kind.GUID: frozenset({"eq", "ne"}),
    Kind.BOOL: frozenset({"eq", "ne"}),
    Kind.DATE: frozenset({"eq", "ne"}) | _ORDER,
    Kind.NUMBER: frozenset({"eq", "ne"}) | _ORDER,
}

Row: TypeAlias = AnyValue
Test: TypeAlias = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """One property: its kind, how to read it from a row, and an index where there is one.

    Dates are milliseconds. `many` properties give a list, and one element that matches is enough.
    """

    kind: Kind
    read: Callable[[Row], AnyValue]
    many: bool = False
    index: Callable[[str], Iterable[Row]] | None = None
    names: Mapping[str, int] | None = None
    """Names of the numbers of an enum, in lower case."""


Fields: TypeAlias = Mapping[str, Field]
"""Properties by their path in lower case."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter ready for use: the test, and the only rows that can match when an index knows."""

    test: Test
    candidates: list[Row] | None

    def apply(self, rows: Iterable[Row]) -> list[Row]:
        """Give the matching rows, in the order in which they come."""
        return list(filter(self.test, rows if self.candidates is None else self.candidates))


def make_filter(text: str, fields: Fields, switches: Switches) -> Filter:
    """Turn a decoded filter text into a `Filter`; what QRS refuses raises a 400."""
    expression = parse_filter(text, switches)
    test = _compile(expression, fields, switches)
    found = _candidates(expression, fields)
    return Filter(test, None if found is None else list(found.values()))


def _compile(expression: Expression, fields: Fields, switches: Switches) -> Test:
    if isinstance(expression, Compare):
        return _comparison(expression, fields, switches)
    if isinstance(expression, Not):
        inner = _compile(expression.part, fields, switches)
        return lambda row: not inner(row)
    tests = [_compile(part, fields, switches) for part in expression.parts]
    if isinstance(expression, All):
        return lambda row: all(test(row) for test in tests)
    return lambda row: any(test(row) for test in tests)


def _comparison(compare: Compare, fields: Fields, switches: Switches) -> Test:
    field = _find_field(compare.path, fields, switches)
    if field is None:
        return lambda _row: False
    if compare.operator not in _OPERATORS[field.kind]:
        raise bad_request()
    matches = _matcher(compare.operator, _value(compare.value, field, switches))
    read = field.read
    if field.many:
        return lambda row: any(matches(item) for item in read(row))
    return lambda row: matches(read(row))


def _find_field(path: str, fields: Fields, switches: Switches) -> Field | None:
    if path.startswith("@") and switches.filter_extras == "accept":
        return fields.get("@")
    field = fields.get(path)
    if field is None and switches.filter_unknown == "400":
        raise bad_request("Invalid expression")
    return field


def _value(literal: Literal, field: Field, switches: Switches) -> AnyValue:
    if not literal.quoted and literal.text.lower() == "null":
        return None
    if literal.quoted != (field.kind in {Kind.TEXT, Kind.DATE}):
        raise bad_request()
    return _READERS[field.kind](literal.text, field, switches)


def _read_text(text: str, _field: Field, _switches: Switches) -> str:
    return text.casefold()


def _read_date(text: str, _field: Field, switches: Switches) -> int:
    try:
        return parse_ms(text, zone_offset(switches.date_zone))
    except ValueError:
        raise bad_request() from None


def _read_guid(text: str, _field: Field, _switches: Switches) -> str:
    if _GUID.match(text) is None:
        raise bad_request()
    return text.lower()


def _read_bool(text: str, _field: Field, _switches: Switches) -> bool:
    if text.lower() not in {"true", "false"}:
        raise bad_request()
    return text.lower() == "true"


def _read_number(text: str, field: Field, _switches: Switches) -> int:
    if field.names and text.lower() in field.names:
        return field.names[text.lower()]
    if _INTEGER.match(text) is None:
        raise bad_request()
    return int(text)


_READERS: dict[Kind, Callable[[str, Field, Switches], AnyValue]] = {
    Kind.TEXT: _read_text,
    Kind.DATE: _read_date,
    Kind.GUID: _read_guid,
    Kind.BOOL: _read_bool,
    Kind.NUMBER: _read_number,
}


def _matcher(operator: str, wanted: AnyValue) -> Callable[[AnyValue], bool]:
    if isinstance(wanted, str):
        test = _TEXT_MATCHERS[operator]
        return lambda value: value is not None and test(value.casefold(), wanted)
    if wanted is None and operator not in {"eq", "ne"}:
        raise bad_request()
    return _ORDER_MATCHERS[operator](wanted)


_TEXT_MATCHERS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value != wanted,
    "sw": lambda value, wanted: value.startswith(wanted),
    "ew": lambda value, wanted: value.endswith(wanted),
    "so": lambda value, wanted: wanted in value,
}
_ORDER_MATCHERS: dict[str, Callable[[AnyValue], Callable[[AnyValue], bool]]] = {
    "eq": lambda wanted: lambda value: value == wanted,
    "ne": lambda wanted: lambda value: value != wanted,
    "lt": lambda wanted: lambda value: value < wanted,
    "le": lambda wanted: lambda value: value <= wanted,
    "gt": lambda wanted: lambda value: value > wanted,
    "ge": lambda wanted: lambda value: value >= wanted,
}


def _candidates(expression: Expression, fields: Fields) -> dict[str, Row] | None:
    """Find the only rows that can match, by id; None means that all have to be looked at."""
    if isinstance(expression, Compare):
        field = fields.get(expression.path)
        if field is None or field.index is None or expression.operator != "eq":
            return None
        return {row.id: row for row in field.index(expression.value.text.casefold())}
    if isinstance(expression, Not):
        return None
    found = [_candidates(part, fields) for part in expression.parts]
    known = [rows for rows in found if rows is not None]
    if isinstance(expression, All):
        return min(known, key=len) if known else None
    if len(known) < len(found):
        return None
    return {key: row for rows in known for key, row in rows.items()}


def sort_rows(rows: list[Row], order: str, fields: Fields, switches: Switches) -> list[Row]:
    """Sort by a text such as `Name asc,lastUsed desc`; later properties decide ties."""
    for piece in reversed([piece.split() for piece in order.split(",") if piece.strip()]):
        direction = piece[1].lower() if len(piece) > 1 else "asc"
        if len(piece) > 2 or direction not in {"asc", "desc"}:
            raise bad_request()
        if "." in piece[0] and switches.nested_orderby == "refuse":
            raise bad_request()
        rows = sort_by(rows, piece[0], fields, descending=direction == "desc")
    return rows


def sort_by(rows: list[Row], path: str, fields: Fields, *, descending: bool) -> list[Row]:
    """Sort by one property; a property that has no order is a 400."""
    field = fields.get(path.lower())
    if field is None or field.many:
        raise bad_request("Invalid expression")
    read = field.read

    def key(row: Row) -> tuple[bool, AnyValue]:
        value = read(row)
        value = value.casefold() if isinstance(value, str) else value
        return (value is not None, 0 if value is None else value)

    return sorted(rows, key=key, reverse=descending)
