"""Exemptions that match nobody, said aloud with the nearest spelling.

A typing error in an exemption costs somebody a seat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches

from seatkeeper.core.exemptions import pattern_of
from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind, Policy

MOST_COMPARED = 20_000
"""Texts compared for a near spelling; more would cost seconds on a large site."""


def blind_exemptions(
    policy: Policy, users: Mapping[str, User], now: datetime
) -> list[tuple[Exemption, str]]:
    """Return each valid exemption that matches no user, with a sentence about it."""
    wanted = [e for e in policy.exemptions if e.protects_at(now) and not e.allow_empty]
    carried = {kind: _carried(kind, users.values()) for kind in {e.kind for e in wanted}}
    return [(e, _sentence(e, carried[e.kind])) for e in wanted if not _matches(e, carried[e.kind])]


def _carried(kind: ExemptionKind, users: Iterable[User]) -> dict[str, str]:
    """What the users carry of this kind: folded text -> as written."""
    return {text.strip().casefold(): text for user in users for text in _texts(kind, user)}


def _texts(kind: ExemptionKind, user: User) -> Iterator[str]:
    if kind in (ExemptionKind.USER, ExemptionKind.PATTERN):
        yield user.label
    elif kind is ExemptionKind.USER_DIRECTORY:
        yield user.directory
    elif kind is ExemptionKind.TAG:
        yield from user.tags or ()
    elif kind is ExemptionKind.GROUP:
        yield from user.groups or ()
    else:
        yield from (_pair(name, value) for name, value in user.properties or ())


def _pair(name: str, value: str) -> str:
    return f"{name.strip()}={value.strip()}"


def _text(exemption: Exemption) -> str:
    if exemption.kind is ExemptionKind.CUSTOM_PROPERTY:
        return _pair(exemption.match, exemption.value)
    return exemption.match.strip()


def _matches(exemption: Exemption, carried: Mapping[str, str]) -> bool:
    if exemption.kind is ExemptionKind.PATTERN:
        matches = pattern_of(exemption.match)
        return any(matches(key) for key in carried)
    return _text(exemption).casefold() in carried


def _sentence(exemption: Exemption, carried: Mapping[str, str]) -> str:
    folded = _text(exemption).casefold()
    near = [t for t in carried if abs(len(t) - len(folded)) <= 2 and t[:1] == folded[:1]]
    close = get_close_matches(folded, near[:MOST_COMPARED], n=1, cutoff=0.75)
    hint = f"; did you mean {carried[close[0]]}?" if close else ""
    return f"no user matches the exemption by {exemption.text}{hint}"
