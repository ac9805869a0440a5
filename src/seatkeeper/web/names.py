"""Names of people as this visitor may see them: clear, or a pseudonym that stays the same."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from markupsafe import Markup

from seatkeeper.core.model import person_key
from seatkeeper.core.plan import Limit, Plan
from seatkeeper.core.record import Kind, LedgerEntry
from seatkeeper.core.roles import Permission
from seatkeeper.core.unnamed import hidden_person
from seatkeeper.web.desk import Desk
from seatkeeper.web.frame import sees_names
from seatkeeper.web.render import person
from seatkeeper.web.sealed import Purpose, Seal
from seatkeeper.web.who import Visitor, desk_of, require


@dataclass(frozen=True, slots=True)
class Names:
    r"""How people are named to one visitor on one site; `clear`: by `DIR\id` and display name."""

    site: str
    clear: bool
    seal: Seal
    key: bytes

    def show(self, user: str, name: str = "") -> Markup:
        """Return what a page calls a person."""
        return person(name or user or "(no name)") if self.clear else person(self.pseudonym(user))

    def text(self, user: str) -> str:
        """Return the same as plain text, for lists that leave the console."""
        return user if self.clear else self.pseudonym(user)

    def pseudonym(self, user: str) -> str:
        """Return a name that is the same on every page and says nothing."""
        told = hmac.new(self.key, person_key(user).encode("utf-8"), hashlib.sha256).hexdigest()
        return f"Person {told[:4]}-{told[4:8]}"

    def link(self, user: str) -> str:
        """Return the address of a person's page, which holds no name."""
        return f"/users/{quote(self.site, safe='')}/{self.ref(user)}"

    def ref(self, user: str) -> str:
        """Return what names a person in addresses: sealed, the same each time, of this site."""
        return self.seal.close(user, Purpose.PERSON, self.site)

    def whom(self, ref: str) -> str:
        """Return whom a reference of this site means, empty for none."""
        return self.seal.open(ref, Purpose.PERSON, self.site)

    def sentence(self, code: str, text: str) -> str:
        """Return what a plan says under that code, unless it may name somebody who is hidden."""
        return HIDDEN if not self.clear and code in _NAMING else text

    def tells_of_somebody(self, plan: Plan) -> bool:
        """Whether a warning or limit of the plan may name somebody, and is shown as it is."""
        codes = {notice.code for notice in plan.warnings}
        codes |= {violation.limit.value for violation in plan.violations}
        return self.clear and not codes.isdisjoint(_NAMING)

    def about(self, text: str, user: str, name: str = "") -> str:
        """Return what is told about a person, without their name for whoever sees none."""
        return text if self.clear else hidden_person(text, user, name)


HIDDEN = "what this says may name a person, which your role does not see"

_NAMING = frozenset(
    {Limit.BLIND_EXEMPTION.value, "exemption_expired", "exemption_expires_soon", "unclear"}
)
"""Warnings and limits that say which exemption or seat is meant, and so whose."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How people are named on several sites; `clear`: by name on every one of them."""

    by_site: Mapping[str, Names]

    @property
    def clear(self) -> bool:
        """Whether nobody on these sites is hidden from the visitor."""
        return all(names.clear for names in self.by_site.values())

    @property
    def some_clear(self) -> bool:
        """Whether the visitor sees any name."""
        return any(names.clear for names in self.by_site.values())

    def of(self, site: str) -> Names:
        """Return how people of one site are named; without a site, as where they are hidden."""
        hidden_first = sorted(self.by_site.values(), key=lambda names: names.clear)
        return self.by_site.get(site, hidden_first[0])


def naming(request: Request, visitor: Visitor, sites: Iterable[str]) -> Naming:
    """Return how people of these sites are named to this visitor: a role may differ by site."""
    return Naming({site: names_on(request, visitor, site) for site in sites})


def names_on(request: Request, visitor: Visitor, site: str) -> Names:
    """Return how people are named to this visitor."""
    desk = desk_of(request)
    state = request.app.state
    return Names(site, sees_names(desk, visitor, site), state.seal, state.names_key)


def require_names(visitor: Visitor, names: Naming) -> None:
    """Raise NotAllowedHere where somebody is hidden: a search by name would tell who it is."""
    for site, there in names.by_site.items():
        if not there.clear:
            require(visitor, Permission.NAMES, site)


async def note_names_seen(
    desk: Desk, visitor: Visitor, site: str, what: str, user: str = ""
) -> None:
    """Record that somebody looked at clear names, where the configuration asks for it.

    A page that stays open and looks again by itself counts once an hour.
    """
    if not desk.settings.console.record_views:
        return
    who, about = visitor.identity, (site, what, user)
    if not desk.looked.is_new(who, about, desk.now(), present=visitor.present):
        return
    entry = LedgerEntry(
        kind=Kind.NAMES_SEEN,
        at=desk.now(),
        actor=desk.actor(visitor.identity),
        site=site,
        why=what,
        person=user,
    )
    await desk.store.ledger.append(entry)
