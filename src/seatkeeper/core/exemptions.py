"""Whom an exemption protects: text without regard to case, patterns with `*` and `?`.

The index is built once a run, so that judging one user costs a few look-ups however long the
lists are. Butler's marks and the built-in protection live here too, because to the user they
are the same thing: a reason why the seat stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule, Policy


@dataclass(frozen=True, slots=True)
class Protection:
    """Why a user is protected, or (`unclear`) why that cannot be told."""

    why: str
    exemption: Exemption | None = None
    unclear: bool = False


class ExemptionIndex:
    """All protections of one policy at one moment."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        """Sort the exemptions that still protect at `now` by how they are looked up."""
        valid = [e for e in policy.exemptions if e.protects_at(now)]
        self._policy = policy
        self._own = policy.own_user.casefold()
        self._users = _by_text(valid, ExemptionKind.USER)
        self._directories = _by_text(valid, ExemptionKind.USER_DIRECTORY)
        self._tags = _by_text(valid, ExemptionKind.TAG)
        self._groups = _by_text(valid, ExemptionKind.GROUP)
        self._properties = {
            (e.match.strip().casefold(), e.value.strip().casefold()): e
            for e in valid
            if e.kind is ExemptionKind.CUSTOM_PROPERTY
        }
        self._patterns = [
            (pattern_of(e.match), e) for e in valid if e.kind is ExemptionKind.PATTERN
        ]

    def protection(self, user: User) -> Protection | None:
        """Return the first protection that holds for this user, None when none does."""
        return (
            self._built_in(user) or self._marked(user) or self._named(user) or self._carried(user)
        )

    def _built_in(self, user: User) -> Protection | None:
        if not self._policy.built_in_protection:
            return None
        if user.key == self._own:
            return Protection("Seatkeeper's own user")
        if user.directory.casefold() == "internal":
            return Protection("an internal user of Qlik Sense")
        if user.delete_prohibited:
            return Protection("a user that Qlik Sense forbids to delete")
        if user.roles is None:
            return Protection("the site did not tell the user's roles", unclear=True)
        if any(role.casefold() == "rootadmin" for role in user.roles):
            return Protection("a root administrator")
        return None

    def _marked(self, user: User) -> Protection | None:
        for name, rule, mark in (
            ("inactive", self._policy.inactive, user.inactive),
            ("blocked", self._policy.blocked, user.blocked),
            ("removed_externally", self._policy.removed_externally, user.removed_externally),
        ):
            if rule is MarkRule.IGNORE:
                continue
            if mark is None:
                return Protection(f"the site did not tell whether it is {name}", unclear=True)
            if mark is (rule is MarkRule.YES):
                return Protection(f"{name}: {rule.value}")
        return None

    def _named(self, user: User) -> Protection | None:
        key = user.key
        found = self._users.get(key) or self._directories.get(user.directory.casefold())
        if found is None:
            found = next((e for pattern, e in self._patterns if pattern(key)), None)
        return None if found is None else Protection(found.text, found)

    def _carried(self, user: User) -> Protection | None:
        for wanted, has, what in (
            (self._tags, user.tags, "tags"),
            (self._groups, user.groups, "groups"),
        ):
            if not wanted:
                continue
            if has is None:
                return Protection(f"the site did not tell the user's {what}", unclear=True)
            for text in has:
                if found := wanted.get(text.strip().casefold()):
                    return Protection(found.text, found)
        return self._with_property(user)

    def _with_property(self, user: User) -> Protection | None:
        if not self._properties:
            return None
        if user.properties is None:
            return Protection("the site did not tell the user's custom properties", unclear=True)
        for name, value in user.properties:
            if found := self._properties.get((name.strip().casefold(), value.strip().casefold())):
                return Protection(found.text, found)
        return None


def _by_text(exemptions: Iterable[Exemption], kind: ExemptionKind) -> dict[str, Exemption]:
    return {e.match.strip().casefold(): e for e in exemptions if e.kind is kind}


def pattern_of(text: str) -> Callable[[str], bool]:
    r"""Compile a pattern on `DIR\id` that has been case-folded; a backslash is a backslash."""
    folded = text.strip().casefold()
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in folded)
    matches = re.compile(expression, re.DOTALL).fullmatch
    return lambda key: matches(key) is not None


def carriers(exemption: Exemption, users: Iterable[User]) -> list[User]:
    """Return the users whom one exemption protects, whether or not it has expired."""
    index = ExemptionIndex(
        Policy(built_in_protection=False, exemptions=(_lasting(exemption),)),
        datetime.min,  # noqa: DTZ901 - an exemption without an end is compared with no date
    )
    return [u for u in users if (p := index.protection(u)) is not None and not p.unclear]


def _lasting(exemption: Exemption) -> Exemption:
    return Exemption(kind=exemption.kind, match=exemption.match, value=exemption.value)
