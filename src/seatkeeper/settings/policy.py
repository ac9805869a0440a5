"""`policy`: when a seat may be released and how much may happen at once."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from seatkeeper.core.localtime import end_of_day, start_of_day
from seatkeeper.core.policy import (
    LEAST_THRESHOLD,
    MOST_SHARE,
    Agreement,
    Limits,
    Mode,
    Pause,
    TypePolicy,
)
from seatkeeper.settings.exempt import NeverReleaseSettings
from seatkeeper.settings.kinds import BESIDE, Wrong
from seatkeeper.settings.part import Part, block
from seatkeeper.settings.values import Day, Text, YesNo, choice, duration, factor, share, whole

_QUARANTINE = "Qlik blocks a used seat for seven days, so nothing is idle sooner"
_SECOND = timedelta(seconds=1)

Threshold = Annotated[timedelta, duration(least=LEAST_THRESHOLD, why=_QUARANTINE)]
SomeTime = Annotated[timedelta, duration(least=_SECOND)]
Count = Annotated[int, whole(least=0, most=1_000_000)]


class TypeSettings(Part):
    """One license type."""

    enabled: YesNo = Field(
        default=True, description="Whether seats of this type are released at all; default true."
    )
    release_after: Threshold = Field(
        default=timedelta(days=90),
        description="How long a seat must be without use, in whole elapsed time; at least 7d,"
        " default 90d.",
    )

    def to_core(self) -> TypePolicy:
        """Return what core knows of it."""
        return TypePolicy(enabled=self.enabled, release_after=self.release_after)


class AgreementSettings(Part):
    """Who looked at the Qlik agreement."""

    by: Text = Field(
        description="Who found that your Qlik agreement allows releasing seats automatically.",
        examples=["Jane Doe"],
    )
    on: Day = Field(description="The day of that look.", examples=["2026-11-01"])


class PauseSettings(Part):
    """Days that are no idle days and on which nothing is released."""

    from_: Day = Field(
        alias="from",
        description="First day, in the site's time zone.",
        examples=["2026-12-20"],
    )
    to: Day = Field(
        description="Last day, in the site's time zone; it belongs to the pause.",
        examples=["2027-01-06"],
    )
    reason: Text = Field(default="", description="What the pause is for.", examples=["Christmas"])

    @field_validator("to")
    @classmethod
    def _ends_after_it_begins(cls, to: date, info: ValidationInfo) -> date:
        start = info.data.get("from_")
        if start is not None and to < start:
            raise Wrong(
                f"the pause ends before it begins ({start.isoformat()})",
                "exchange the two days, or correct the year",
            )
        return to


class LimitsSettings(Part):
    """What a plan may be; a plan that breaks a limit is blocked."""

    max_per_run: Count = Field(
        default=50, description="Seats released in one run at most; the rest waits; default 50."
    )
    max_per_day: Count | None = Field(
        default=None,
        description="Seats released in any 24 hours at most, whoever started it; default is"
        " max_per_run.",
        examples=[50],
    )
    max_share: Annotated[
        float,
        share(most=MOST_SHARE, why="a plan for more than half of a pool is an accident"),
    ] = Field(
        default=0.2,
        description="Share of a type's seats that may be due for release at once; at most 50%,"
        " default 20%.",
    )
    directory_jump: Annotated[float, share()] = Field(
        default=0.1,
        description="Share of all users who may become inactive or removed from their directory"
        " within 14 days before plans are blocked; default 10%.",
    )
    stale_activity: SomeTime = Field(
        default=timedelta(days=5),
        description="Time without any activity on the whole site after which plans are blocked;"
        " default 5d.",
    )
    grown: Annotated[float, factor(least=1, most=1000)] = Field(
        default=3.0,
        description="How many times the usual number of seats may be due (and 10 seats more)"
        " before plans are blocked; default 3.",
    )
    incomplete: Annotated[float, share(zero=True)] = Field(
        default=0.01,
        description="Share of seats that may be missing against the site's own count before plans"
        " are blocked; default 1%.",
    )
    clock_skew: SomeTime = Field(
        default=timedelta(minutes=5),
        description="Difference between our clock and the site's at which plans are blocked;"
        " default 5m.",
    )
    plan_max_age: SomeTime = Field(
        default=timedelta(hours=72),
        description="Age at which a plan can no longer be applied; default 72h.",
        examples=["72h"],
    )

    def to_core(self) -> Limits:
        """Return what core knows of it."""
        return Limits(
            max_per_run=self.max_per_run,
            max_per_day=self.max_per_run if self.max_per_day is None else self.max_per_day,
            max_share=self.max_share,
            directory_jump=self.directory_jump,
            stale_activity=self.stale_activity,
            grown=self.grown,
            incomplete=self.incomplete,
            clock_skew=self.clock_skew,
            plan_max_age=self.plan_max_age,
        )


class PolicySettings(Part):
    """When a seat may be released, and how much may happen at once."""

    mode: Annotated[Mode, choice(Mode, "the mode")] = Field(
        default=Mode.OBSERVE,
        description="`observe` (the default) never releases, `approve` waits for a person to"
        " approve each plan, `auto` releases what no limit blocks.",
    )
    agreement_reviewed: AgreementSettings | None = Field(
        default=None,
        validate_default=True,
        description="Who looked at your Qlik agreement, and when; needed for approve and auto.",
        examples=[{"by": "Jane Doe", "on": "2026-11-01"}],
    )
    professional: TypeSettings = block("Professional seats.")
    analyzer: TypeSettings = block("Analyzer seats.")
    new_seat_grace: Threshold = Field(
        default=timedelta(days=30),
        description="How long a new seat is kept, used or not; at least 7d, default 30d.",
    )
    built_in_protection: YesNo = Field(
        default=True,
        description="Whether Seatkeeper's own user, the directory INTERNAL, users who cannot be"
        " deleted and root administrators are protected; default true.",
    )
    never_release: NeverReleaseSettings = block(
        "Who never loses a seat; an entry of a list is a text or a block with match."
    )
    pause: tuple[PauseSettings, ...] = Field(
        default=(),
        description="Days that are no idle days and on which nothing is released.",
        examples=[[{"from": "2026-12-20", "to": "2027-01-06", "reason": "Christmas"}]],
    )
    limits: LimitsSettings = block("What a plan may be; one that breaks a limit is blocked.")

    @field_validator("agreement_reviewed")
    @classmethod
    def _somebody_looked(
        cls, agreement: AgreementSettings | None, info: ValidationInfo
    ) -> AgreementSettings | None:
        mode = info.data.get("mode", Mode.OBSERVE)
        if agreement is None and mode is not Mode.OBSERVE:
            raise Wrong(
                "agreement_reviewed is missing: somebody must have looked at the Qlik agreement",
                "ask whether your agreement allows releasing seats automatically, then write"
                " agreement_reviewed: {by: YOUR NAME, on: THE DAY}; or set mode: observe",
                at=(BESIDE, "mode"),
            )
        return agreement

    def agreement(self) -> Agreement | None:
        """Return what core knows of the look at the agreement."""
        seen = self.agreement_reviewed
        return None if seen is None else Agreement(by=seen.by, on=seen.on)

    def pauses(self, zone: tzinfo) -> tuple[Pause, ...]:
        """Return the pauses as moments, in order; those that touch or overlap become one."""
        merged: list[Pause] = []
        for days in sorted(self.pause, key=lambda p: (p.from_, p.to, p.reason)):
            new = Pause(start_of_day(days.from_, zone), end_of_day(days.to, zone), days.reason)
            if merged and new.start <= merged[-1].end:
                new = _joined(merged.pop(), new)
            merged.append(new)
        return tuple(merged)


def _joined(first: Pause, second: Pause) -> Pause:
    reasons = dict.fromkeys(r for r in (first.reason, second.reason) if r)
    return Pause(first.start, max(first.end, second.end), ", ".join(reasons))
