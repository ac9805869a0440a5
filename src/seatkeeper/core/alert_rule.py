"""What every alert rule is made of: what it reads, how it is described, and the common keys.

A rule kind is a frozen value with its own settings; it says of each subject (a license type, a
channel, a file) whether things are fine, bad, or between the two thresholds. When that becomes an
alert, and when it is told, is decided in `alerts`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from seatkeeper.core.alert_facts import Known
from seatkeeper.core.alert_message import Severity

NEVER = timedelta(0)
"""A repeat interval of zero: told once."""


class Status(StrEnum):
    """What a rule says of a subject."""

    FINE = "fine"
    BETWEEN = "between"
    """Past the clear threshold and not past the other: an alert goes on, none begins."""
    BAD = "bad"

    @classmethod
    def of(cls, *, bad: bool, fine: bool) -> Status:
        """Return the status; what is bad is not fine, whatever the thresholds are."""
        if bad:
            return cls.BAD
        return cls.FINE if fine else cls.BETWEEN


Value = float | str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule says of one subject: a sentence with the numbers, and the numbers.

    `step` grows with how bad it is: a higher one is told at once, though the alert is known.
    `severity` is set where this step is worse than the rule's own. What is `quiet` is told once
    and not again while it stays so, whatever the rule's `repeat` is.
    """

    subject: str
    status: Status
    says: str
    values: Mapping[str, Value] = field(default_factory=dict)
    step: int = 1
    severity: Severity | None = None
    quiet: bool = False


class Needs(StrEnum):
    """What a rule can be judged on."""

    READING = "reading"
    """A fresh, whole reading of the site."""
    SITE = "site"
    """What the store knows of the site; also while it cannot be read."""
    ALL = "all"
    """Seatkeeper as a whole; no site."""


class Unit(StrEnum):
    """The sort of a setting."""

    AMOUNT = "count or share"
    SHARE = "share"
    COUNT = "count"
    DAYS = "days"
    TREND_DAYS = "days, seven at least"
    DAYS_LIST = "list of days"
    DURATION = "duration"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of seats, or a share of the pool."""

    count: int | None = None
    share: float | None = None

    def __post_init__(self) -> None:
        """Refuse neither and both."""
        if (self.count is None) == (self.share is None):
            raise ValueError("an amount is either a count or a share")

    def of(self, total: int) -> float:
        """Return it in seats of a pool."""
        if self.count is not None:
            return float(self.count)
        return round((self.share or 0.0) * total, 6)  # 7% of 200 are 14, not a trifle more

    def eased(self) -> Amount:
        """Return 1.4 times as much, one seat more at least: enough that an alert is over."""
        if self.count is not None:
            return Amount(count=max(self.count + 1, math.ceil(self.count * 1.4)))
        return Amount(share=min((self.share or 0.0) * 1.4, 1.0))


def setting(default: Any, unit: Unit, help_: str, above: str = "") -> Any:
    """Declare a setting of a rule kind; `above` names the one it must not be below."""
    return field(default=default, metadata={"unit": unit, "help": help_, "above": above})


def below(default: Any, unit: Unit, help_: str, under: str) -> Any:
    """Declare a setting that must not be above another one."""
    return field(default=default, metadata={"unit": unit, "help": help_, "under": under})


@dataclass(frozen=True, slots=True)
class About:
    """A rule kind for people, and the common keys it has by default.

    `title` names the alert, `means` says when it fires, `todo` what to do first. `where` is what an
    alert without a site is about.
    """

    name: str
    title: str
    means: str
    todo: str
    needs: Needs
    severity: Severity = Severity.WARNING
    hold: timedelta = timedelta(0)
    repeat: timedelta = timedelta(days=1)
    where: str = "Seatkeeper itself"


class RuleKind(Protocol):
    """One kind of rule with its settings."""

    about: ClassVar[About]

    def read(self, known: Known) -> Iterable[Reading]:
        """Say how each subject is; one that is not mentioned is fine."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule kind in use.

    `hold`: how long it must be bad before it fires; `clear_after`: how long fine before it is over;
    `repeat`: how often it is told again (NEVER: once). `route`: channels, none for all of them;
    `sites`: where it is asked, none for everywhere.
    """

    kind: RuleKind
    severity: Severity
    hold: timedelta = timedelta(0)
    clear_after: timedelta = timedelta(0)
    repeat: timedelta = NEVER
    route: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()

    @classmethod
    def of(cls, kind: RuleKind) -> Rule:
        """Return the rule as it is by default."""
        about = kind.about
        return cls(kind, about.severity, hold=about.hold, repeat=about.repeat)

    @property
    def name(self) -> str:
        """The name of its kind."""
        return self.kind.about.name

    def covers(self, site: str) -> bool:
        """Whether it is asked about this site."""
        names = {name.casefold() for name in self.sites}
        return not names or not site or site.casefold() in names


def counted(number: int, what: str) -> str:
    """Return `1 seat`, `2 seats`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def seats(number: int) -> str:
    """Return `1 seat`, `2 seats`."""
    return counted(number, "seat")
