"""Whom an exemption protects: text without regard to case, patterns with `*` and `?`.

The index is built once a run, so that judging one user costs a few look-ups however long the
lists are. Butler's marks and the built-in protection live here too, because to the user they
are the same thing: a reason why the seat stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from seatkeeper.core.model import User
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule, Policy


@dataclass(frozen=True, slots=True)
class Protection:
    """Why a user is protected, or (`unclear`) why that cannot be told."""

    why: str
    exemption: Exemption | None = None
    unclear: bool = False


_OWN_USER = Protection("Seatkeeper's own user")
_INTERNAL = Protection("an internal user of Qlik Sense")
_UNDELETABLE = Protection("a user that Qlik Sense forbids to delete")
_ROOT_ADMIN = Protection("a root administrator")

Look = Callable[[User], Protection | None]
Found = TypeVar("Found")


def folded(text: str) -> str:
    """Return the form in which texts of exemptions and users are compared.

    Letters with marks are one character or two, depending on who wrote them; both are the same.
    """
    plain = text.strip().casefold()
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


class _Wanted(dict[str, Found | None], Generic[Found]):
    """Texts looked for; each text met is folded once, for many users carry the same ones."""

    def __init__(self, wanted: Mapping[str, Found]) -> None:
        super().__init__()
        self.wanted = wanted

    def __missing__(self, text: str) -> Found | None:
        found = self[text] = self.wanted.get(folded(text))
        return found

    def among(self, texts: Iterable[str]) -> Found | None:
        """Return what belongs to the first text that is wanted."""
        for text in texts:
            found = self[text]
            if found is not None:
                return found
        return None


class ExemptionIndex:
    """All protections of one policy at one moment."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        """Sort the exemptions that still protect at `now` by how they are looked up."""
        valid = [e for e in policy.exemptions if e.protects_at(now)]
        self._names = _by_text(valid, ExemptionKind.USER)
        directories = _by_text(valid, ExemptionKind.USER_DIRECTORY)
        if policy.built_in_protection:
            self._names[folded(policy.own_user)] = _OWN_USER
            directories["internal"] = _INTERNAL
        self._directories = _Wanted(directories)
        self._tags = _Wanted(_by_text(valid, ExemptionKind.TAG))
        self._groups = _Wanted(_by_text(valid, ExemptionKind.GROUP))
        self._values = _Wanted(_values_by_property(valid))
        self._patterns = [
            (pattern_of(e.match), Protection(e.text, e))
            for e in valid
            if e.kind is ExemptionKind.PATTERN
        ]
        self._looks = tuple(self._looks_needed(policy))

    def _looks_needed(self, policy: Policy) -> Iterable[Look]:
        """Yield the questions this policy asks of every user."""
        yield self._named
        if policy.built_in_protection:
            yield from (_undeletable, _root_admin)
        for name, rule in (
            ("inactive", policy.inactive),
            ("blocked", policy.blocked),
            ("removed_externally", policy.removed_externally),
        ):
            if rule is not MarkRule.IGNORE:
                yield _mark(name, rule)
        if self._tags.wanted:
            yield self._tagged
        if self._groups.wanted:
            yield self._grouped
        if self._values.wanted:
            yield self._with_property

    def protection(self, user: User) -> Protection | None:
        """Return a protection that holds for this user, None when none does.

        One that certainly holds goes before one of which the site told too little (`unclear`).
        """
        doubt: Protection | None = None
        for look in self._looks:
            found = look(user)
            if found is not None:
                if not found.unclear:
                    return found
                doubt = doubt or found
        return doubt

    def protection_by_name(self, label: str) -> Protection | None:
        r"""Return what protects whoever is called `DIR\id`."""
        key = folded(label)
        found = self._names.get(key) or self._directories[label.partition("\\")[0]]
        if found is None:
            for matches, protection in self._patterns:
                if matches(key):
                    return protection
        return found

    def _named(self, user: User) -> Protection | None:
        return self.protection_by_name(user.label)

    def _tagged(self, user: User) -> Protection | None:
        return _untold("tags") if user.tags is None else self._tags.among(user.tags)

    def _grouped(self, user: User) -> Protection | None:
        return _untold("groups") if user.groups is None else self._groups.among(user.groups)

    def _with_property(self, user: User) -> Protection | None:
        if user.properties is None:
            return _untold("custom properties")
        for name, value in user.properties:
            values = self._values[name]
            if values is not None and (found := values.get(folded(value))):
                return found
        return None


def _undeletable(user: User) -> Protection | None:
    if user.delete_prohibited is None:
        return _untold("deletion flag")
    return _UNDELETABLE if user.delete_prohibited else None


def _root_admin(user: User) -> Protection | None:
    if user.roles is None:
        return _untold("roles")
    return _ROOT_ADMIN if any(folded(role) == "rootadmin" for role in user.roles) else None


def _mark(name: str, rule: MarkRule) -> Look:
    """Make the look at one of Butler's marks."""
    protecting = rule is MarkRule.YES
    protection = Protection(f"{name}: {rule.value}")

    def look(user: User) -> Protection | None:
        mark: bool | None = getattr(user, name)
        if mark is None:
            return _untold(f"mark {name}")
        return protection if mark is protecting else None

    return look


def _untold(what: str) -> Protection:
    return Protection(f"the site did not tell the user's {what}", unclear=True)


def _by_text(exemptions: Iterable[Exemption], kind: ExemptionKind) -> dict[str, Protection]:
    return {folded(e.match): Protection(e.text, e) for e in exemptions if e.kind is kind}


def _values_by_property(exemptions: Iterable[Exemption]) -> dict[str, dict[str, Protection]]:
    """Return, by name of a custom property, what each of its values protects by."""
    values: dict[str, dict[str, Protection]] = {}
    for e in exemptions:
        if e.kind is ExemptionKind.CUSTOM_PROPERTY:
            values.setdefault(folded(e.match), {})[folded(e.value)] = Protection(e.text, e)
    return values


def pattern_of(text: str) -> Callable[[str], re.Match[str] | None]:
    r"""Compile a pattern on `DIR\id` that has been folded; a backslash is a backslash.

    What stands between two stars is taken at its first place and never looked for again, so that
    no pattern costs more than a few passes over the text.
    """
    first, *others = (_literal(part) for part in re.split(r"\*+", folded(text)))
    last = others.pop() if others else None
    expression = first + "".join(f"(?>.*?{part})" for part in others)
    if last is not None:
        expression += f".*{last}"
    return re.compile(expression, re.DOTALL).fullmatch


def _literal(part: str) -> str:
    return "".join("." if c == "?" else re.escape(c) for c in part)


def carriers(exemption: Exemption, users: Iterable[User]) -> list[User]:
    """Return the users whom one exemption protects, whether or not it has expired."""
    index = ExemptionIndex(
        Policy(built_in_protection=False, exemptions=(_lasting(exemption),)),
        datetime.min,  # noqa: DTZ901 - an exemption without an end is compared with no date
    )
    return [u for u in users if (p := index.protection(u)) is not None and not p.unclear]


def _lasting(exemption: Exemption) -> Exemption:
    return Exemption(kind=exemption.kind, match=exemption.match, value=exemption.value)
