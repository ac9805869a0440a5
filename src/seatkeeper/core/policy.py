"""Who may lose a seat, and how much may happen at once.

Built by `settings` from the configuration file. A policy that makes no sense cannot be built:
constructors raise ValueError with a sentence for people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from seatkeeper.core.canonical import digest_of
from seatkeeper.core.model import LicenseType

LEAST_THRESHOLD = timedelta(days=7)
"""Nothing is idle in less than Qlik's quarantine of seven days."""

MOST_SHARE = 0.5
MOST_OVERRIDE = timedelta(days=90)


class Mode(StrEnum):
    """How far Seatkeeper may go on its own."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


class MarkRule(StrEnum):
    """Butler's meaning: `yes` protects users who have the mark, `no` those who have it not."""

    YES = "yes"
    NO = "no"
    IGNORE = "ignore"


class ExemptionKind(StrEnum):
    """By what an exemption recognises the users it protects."""

    USER = "user"
    USER_DIRECTORY = "user_directory"
    TAG = "tag"
    CUSTOM_PROPERTY = "custom_property"
    GROUP = "group"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class Exemption:
    r"""A rule that protects users from losing their seat.

    `match` is what is compared without regard to case: `DIR\id`, a directory, a tag, the name of
    a custom property (with `value`), a group, or a pattern with `*` and `?` on `DIR\id`.
    `expires` is the first moment (UTC) at which it no longer protects.
    """

    kind: ExemptionKind
    match: str
    value: str = ""
    owner: str = ""
    reason: str = ""
    expires: datetime | None = None
    allow_empty: bool = False

    def __post_init__(self) -> None:
        if not self.match.strip():
            raise ValueError("an exemption with an empty text can match nobody")
        if self.kind is ExemptionKind.USER and "\\" not in self.match:
            raise ValueError(
                f"a user is written DIRECTORY\\id, and {self.match!r} has no backslash"
            )
        if self.kind is ExemptionKind.USER_DIRECTORY and "\\" in self.match:
            raise ValueError(f"a directory has no backslash, and {self.match!r} has one")
        if self.kind is ExemptionKind.CUSTOM_PROPERTY and not self.value.strip():
            raise ValueError(f"the custom property {self.match!r} needs a value")

    @property
    def text(self) -> str:
        """How the exemption is named to people."""
        what = f"{self.match}={self.value}" if self.value else self.match
        return f"{self.kind.value.replace('_', ' ')} {what}"

    @property
    def carried(self) -> bool:
        """Whether it protects by something users carry (tag, property, group), not by name."""
        return self.kind in (
            ExemptionKind.TAG,
            ExemptionKind.CUSTOM_PROPERTY,
            ExemptionKind.GROUP,
        )

    def protects_at(self, now: datetime) -> bool:
        """Tell whether it has not ended yet."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class TypePolicy:
    """One license type: whether its seats are released at all, and after how long without use."""

    enabled: bool
    release_after: timedelta

    def __post_init__(self) -> None:
        if self.release_after < LEAST_THRESHOLD:
            raise ValueError("release_after is at least 7 days")


@dataclass(frozen=True, slots=True)
class Pause:
    """A time (UTC, end exclusive) whose days are no idle days and in which nothing is released."""

    start: datetime
    end: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("a pause ends after it begins")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan may be; shares are fractions of one."""

    max_per_run: int = 50
    max_per_day: int = 50
    max_share: float = 0.2
    directory_jump: float = 0.1
    stale_activity: timedelta = timedelta(days=5)
    grown: float = 3.0
    incomplete: float = 0.01
    clock_skew: timedelta = timedelta(minutes=5)
    plan_max_age: timedelta = timedelta(hours=72)

    def __post_init__(self) -> None:
        if not 0 < self.max_share <= MOST_SHARE:
            raise ValueError("max_share is above 0 and at most 50 %")
        if self.max_per_run < 0 or self.max_per_day < 0:
            raise ValueError("max_per_run and max_per_day are at least 0")
        if not (0 < self.directory_jump <= 1 and 0 <= self.incomplete <= 1):
            raise ValueError("directory_jump and incomplete are shares between 0 and 100 %")
        if self.grown < 1:
            raise ValueError("grown is a factor of at least 1")
        if min(self.stale_activity, self.clock_skew, self.plan_max_age) <= timedelta(0):
            raise ValueError("stale_activity, clock_skew and plan_max_age are above 0")


class SharedKind(StrEnum):
    """What is known about other deployments under the same license."""

    UNKNOWN = "unknown"
    NOBODY = "nobody"
    SITES = "sites"
    OTHERS = "others"
    """Deployments that Seatkeeper cannot see, such as QlikView."""


@dataclass(frozen=True, slots=True)
class Shared:
    """`license_shared_with`: the configured sites that share the license, or what is known."""

    kind: SharedKind = SharedKind.UNKNOWN
    sites: tuple[str, ...] = ()

    def names(self, site: str) -> bool:
        """Whether this site is named; the case of letters does not matter."""
        return self.kind is SharedKind.SITES and any(
            site.casefold() == name.casefold() for name in self.sites
        )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Who looked at the Qlik agreement and found that releasing seats is allowed, and when."""

    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Policy:
    r"""Everything that decides about one site; `own_user` is `qrs.user` as `DIR\id`."""

    professional: TypePolicy = TypePolicy(enabled=True, release_after=timedelta(days=90))
    analyzer: TypePolicy = TypePolicy(enabled=True, release_after=timedelta(days=90))
    new_seat_grace: timedelta = timedelta(days=30)
    mode: Mode = Mode.OBSERVE
    agreement: Agreement | None = None
    built_in_protection: bool = True
    own_user: str = ""
    exemptions: tuple[Exemption, ...] = ()
    inactive: MarkRule = MarkRule.IGNORE
    blocked: MarkRule = MarkRule.IGNORE
    removed_externally: MarkRule = MarkRule.IGNORE
    pauses: tuple[Pause, ...] = ()
    limits: Limits = field(default_factory=Limits)
    shared: Shared = field(default_factory=Shared)

    def __post_init__(self) -> None:
        if self.new_seat_grace < LEAST_THRESHOLD:
            raise ValueError("new_seat_grace is at least 7 days")
        if self.mode is not Mode.OBSERVE and self.agreement is None:
            raise ValueError(f"mode {self.mode.value} needs agreement_reviewed")

    def of(self, license_type: LicenseType) -> TypePolicy:
        """Return the part that concerns this license type."""
        return self.professional if license_type is LicenseType.PROFESSIONAL else self.analyzer

    def pause_at(self, now: datetime) -> Pause | None:
        """Return the pause that holds at this moment."""
        return next((p for p in self.pauses if p.start <= now < p.end), None)

    @property
    def digest(self) -> str:
        """Identify the policy by what it decides: mode and agreement change no verdict."""
        return digest_of(
            (
                self.professional,
                self.analyzer,
                self.new_seat_grace,
                self.built_in_protection,
                self.own_user.casefold(),
                sorted(map(digest_of, self.exemptions)),
                (self.inactive, self.blocked, self.removed_externally),
                self.pauses,
                self.limits,
                self.shared,
            )
        )
