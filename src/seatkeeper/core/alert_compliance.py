"""Rules on what an auditor would ask about; people are counted, never named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from seatkeeper.core.alert_facts import Known
from seatkeeper.core.alert_message import Severity
from seatkeeper.core.alert_rule import (
    About,
    Needs,
    Reading,
    Status,
    Unit,
    Value,
    below,
    counted,
    seats,
    setting,
)
from seatkeeper.core.summary import ComplianceSummary


@dataclass(frozen=True, slots=True)
class ExcessUsers:
    """Seats above what the license grants: their holders are locked out."""

    about: ClassVar[About] = About(
        name="excess_users",
        title="Excess users",
        means="seats are in excess, so that their holders are excluded",
        todo="Release seats nobody uses so that the excluded get in again, or buy seats.",
        needs=Needs.READING,
    )
    at_least: int = setting(1, Unit.COUNT, "Fires at so many excess seats.")
    clear_below: int = below(1, Unit.COUNT, "Over when there are fewer.", "at_least")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the excess seats."""
        if (found := _compliance(known)) is not None:
            says = f"{found.excess} seats are above what the license grants, their users excluded"
            yield _counted("", found.excess, self, says)


@dataclass(frozen=True, slots=True)
class BothTypes:
    """People who hold a professional and an analyzer seat at once."""

    about: ClassVar[About] = About(
        name="both_types",
        title="Both types held by one user",
        means="people hold a professional and an analyzer seat at once",
        todo="Take the analyzer seat back: the professional one includes what it gives.",
        needs=Needs.READING,
        severity=Severity.INFO,
        hold=timedelta(hours=24),
        repeat=timedelta(days=30),
    )
    at_least: int = setting(1, Unit.COUNT, "Fires at so many people.")
    clear_below: int = below(1, Unit.COUNT, "Over when there are fewer.", "at_least")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the people with two seats."""
        if (found := _compliance(known)) is not None:
            who = "1 person holds" if found.both_types == 1 else f"{found.both_types} people hold"
            says = f"{who} a professional and an analyzer seat"
            yield _counted("", found.both_types, self, says)


@dataclass(frozen=True, slots=True)
class SeatsOfGoneUsers:
    """Seats held by users who are removed from their directory, blocked or deleted."""

    about: ClassVar[About] = About(
        name="seats_of_gone_users",
        title="Seats held by users who are gone",
        means="users removed from their directory, blocked or deleted hold many seats",
        todo="See why they are kept (`seatkeeper plan`, `seatkeeper explain`), then let them go.",
        needs=Needs.READING,
        severity=Severity.INFO,
        hold=timedelta(hours=24),
        repeat=timedelta(days=30),
    )
    at_least: int = setting(10, Unit.COUNT, "Fires at so many seats of one of the three kinds.")
    clear_below: int = below(8, Unit.COUNT, "Over when there are fewer.", "at_least")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge removed, blocked and deleted users, each by itself."""
        if (found := _compliance(known)) is not None:
            for kind, number in _gone(found).items():
                yield _counted(kind, number, self, f"{kind} users hold {seats(number)}")


def _gone(found: ComplianceSummary) -> Mapping[str, int]:
    return {"removed": found.removed, "blocked": found.blocked, "deleted": found.deleted}


@dataclass(frozen=True, slots=True)
class AboveEntitlement:
    """More seats are allocated than the license text grants."""

    about: ClassVar[About] = About(
        name="above_entitlement",
        title="Allocation above entitlement",
        means="more seats are allocated than the text of the license grants",
        todo="Compare the license text with the pools; release seats, or get the right license.",
        needs=Needs.READING,
        hold=timedelta(hours=1),
        repeat=timedelta(days=7),
    )
    at_least: int = setting(1, Unit.COUNT, "Fires at so many seats above.")
    clear_below: int = below(1, Unit.COUNT, "Over when there are fewer.", "at_least")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge what is allocated above the license text."""
        if (found := _compliance(known)) is not None:
            says = f"{found.above_allotment} seats are allocated above what the license grants"
            yield _counted("", found.above_allotment, self, says)


@dataclass(frozen=True, slots=True)
class Churn:
    """The same people are released again and again."""

    about: ClassVar[About] = About(
        name="churn",
        title="Same users released again and again",
        means="a user was released more than some times in some days",
        todo="They come back each time: protect them by a rule, or lengthen release_after.",
        needs=Needs.SITE,
        repeat=timedelta(days=7),
    )
    more_than: int = setting(2, Unit.COUNT, "A user counts when released more often.")
    within: timedelta = setting(timedelta(days=90), Unit.DURATION, "Within so long.")
    at_least: int = setting(1, Unit.COUNT, "Fires at so many users.")
    clear_below: int = below(1, Unit.COUNT, "Over when there are fewer.", "at_least")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge how many people are released too often."""
        number = known.facts.releases.churners
        were = f"{counted(number, 'user')} {'was' if number == 1 else 'were'}"
        says = f"{were} released more than {self.more_than} times within"
        yield _counted("", number, self, f"{says} {self.within.days} days")


@dataclass(frozen=True, slots=True)
class CountsDisagree:
    """Rows and overview of the site say different things."""

    about: ClassVar[About] = About(
        name="counts_disagree",
        title="Snapshot and overview disagree",
        means="the seats counted row by row are not those the site's overview tells, for a while",
        todo="Compare with the QMC; a site that stays so needs its repository looked at.",
        needs=Needs.READING,
        hold=timedelta(hours=2),
        repeat=timedelta(days=7),
    )
    at_least: int = setting(3, Unit.COUNT, "Fires when they differ by so many seats.")
    clear_below: int = below(2, Unit.COUNT, "Over when they differ by fewer.", "at_least")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each difference."""
        found = _compliance(known)
        for one in found.mismatches if found else ():
            yield _counted(
                f"{one.license_type.value} {one.count}",
                abs(one.rows - one.overview),
                self,
                f"the overview says {one.overview} {one.license_type.value} seats are"
                f" {one.count}, the rows say {one.rows}",
            )


_ByCount = ExcessUsers | BothTypes | SeatsOfGoneUsers | AboveEntitlement | Churn | CountsDisagree


def _counted(subject: str, number: int, rule: _ByCount, says: str) -> Reading:
    values: dict[str, Value] = {"count": number}
    status = Status.of(bad=number >= rule.at_least, fine=number < rule.clear_below)
    return Reading(subject, status, says, values)


def _compliance(known: Known) -> ComplianceSummary | None:
    return known.summary.compliance if known.summary else None
