"""What a site looks like at one moment: users, seats, pools, the server license.

These are the values every rule judges. They hold what QRS said, already cleaned by `qrs/wire`:
dates are aware UTC or None, "never" is None, and what could not be read is said in `doubt`
instead of being guessed. Rows are msgspec structs outside the garbage collector, because a site
has 100,000 of them (docs/architecture.md, "Why structs").
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec


class LicenseType(StrEnum):
    """The kinds of seat that one user holds and that Seatkeeper may release."""

    PROFESSIONAL = "professional"
    ANALYZER = "analyzer"

    __hash__ = str.__hash__  # enum's own hash is a Python function: 100,000 seats are counted


class User(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One user of the site.

    None in a flag or list means that QRS did not say, which is not the same as False or empty:
    a rule that needs the value keeps the seat.
    """

    id: str
    directory: str
    user_id: str
    name: str = ""
    inactive: bool | None = None
    removed_externally: bool | None = None
    blocked: bool | None = None
    delete_prohibited: bool | None = None
    roles: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    properties: tuple[tuple[str, str], ...] | None = None
    groups: tuple[str, ...] | None = None
    attributes: tuple[tuple[str, str], ...] | None = None
    """Name and value, only of the attribute that was asked for: all of them are tens of MB."""

    @property
    def label(self) -> str:
        r"""The name people know: `DIR\id`."""
        return f"{self.directory}\\{self.user_id}"

    @property
    def key(self) -> str:
        r"""`DIR\id` without regard to case: who is the same person."""
        return person_key(self.label)


def person_key(label: str) -> str:
    r"""Return the form under which `DIR\id` is compared everywhere."""
    return label.casefold()


class Allocation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    r"""One seat held by one user.

    `holder` is `DIR\id` as QRS wrote it in the row, empty when the row names nobody.
    `user_id` is the user's QRS id, None for a deleted user. `last_used` None is "never used".
    `quarantined` None is "QRS did not say". `doubt` names a value that could not be understood;
    a seat with a doubt is never released.
    """

    id: str
    license_type: LicenseType
    user_id: str | None
    holder: str
    created: datetime | None
    last_used: datetime | None
    quarantined: bool | None = False
    quarantine_end: datetime | None = None
    excess: bool = False
    deleted_user: bool = False
    doubt: str = ""

    @property
    def is_live(self) -> bool:
        """Whether somebody holds the seat now, so that it counts as allocated."""
        return self.quarantined is not True and not self.deleted_user

    @property
    def is_use_unclear(self) -> bool:
        """Whether it may have been used at any time, because its date could not be understood."""
        return bool(self.doubt) and self.last_used is None


@dataclass(frozen=True, slots=True)
class Pool:
    """The counts of one license type exactly as the overview gives them.

    `available` is never recomputed: what `allocated` includes is not documented
    (QRS contract 2.3). `excess` is None where an older site does not report it.
    """

    license_type: LicenseType
    enabled: bool
    total: int
    allocated: int
    available: int
    used: int
    quarantined: int
    excess: int | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """Analyzer capacity of the current calendar month, in minutes."""

    enabled: bool
    allocated_minutes: int
    used_minutes: int
    unavailable_minutes: int


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """Tokens spent on one way in (user seats or login passes); decimals are possible.

    `quarantined` is told of user seats, `unavailable` of login passes; None where it is not told.
    """

    enabled: bool
    cost: float
    allocated: float
    used: float
    quarantined: float | None = None
    unavailable: float | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a token-based license."""

    total: float
    available: float
    user: TokenAccess | None = None
    login: TokenAccess | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything `accesstypeoverview` says that Seatkeeper uses."""

    pools: tuple[Pool, ...]
    capacity: Capacity | None = None
    tokens_enabled: bool = False
    tokens: Tokens | None = None
    """None where the license has no tokens."""

    def pool(self, license_type: LicenseType) -> Pool | None:
        """Return the pool of that type, None where the site does not report it."""
        return next((p for p in self.pools if p.license_type is license_type), None)


@dataclass(frozen=True, slots=True)
class ServerLicense:
    """The license of the site itself.

    `number` identifies the entitlement (sites with the same number share seats), None when no
    form of the license text tells it. `valid_to` is None when it cannot be told, which is a
    state of its own and not "valid for ever".
    """

    number: str | None
    signed: bool
    expired: bool | None = None
    blacklisted: bool | None = None
    invalid: bool | None = None
    valid_to: date | None = None
    allotments: tuple[tuple[str, int], ...] = ()


class UsageState(StrEnum):
    """Whether a list of usage rows could serve as a second witness of activity."""

    GIVEN = "given"
    EMPTY = "empty"
    NOT_GIVEN = "not_given"
    """A clear answer that says no: 403, 404 or an empty body."""
    UNREADABLE = "unreadable"
    """No clear answer, although it was asked again."""


class UsageList(StrEnum):
    """The lists that tell activity beside the seats themselves."""

    PROFESSIONAL = "professional"
    ANALYZER = "analyzer"
    CAPACITY = "capacity"
    TOKENS = "tokens"
    LOGIN = "login"

    @property
    def words(self) -> str:
        """Whose activity the list tells."""
        return _LISTS[self]

    @property
    def license_type(self) -> LicenseType | None:
        """The type of the seats whose use the list tells; None where it tells of no such seat."""
        return LicenseType(self.value) if self in NAMED_LISTS else None


NAMED_LISTS = (UsageList.PROFESSIONAL, UsageList.ANALYZER)
"""Asked for on every site; the others only where the license has what they tell of."""

_LISTS = {
    UsageList.PROFESSIONAL: "professional seats",
    UsageList.ANALYZER: "analyzer seats",
    UsageList.CAPACITY: "analyzer capacity",
    UsageList.TOKENS: "token seats",
    UsageList.LOGIN: "login passes",
}


@dataclass(frozen=True, slots=True)
class Witness:
    r"""Latest activity known beside the seats themselves.

    `lists` says of each list that was asked for what came of it. `by_person` maps
    `person_key(DIR\id)` to the latest activity (usage rows, token seats), `by_list` does so for
    each list that gave rows.
    """

    lists: dict[UsageList, UsageState] = field(default_factory=dict)
    by_person: dict[str, datetime] = field(default_factory=dict)
    by_list: dict[UsageList, dict[str, datetime]] = field(default_factory=dict)
    minutes: dict[tuple[str, date], int] = field(default_factory=dict)
    """Minutes of analyzer capacity by person and day (UTC), as far back as rows are kept."""

    @property
    def state(self) -> UsageState:
        """Sum up: what could not be read weighs most, then any row, then a clear no."""
        found = set(self.lists.values()) or {UsageState.NOT_GIVEN}
        order = (UsageState.UNREADABLE, UsageState.GIVEN, UsageState.NOT_GIVEN, UsageState.EMPTY)
        return next(state for state in order if state in found)

    def which(self, *states: UsageState) -> frozenset[UsageList]:
        """Return the lists of which one of these came."""
        return frozenset(name for name, state in self.lists.items() if state in states)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything read from one site in one go; it is whole or it does not exist.

    `users` is keyed by QRS id. `skew` is the site's clock minus ours, None when the site sent no
    `Date` header. `taken_at` is our clock before the first request of the reading.
    """

    site: str
    taken_at: datetime
    users: dict[str, User]
    allocations: list[Allocation]
    overview: Overview
    server_license: ServerLicense | None
    witness: Witness = field(default_factory=Witness)
    skew: timedelta | None = None

    def for_rules(self) -> Snapshot:
        """Leave out what only the history asks for: 15 MiB of 100,000 people."""
        return replace(self, witness=replace(self.witness, by_list={}, minutes={}))

    def live(self, license_type: LicenseType) -> int:
        """Count the seats of that type which somebody holds now."""
        return sum(1 for a in self.allocations if a.license_type is license_type and a.is_live)
