r"""Exemptions worth proposing for a site that was just read: what looks like no person's seat.

Nothing here protects anybody by itself; a person takes a proposal over or leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind
from seatkeeper.core.reach import reach_of

INTERNAL = "INTERNAL"
MOST_NAMED = 20
"""More root administrators than this are left to the built-in protection."""

_SERVICE = ("svc", "srv", "sa", "service", "robot", "bot", "batch", "task", "monitoring")
_TRIAL = ("test", "demo", "training")
_SEPARATORS = ("_", "-", ".")
_ADMIN_GROUPS = ("admin", "service", "robot")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One exemption, why it is proposed (its `reason`), and whom it would protect now."""

    exemption: Exemption
    users: tuple[User, ...]


def proposals_for(users: Iterable[User]) -> tuple[Proposal, ...]:
    """Return what is worth protecting on this site; each proposal reaches somebody."""
    people = [user for user in users if _is_plain(user)]
    wanted = [*_directories(), *_names(people), *_groups(people), *_root_admins(people)]
    reached = reach_of(wanted, people)
    return tuple(Proposal(e, tuple(found)) for e, found in reached if found)


def _is_plain(user: User) -> bool:
    """Leave out names that a file for people should not hold."""
    return user.label.isprintable() and "${" not in user.label


def _directories() -> Iterator[Exemption]:
    yield Exemption(ExemptionKind.USER_DIRECTORY, INTERNAL, reason="Qlik Sense's own users")


def _names(users: Iterable[User]) -> Iterator[Exemption]:
    """Yield a pattern for each way of naming service and test accounts that occurs."""
    ids = {user.user_id.casefold() for user in users if user.directory.upper() != INTERNAL}
    for words, reason in ((_SERVICE, "service accounts"), (_TRIAL, "test accounts")):
        for word in words:
            for separator in _SEPARATORS:
                begins, ends = f"{word}{separator}", f"{separator}{word}"
                if any(text.startswith(begins) for text in ids):
                    yield Exemption(ExemptionKind.PATTERN, f"*\\{begins}*", reason=reason)
                if any(text.endswith(ends) for text in ids):
                    yield Exemption(ExemptionKind.PATTERN, f"*\\*{ends}", reason=reason)
            if any(_is_numbered(text, word) for text in ids):
                yield Exemption(ExemptionKind.PATTERN, f"*\\{word}*", reason=reason)


def _is_numbered(text: str, word: str) -> bool:
    """`test`, `test1`, `robot07`: the word alone, or with a number."""
    return text.startswith(word) and (text[len(word) :] or "0").isdecimal()


def _groups(users: Iterable[User]) -> Iterator[Exemption]:
    """Yield each group whose name sounds like administrators or machines."""
    groups = {group.strip().casefold(): group for u in users for group in u.groups or ()}
    for folded, group in sorted(groups.items()):
        if any(word in folded for word in _ADMIN_GROUPS) and group.isprintable():
            reason = "administrators" if "admin" in folded else "service accounts"
            if "${" not in group:
                yield Exemption(ExemptionKind.GROUP, group.strip(), reason=reason)


def _root_admins(users: Iterable[User]) -> Iterator[Exemption]:
    found = [
        user.label
        for user in users
        if any(role.casefold() == "rootadmin" for role in user.roles or ())
        and user.directory.upper() != INTERNAL
    ]
    for label in sorted(found, key=str.casefold) if len(found) <= MOST_NAMED else ():
        yield Exemption(ExemptionKind.USER, label, reason="root administrator")
