"""Everything that can go wrong at the simulated site, as values read from short texts.

A fault reads `KIND[=VALUE][:QUALIFIER=VALUE…]`, for example `status=500:every=7:method=DELETE`.
Qualifiers: `every=K` (each k-th matching request), `first=N` (only the first n matching ones),
`after=N` (none of the first n), `method=…`, `path=…` (part of the path), `id=…` (ends with).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from seatkeeper.simulator.moments import DAY, HOUR, MINUTE, SECOND

_DURATION = re.compile(r"^(-?\d+(?:\.\d+)?)(ms|s|m|h|d)$")
_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


class FaultKind(enum.StrEnum):
    """What goes wrong; the value in brackets is what follows the equals sign."""

    LATENCY = "latency"
    """The answer comes later (milliseconds)."""
    SLOW = "slow"
    """The body trickles (bytes a second)."""
    HANG = "hang"
    """No answer ever comes (before or after the effect)."""
    DROP = "drop"
    """The connection is closed without an answer (before or after the effect)."""
    LOST = "lost"
    """A request that succeeded gets no answer."""
    STATUS = "status"
    """Refused with this HTTP status, nothing is carried out."""
    HTML = "html"
    """A login page with status 200, nothing is carried out."""
    CUT = "cut"
    """The body ends half-way."""
    NO_LENGTH_CUT = "cut_silently"
    """The body ends half-way and nothing in the answer shows it."""
    NOT_JSON = "not_json"
    """The body is not JSON although it says so."""
    IGNORE_DELETE = "ignore_delete"
    """A DELETE answers 204 and does nothing."""
    IGNORE_FILTER = "ignore_filter"
    """The filter is not looked at."""
    USAGE = "usage"
    """The usage endpoints answer 403, 404, empty lists or nothing (403, 404, empty, hang)."""
    STALE = "stale"
    """No seat shows a use younger than this (duration)."""
    ACCIDENT = "accident"
    """A directory sync marks this share of the users as removed (share)."""
    SKEW = "skew"
    """The Date header is wrong by this much (duration)."""
    NO_DATE = "no_date"
    """There is no Date header."""


_VALUES: dict[FaultKind, tuple[str, ...]] = {
    FaultKind.HANG: ("before", "after"),
    FaultKind.DROP: ("before", "after"),
    FaultKind.USAGE: ("403", "404", "empty", "hang"),
}
_NUMBERS = {FaultKind.LATENCY, FaultKind.SLOW, FaultKind.STATUS}
_DURATIONS = {FaultKind.STALE, FaultKind.SKEW}
WHOLE_SITE = {FaultKind.STALE, FaultKind.ACCIDENT, FaultKind.SKEW, FaultKind.NO_DATE}
"""Kinds that belong to the site and not to single requests; they take no qualifiers."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and for which requests."""

    kind: FaultKind
    value: str = ""
    every: int = 1
    first: int = 0
    after: int = 0
    method: str = ""
    path: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        self._check_value()
        if self.every < 1 or self.first < 0 or self.after < 0:
            msg = f"fault {self.kind}: every, first and after are counts of requests"
            raise ValueError(msg)

    def _check_value(self) -> None:
        known = _VALUES.get(self.kind)
        if known and self.value not in known:
            msg = f"fault {self.kind}={self.value!r} is not possible; possible: {', '.join(known)}"
            raise ValueError(msg)
        if self.kind in _NUMBERS and not self.value.isdecimal():
            msg = f"fault {self.kind}={self.value!r}: write a whole number"
            raise ValueError(msg)
        if self.kind in _DURATIONS:
            duration_ms(self.value)
        if self.kind is FaultKind.ACCIDENT:
            share(self.value)
        if self.kind is FaultKind.STATUS and not 400 <= int(self.value) <= 599:
            msg = f"fault status={self.value}: write a status from 400 to 599"
            raise ValueError(msg)
        if self.kind is FaultKind.SLOW and int(self.value) == 0:
            msg = "fault slow=0: write at least one byte a second, or use hang"
            raise ValueError(msg)

    @property
    def number(self) -> int:
        """The value of a kind that takes a number."""
        return int(self.value)

    def concerns(self, method: str, path: str) -> bool:
        """Say whether the fault is meant for such a request; the path is in lower case."""
        if self.kind is FaultKind.USAGE and "accessusage" not in path:
            return False
        return (
            (not self.method or self.method == method)
            and (not self.path or self.path in path)
            and (not self.id or path.endswith(self.id))
        )

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read one fault from its text; what cannot be meant is a ValueError."""
        head, *rest = _pieces(text)
        name, _, value = head.partition("=")
        try:
            kind = FaultKind(name.strip().replace("-", "_").lower())
        except ValueError:
            msg = f"fault {name!r} is not known; known: {', '.join(FaultKind)}"
            raise ValueError(msg) from None
        if not value and kind in _VALUES:
            value = _VALUES[kind][0]
        if rest and kind in WHOLE_SITE:
            msg = f"fault {kind} concerns the whole site and takes no qualifier"
            raise ValueError(msg)
        found = _qualifiers(text, rest)
        return cls(kind, value.strip(), **found)


def _pieces(text: str) -> list[str]:
    return [piece for piece in text.strip().split(":") if piece]


def _qualifiers(text: str, pieces: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for piece in pieces:
        name, _, value = piece.partition("=")
        if name in {"every", "first", "after"} and value.isdecimal():
            found[name] = int(value)
        elif name == "method" and value:
            found[name] = value.upper()
        elif name in {"path", "id"} and value:
            found[name] = value.lower()
        else:
            msg = (
                f"fault {text!r}: {piece!r} is no qualifier; known: every=K, first=N, after=N, "
                "method=M, path=TEXT, id=GUID"
            )
            raise ValueError(msg)
    return found


def duration_ms(text: str) -> int:
    """Read `5d`, `12h`, `-10m`, `30s`, `20ms` as milliseconds; anything else is a ValueError."""
    found = _DURATION.match(text)
    if found is None:
        msg = f"not a duration such as 5d or 10m: {text!r}"
        raise ValueError(msg)
    return round(float(found[1]) * _UNITS[found[2]])


def share(text: str) -> float:
    """Read `30%` or `0.3` as a share from 0 to 1; anything else is a ValueError."""
    try:
        number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        msg = f"not a share such as 30%: {text!r}"
        raise ValueError(msg)
    return number


@dataclass(frozen=True, slots=True)
class Faults:
    """All faults of a site, in the order in which they were named."""

    items: tuple[Fault, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Faults:
        """Read fault texts; what cannot be meant is a ValueError that says why."""
        return cls(tuple(Fault.parse(text) for text in texts))

    def value_of(self, kind: FaultKind) -> str:
        """Give the value of the last fault of a kind, or an empty text."""
        values = [fault.value for fault in self.items if fault.kind is kind]
        return values[-1] if values else ""

    def has(self, kind: FaultKind) -> bool:
        """Say whether a fault of this kind is on."""
        return any(fault.kind is kind for fault in self.items)
