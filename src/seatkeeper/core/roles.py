"""Who may do what: roles, what each permits, and an identity with roles on sites.

Nothing here knows how somebody signed in beyond the word for it, or how a page looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """One thing that a person may do."""

    READ = "read"
    """See pages and numbers; people by pseudonym where privacy asks for it."""
    NAMES = "names"
    """See clear names even where privacy hides them."""
    RUN = "run"
    """Ask for a plan or a check now, freeze."""
    SILENCE = "silence"
    """Silence alerts and lift silences."""
    DECIDE = "decide"
    """Approve, make smaller and reject plans."""
    OVERRIDE = "override"
    """Pass a limit, with name and reason."""
    UNDO = "undo"
    """Ask for seats to be given back, thaw."""
    ADMINISTER = "administer"
    """See the configuration of sign-in, every token and account."""


class Role(StrEnum):
    """The roles, each with all that the one before it may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """The place in the order; higher may more."""
        return list(Role).index(self)

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that the role permits."""
        return frozenset().union(*(_OWN[role] for role in Role if role.rank <= self.rank))

    @property
    def words(self) -> str:
        """What the role is for, in a few words."""
        return _WORDS[self]


_OWN = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.OPERATOR: frozenset({Permission.NAMES, Permission.RUN, Permission.SILENCE}),
    Role.APPROVER: frozenset({Permission.DECIDE, Permission.OVERRIDE, Permission.UNDO}),
    Role.ADMIN: frozenset({Permission.ADMINISTER}),
}

_WORDS = {
    Role.VIEWER: "reads every page",
    Role.OPERATOR: "also asks for plans and checks, silences alerts",
    Role.APPROVER: "also approves and rejects plans, passes limits, gives seats back",
    Role.ADMIN: "also sees accounts, tokens and the whole configuration",
}


class SignIn(StrEnum):
    """How somebody was known."""

    ACCOUNT = "account"
    OIDC = "oidc"
    PROXY = "proxy"
    LINK = "link"
    TOKEN = "token"  # noqa: S105 - a way to sign in, not a secret

    @property
    def words(self) -> str:
        """How somebody was known, in a few words."""
        return _WAYS[self]


_WAYS = {
    SignIn.ACCOUNT: "with the password of an account of this console",
    SignIn.OIDC: "with a company account",
    SignIn.PROXY: "by the proxy before this console",
    SignIn.LINK: "by the link of the first start",
    SignIn.TOKEN: "with a token",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role on some sites; `sites` None: on all, those to come among them."""

    role: Role
    sites: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.sites is not None and not self.sites:
            raise ValueError("a role on no site is none; leave it out")

    def covers(self, site: str) -> bool:
        """Whether it holds there; letter case aside, as names of sites are compared."""
        return self.sites is None or site.casefold() in {s.casefold() for s in self.sites}

    @property
    def words(self) -> str:
        """The grant in words, as in `approver on prod and test`."""
        if self.sites is None:
            return self.role.value
        return f"{self.role.value} on {', '.join(sorted(self.sites))}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who is signed in: the name that the ledger will hold, and what they may do."""

    name: str
    via: SignIn
    grants: tuple[Grant, ...]
    owner: str = ""
    """The person who answers for a token; empty for people."""

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("somebody without a name cannot act: the ledger names people")

    @property
    def person(self) -> str:
        """Who answers for what is done: the same for a person and every token of theirs."""
        return self.owner or self.name

    def may(self, permission: Permission, site: str | None = None) -> bool:
        """Whether they may do it on that site; `site` None: on every site."""
        return any(
            permission in grant.role.permissions
            and (grant.sites is None if site is None else grant.covers(site))
            for grant in self.grants
        )

    def may_somewhere(self, permission: Permission) -> bool:
        """Whether there is any site on which they may do it."""
        return any(permission in grant.role.permissions for grant in self.grants)

    def sites(self, permission: Permission, known: Iterable[str]) -> tuple[str, ...]:
        """Return those of the known sites on which they may do it, in the order given."""
        return tuple(site for site in known if self.may(permission, site))

    def role_on(self, site: str) -> Role | None:
        """Return the highest role on that site."""
        return highest(grant.role for grant in self.grants if grant.covers(site))

    @property
    def role(self) -> Role | None:
        """The highest role on any site."""
        return highest(grant.role for grant in self.grants)


def highest(roles: Iterable[Role]) -> Role | None:
    """Return the role that may most."""
    return max(roles, key=lambda role: role.rank, default=None)


def capped(grants: Iterable[Grant], most: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return what is left of grants where nothing may go beyond `most`."""
    bounds = tuple(most)
    both = [_both(grant, bound) for grant in grants for bound in bounds]
    return tuple(dict.fromkeys(grant for grant in both if grant is not None))


def _both(one: Grant, other: Grant) -> Grant | None:
    """Return what two grants have in common: the lower role, on the sites of both."""
    role = min(one.role, other.role, key=lambda role: role.rank)
    if one.sites is None or other.sites is None:
        return Grant(role, other.sites if one.sites is None else one.sites)
    sites = frozenset(site for site in one.sites if other.covers(site))
    return Grant(role, sites) if sites else None


def grants_of_groups(
    groups: Collection[str], granted: Iterable[tuple[str, Grant]]
) -> tuple[Grant, ...]:
    """Return the grants of every group that somebody is in; groups are compared without case."""
    theirs = {group.casefold() for group in groups}
    found = [grant for group, grant in granted if group.casefold() in theirs]
    return tuple(dict.fromkeys(found))
