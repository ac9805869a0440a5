"""Exemptions that match nobody, said aloud with the nearest spelling.

A typing error in an exemption costs somebody a seat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from heapq import nsmallest
from itertools import chain

from seatkeeper.core.exemptions import folded, pattern_of
from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind, Policy

MOST_COMPARED = 1_000
"""Texts compared as a whole for a near spelling; more would cost seconds on a large site."""

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 ._-@=\\"


def blind_exemptions(
    policy: Policy, users: Mapping[str, User], now: datetime
) -> list[tuple[Exemption, str]]:
    """Return each valid exemption that matches no user, with a sentence about it."""
    wanted = [e for e in policy.exemptions if e.protects_at(now) and not e.allow_empty]
    carried = {kind: _carried(kind, users.values()) for kind in {_carried_as(e) for e in wanted}}
    return [
        (e, _sentence(e, carried[_carried_as(e)], users.values()))
        for e in wanted
        if not _matches(e, carried[_carried_as(e)])
    ]


def _carried_as(exemption: Exemption) -> ExemptionKind:
    """Return the kind of text it is compared with: users and patterns share the names."""
    by_name = exemption.kind is ExemptionKind.PATTERN
    return ExemptionKind.USER if by_name else exemption.kind


def _carried(kind: ExemptionKind, users: Iterable[User]) -> set[str]:
    """Return what the users carry of this kind, folded."""
    return {folded(text) for text in set(_texts(kind, users))}


def _texts(kind: ExemptionKind, users: Iterable[User]) -> Iterable[str]:
    if kind is ExemptionKind.USER:
        return (user.label for user in users)
    if kind is ExemptionKind.USER_DIRECTORY:
        return (user.directory for user in users)
    if kind is ExemptionKind.TAG:
        return chain.from_iterable(user.tags or () for user in users)
    if kind is ExemptionKind.GROUP:
        return chain.from_iterable(user.groups or () for user in users)
    pairs = set(chain.from_iterable(user.properties or () for user in users))
    return (_pair(name, value) for name, value in pairs)


def _pair(name: str, value: str) -> str:
    return f"{name.strip()}={value.strip()}"


def _text(exemption: Exemption) -> str:
    if exemption.kind is ExemptionKind.CUSTOM_PROPERTY:
        return _pair(exemption.match, exemption.value)
    return exemption.match


def _matches(exemption: Exemption, carried: set[str]) -> bool:
    if exemption.kind is ExemptionKind.PATTERN:
        matches = pattern_of(exemption.match)
        return any(matches(key) for key in carried)
    return folded(_text(exemption)) in carried


def _sentence(exemption: Exemption, carried: set[str], users: Iterable[User]) -> str:
    near = _nearest(folded(_text(exemption)), carried)
    hint = (
        "" if near is None else f"; did you mean {_written(near, _carried_as(exemption), users)}?"
    )
    return f"no user matches the exemption by {exemption.text}{hint}"


def _written(text: str, kind: ExemptionKind, users: Iterable[User]) -> str:
    """Return a folded text as a user carries it."""
    return min(t for t in _texts(kind, users) if folded(t) == text)


def _nearest(text: str, carried: set[str]) -> str | None:
    """Return the nearest text: one letter off, or alike as a whole where there are few."""
    for other in _one_letter_off(text):
        if other in carried:
            return other
    alike = (t for t in carried if t[:1] == text[:1] and abs(len(t) - len(text)) <= 2)
    some = nsmallest(MOST_COMPARED, alike)
    return next(iter(get_close_matches(text, some, n=1, cutoff=0.75)), None)


def _one_letter_off(text: str) -> Iterator[str]:
    """Yield the text with one letter dropped, swapped with the next, replaced or added."""
    for i in range(len(text) + 1):
        before, after = text[:i], text[i:]
        if after:
            yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in LETTERS:
            if after:
                yield before + letter + after[1:]
            yield before + letter + after
