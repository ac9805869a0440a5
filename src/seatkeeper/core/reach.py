"""Whom each exemption reaches on a site, found for all of them in one pass over the users."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from seatkeeper.core.exemptions import folded, pattern_of
from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind


def reach_of(
    exemptions: Sequence[Exemption], users: Iterable[User]
) -> list[tuple[Exemption, list[User]]]:
    """Return each exemption with the users it matches, expired or not, in the given order."""
    people = list(users)
    carried = {kind: _by_text(kind, people) for kind in {e.kind for e in exemptions}}
    return [(e, _matched(e, carried[e.kind])) for e in exemptions]


Carried = Mapping[tuple[str, str], list[User]]


def _by_text(kind: ExemptionKind, users: Iterable[User]) -> Carried:
    found: dict[tuple[str, str], list[User]] = {}
    for user in users:
        for text in set(_texts(kind, user)):
            found.setdefault(text, []).append(user)
    return found


def _texts(kind: ExemptionKind, user: User) -> Iterator[tuple[str, str]]:
    if kind in (ExemptionKind.USER, ExemptionKind.PATTERN):
        yield folded(user.label), ""
    elif kind is ExemptionKind.USER_DIRECTORY:
        yield folded(user.directory), ""
    elif kind is ExemptionKind.TAG:
        yield from ((folded(tag), "") for tag in user.tags or ())
    elif kind is ExemptionKind.GROUP:
        yield from ((folded(group), "") for group in user.groups or ())
    else:
        yield from ((folded(name), folded(value)) for name, value in user.properties or ())


def _matched(exemption: Exemption, carried: Carried) -> list[User]:
    if exemption.kind is not ExemptionKind.PATTERN:
        return carried.get((folded(exemption.match), folded(exemption.value)), [])
    matches = pattern_of(exemption.match)
    return [user for (label, _), users in carried.items() if matches(label) for user in users]
