"""Filters for QRS lists, built in one place so that no value can change what is asked.

Grammar: QRS contract 6.3. Text and dates stand in single quotes with backslash escapes, GUIDs
without quotes and therefore only after they proved to be GUIDs. Refuses empty groups, because
QRS answers them with 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

LONGEST_URL = 1_999
"""Bytes of a whole address; no limit is documented, so we stay below 2 kB (contract 9 #18)."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PROPERTY = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*")


@dataclass(frozen=True, slots=True)
class Guid:
    """An id that certainly is a GUID; raises ValueError for anything else."""

    text: str

    def __post_init__(self) -> None:
        """Refuse what could be read as anything but one value."""
        if not _GUID.fullmatch(self.text):
            raise ValueError(f"{self.text[:60]!r} is not a GUID")


Value = str | datetime | Guid


def where(property_: str, operator: str, value: Value) -> str:
    """Return one comparison in parentheses, not yet percent-encoded."""
    if not _PROPERTY.fullmatch(property_) or operator not in _OPERATORS[type(value)]:
        raise ValueError(f"no comparison of {property_!r} by {operator!r} with such a value")
    return f"({property_} {operator} {literal(value)})"


_OPERATORS: dict[type, frozenset[str]] = {
    str: frozenset({"eq", "ne", "sw", "ew", "so"}),
    datetime: frozenset({"eq", "ne", "gt", "ge", "lt", "le"}),
    Guid: frozenset({"eq", "ne"}),
}
"""Which comparison QRS knows for which kind of value."""


def literal(value: Value) -> str:
    r"""Return a value as the grammar wants it: `'O\'Neil'`, a GUID bare, a date with `Z`.

    A date is cut to whole milliseconds, which never asks for less with `ge`.
    """
    if isinstance(value, Guid):
        return value.text
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None)
        return f"'{moment.isoformat(timespec='milliseconds')}Z'"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def encoded(filter_: str) -> str:
    """Percent-encode a whole filter as one component of a query."""
    return quote(filter_, safe="")


def any_of(property_: str, values: Iterable[Value], room: int) -> Iterator[str]:
    """Yield the fewest filters that together match any of the values; none for no values.

    `room` is the number of bytes a filter may have once it is percent-encoded
    (see `room_in`). Raises ValueError when a single value does not fit.
    """
    group: list[str] = []
    used = 0
    for value in values:
        one = where(property_, "eq", value)[1:-1]
        cost = len(encoded(one))
        if cost + _FRAME > room:
            raise ValueError(f"one value of {property_} needs {cost} bytes, there are {room}")
        if group and used + cost + _OR + _FRAME > room:
            yield _group(group)
            group, used = [], 0
        used += cost + (_OR if group else 0)
        group.append(one)
    if group:
        yield _group(group)


def room_in(base: str, path: str) -> int:
    """Return the bytes left for an encoded filter below this address."""
    around = f"{base}{path}?filter=&xrfkey={'0' * 16}"
    return LONGEST_URL - len(around.encode())


_FRAME = len(encoded("()"))
_OR = len(encoded(" or "))


def _group(comparisons: list[str]) -> str:
    return "(" + " or ".join(comparisons) + ")"
