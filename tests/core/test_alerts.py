"""The life of an alert: pending, firing, resolved; told once, again, worse, over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

import pytest

from builders import NOW
from seatkeeper.core.alert_facts import Known
from seatkeeper.core.alert_message import MessageState, Severity
from seatkeeper.core.alert_rule import About, Needs, Reading, Rule, Status
from seatkeeper.core.alerts import (
    Advance,
    Alert,
    AlertKey,
    AlertState,
    Round,
    Silence,
    Unwatched,
    Why,
    advance,
    retired,
)

BAD, BETWEEN, FINE = Status.BAD, Status.BETWEEN, Status.FINE
PENDING, FIRING, RESOLVED = AlertState.PENDING, AlertState.FIRING, AlertState.RESOLVED
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Anything:
    """A kind whose readings are given by the test."""

    about: ClassVar[About] = About("anything", "Anything", "something", "Do.", Needs.SITE)

    def read(self, known: Known) -> Iterator[Reading]:  # noqa: ARG002 - as every rule has it
        """Say nothing."""
        yield from ()


@dataclass
class World:
    """One site, one rule: what was judged, told and kept so far."""

    rule: Rule = field(default_factory=lambda: Rule(Anything(), Severity.WARNING))
    now: datetime = NOW
    silences: list[Silence] = field(default_factory=list)
    known: dict[AlertKey, Alert] = field(default_factory=dict)
    told: list[Why] = field(default_factory=list)

    def judge(self, *readings: Reading, after: timedelta = timedelta(minutes=15)) -> Advance:
        """Let time pass and judge; KEPT is left out of what was told."""
        self.now += after
        rounds = [Round(self.rule, "prod", readings)]
        return self._take(advance(self.known, rounds, self.silences, self.now))

    def retire(self, *names: str) -> Advance:
        """Watch only these rules from now on."""
        return self._take(
            retired(self.known, Unwatched("prod", frozenset(names)), self.silences, self.now)
        )

    def _take(self, step: Advance) -> Advance:
        self.known |= {a.key: a for a in step.kept}
        for key in step.forgotten:
            del self.known[key]
        self.told += [t.why for t in step.tellings if t.why is not Why.KEPT]
        return step

    @property
    def alert(self) -> Alert:
        """The only alert."""
        (alert,) = self.known.values()
        return alert


def said(status: Status, step: int = 1, severity: Severity | None = None) -> Reading:
    return Reading("analyzer", status, f"it is {status}", {"n": 1}, step=step, severity=severity)


def a_rule(**changes: timedelta) -> Rule:
    return replace(Rule(Anything(), Severity.WARNING), **changes)  # type: ignore[arg-type]


def a_silence(**changes: object) -> Silence:
    told = {"by": "Jane", "reason": "upgrade", "at": NOW, "until": NOW + timedelta(hours=2)}
    return Silence(**{**told, **changes})  # type: ignore[arg-type]


def test_what_is_bad_fires_once_and_resolves_once() -> None:
    world = World()
    for status in (FINE, BAD, BAD, BAD, FINE, FINE):
        world.judge(said(status))

    assert world.told == [Why.FIRED, Why.RESOLVED]
    assert world.alert.state is RESOLVED
    assert world.alert.says == "it is fine"


def test_it_fires_only_after_it_was_bad_for_long_enough() -> None:
    world = World(a_rule(hold=timedelta(minutes=30)))
    world.judge(said(BAD))
    assert world.alert.state is PENDING
    world.judge(said(BAD))
    assert world.alert.state is PENDING
    world.judge(said(BAD))
    assert world.alert.state is FIRING
    assert world.alert.since == NOW + 15 * MINUTE


@pytest.mark.parametrize("status", [FINE, BETWEEN])
def test_what_was_bad_too_briefly_is_forgotten(status: Status) -> None:
    world = World(a_rule(hold=timedelta(minutes=30)))
    world.judge(said(BAD))
    world.judge(said(status))

    assert (world.known, world.told) == ({}, [])


def test_between_the_thresholds_an_alert_goes_on_and_none_begins() -> None:
    world = World()
    world.judge(said(BETWEEN))
    assert world.known == {}
    world.judge(said(BAD))
    for _ in range(5):
        world.judge(said(BETWEEN))
        world.judge(said(BAD))
    assert world.told == [Why.FIRED]


def test_it_is_over_only_after_it_was_fine_for_long_enough() -> None:
    world = World(a_rule(clear_after=timedelta(minutes=30)))
    for status in (BAD, FINE, FINE, BAD, FINE, FINE):
        world.judge(said(status))
    assert world.alert.state is FIRING
    world.judge(said(FINE))
    assert world.told == [Why.FIRED, Why.RESOLVED]


def test_a_subject_that_is_not_mentioned_is_fine() -> None:
    world = World()
    world.judge(said(BAD))
    world.judge()
    assert world.told == [Why.FIRED, Why.RESOLVED]


def test_it_is_told_again_after_the_repeat_interval() -> None:
    world = World(a_rule(repeat=timedelta(hours=1)))
    for _ in range(10):
        world.judge(said(BAD))
    assert world.told == [Why.FIRED, Why.REPEATED, Why.REPEATED]


def test_without_a_repeat_interval_it_is_told_once() -> None:
    world = World()
    for _ in range(1000):
        world.judge(said(BAD), after=timedelta(days=1))
    assert world.told == [Why.FIRED]


def test_worse_is_told_at_once_and_better_is_not() -> None:
    world = World()
    world.judge(said(BAD))
    world.judge(said(BAD, step=2, severity=Severity.CRITICAL))
    assert world.alert.severity is Severity.CRITICAL
    world.judge(said(BAD, step=1))
    world.judge(said(BAD, step=2))
    assert world.told == [Why.FIRED, Why.WORSE]


def test_what_goes_on_is_kept_alive_for_those_who_forget() -> None:
    world = World()
    world.judge(said(BAD))
    assert [t.why for t in world.judge(said(BAD)).tellings] == [Why.KEPT]
    world.judge(said(FINE))
    assert world.judge(said(FINE)).tellings == ()


def test_a_silenced_alert_keeps_its_state_and_is_told_when_the_silence_ends() -> None:
    world = World(silences=[a_silence()])
    world.judge(said(BAD))
    assert (world.alert.state, world.told) == (FIRING, [])
    world.judge(said(BAD), after=timedelta(hours=1, minutes=44))
    assert world.told == []
    world.judge(said(BAD), after=MINUTE)
    assert world.told == [Why.FIRED]
    assert world.alert.since == NOW + 15 * MINUTE


def test_what_came_and_went_under_a_silence_is_never_told() -> None:
    world = World(silences=[a_silence()])
    world.judge(said(BAD))
    world.judge(said(FINE))
    world.judge(said(FINE), after=timedelta(hours=3))
    assert world.told == []


def test_what_ended_under_a_silence_is_told_to_be_over_afterwards() -> None:
    world = World()
    world.judge(said(BAD))
    world.silences.append(a_silence())
    world.judge(said(FINE))
    assert world.told == [Why.FIRED]
    world.judge(said(FINE), after=timedelta(hours=3))
    world.judge(said(FINE))
    assert world.told == [Why.FIRED, Why.RESOLVED]


@pytest.mark.parametrize(
    ("matcher", "hides"),
    [
        ({}, True),
        ({"rule": "anything"}, True),
        ({"rule": "other"}, False),
        ({"site": "PROD"}, True),
        ({"site": "test"}, False),
        ({"severity": Severity.WARNING}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"rule": "anything", "site": "test"}, False),
        ({"until": NOW}, False),
    ],
)
def test_a_silence_hides_what_it_names(matcher: dict[str, object], hides: bool) -> None:
    world = World(silences=[a_silence(**matcher)])
    world.judge(said(BAD))
    assert (world.told == []) is hides


@pytest.mark.parametrize(
    "wrong", [{"by": " "}, {"reason": ""}, {"until": NOW - MINUTE}], ids=["by", "reason", "until"]
)
def test_a_silence_without_an_owner_a_reason_or_a_time_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="silence"):
        a_silence(**wrong)


def test_an_older_judgement_changes_nothing() -> None:
    world = World()
    world.judge(said(BAD))
    world.judge(said(FINE))
    before = dict(world.known)
    world.judge(said(BAD), after=timedelta(minutes=-5))
    assert world.known == before


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=365)])
def test_a_clock_that_was_ahead_once_freezes_nothing(ahead: timedelta) -> None:
    world = World(rule=a_rule(repeat=timedelta(days=1)))
    world.judge(said(BAD), after=ahead)

    world.judge(said(BAD), after=-ahead)
    assert world.alert.since == world.alert.seen == world.now
    world.judge(said(BAD), after=timedelta(days=1))
    world.judge(said(FINE))

    assert world.alert.state is RESOLVED
    assert world.told == [Why.FIRED, Why.REPEATED, Why.RESOLVED]


def test_what_a_clock_ahead_left_pending_fires_in_its_time() -> None:
    world = World(rule=a_rule(hold=timedelta(minutes=30)))
    world.judge(said(BAD), after=timedelta(days=365))
    world.judge(said(BAD), after=timedelta(days=-365))
    world.judge(said(BAD), after=timedelta(minutes=30))
    assert world.told == [Why.FIRED]


def test_an_alert_that_a_clock_ahead_left_is_over_when_its_rule_is_switched_off() -> None:
    world = World()
    world.judge(said(BAD), after=timedelta(days=365))
    world.now = NOW
    world.retire("other")
    assert world.told == [Why.FIRED, Why.RESOLVED]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_readings_of_one_subject_the_worse_counts(order: int) -> None:
    world = World()
    world.judge(*[said(BAD, step=2), said(BAD, step=1), said(FINE)][::order])
    assert (world.told, world.alert.step) == ([Why.FIRED], 2)


def test_it_may_fire_again_after_it_was_over() -> None:
    world = World()
    for status in (BAD, FINE, BAD, FINE):
        world.judge(said(status))
    assert world.told == [Why.FIRED, Why.RESOLVED] * 2


def test_an_alert_of_a_rule_that_was_switched_off_under_a_silence_ends_and_is_told_later() -> None:
    world = World()
    world.judge(said(BAD))
    world.silences = [a_silence()]
    world.retire("other")
    assert (world.alert.state, world.told) == (RESOLVED, [Why.FIRED])
    world.silences = []
    world.retire("other")
    world.retire("other")
    assert world.told == [Why.FIRED, Why.RESOLVED]


def test_what_ended_under_a_silence_before_its_rule_was_switched_off_is_told_to_be_over() -> None:
    world = World()
    world.judge(said(BAD))
    world.silences = [a_silence()]
    world.judge(said(FINE))
    world.silences = []
    world.retire("other")
    assert world.told == [Why.FIRED, Why.RESOLVED]


def test_an_alert_of_a_rule_that_was_switched_off_ends() -> None:
    world = World()
    world.judge(said(BAD))
    world.retire("anything")
    assert world.alert.state is FIRING
    world.retire("other")
    world.retire("other")
    assert world.alert.state is RESOLVED
    assert world.told == [Why.FIRED, Why.RESOLVED]
    assert world.alert.told is MessageState.RESOLVED
