"""What holds on every site under every policy, tried on 10,000 random worlds.

Each world is generated once and every invariant looks at it; what they found is told by one test
an invariant. A failure names the seed and the smallest world that still fails:
`SEATKEEPER_WORLD=123 pytest tests/core/test_properties.py` looks at that world alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from random import Random
from time import perf_counter

import pytest

import rules_oracle as oracle
from builders import NOW
from seatkeeper.core.draft import Draft, Findings, draft_plan, seal
from seatkeeper.core.facts import Facts, Sources
from seatkeeper.core.guard import Checked, check
from seatkeeper.core.model import Allocation, LicenseType
from seatkeeper.core.plan import Action, Limit, Plan
from seatkeeper.core.policy import ExemptionKind
from seatkeeper.core.rules import Reason, Verdict, judge
from worlds import World, livelier, shouted, shuffled, smaller, world_of

WORLDS = 10_000
AT_LEAST = 100
RELEASES = ("idle", "never_used")


@dataclass
class Case:
    """One world and what the product makes of it, worked out once for all invariants."""

    world: World

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """Return the verdict on each seat, in the order of the rows."""
        return verdicts_in(self.world)

    @cached_property
    def draft(self) -> Draft:
        """Return the draft."""
        return draft_of(self.world)

    @cached_property
    def findings(self) -> Findings:
        """Return what the limits say."""
        return findings_in(self.world, self.draft)

    @cached_property
    def plan(self) -> Plan:
        """Return the sealed plan."""
        world = self.world
        return seal(self.draft, self.findings, world.snapshot, world.policy, NOW)

    @cached_property
    def expected(self) -> list[str]:
        """Return the reasons that the design rules ask for."""
        seats = self.world.snapshot.allocations
        return [oracle.expected_reason(seat, self.world) for seat in seats]

    @cached_property
    def planned(self) -> list[Action]:
        """Return every seat that may go now or later."""
        return [*self.draft.actions, *self.draft.deferred]

    @cached_property
    def planned_seats(self) -> list[Allocation]:
        """Return the rows of what may go."""
        ids = {action.allocation_id for action in self.planned}
        return [s for s in self.world.snapshot.allocations if s.id in ids]


def facts_in(world: World) -> Facts:
    """Gather facts as a plan does."""
    return Facts(Sources.of(world.snapshot, *world.partners), world.policy, NOW)


def verdicts_in(world: World) -> list[Verdict]:
    """Judge every seat."""
    facts = facts_in(world)
    return [judge(seat, facts, world.policy, NOW) for seat in world.snapshot.allocations]


def draft_of(world: World) -> Draft:
    """Make the draft of a world."""
    released = world.baseline.released_last_day
    return draft_plan(
        world.snapshot, facts_in(world), world.policy, NOW, released_last_day=released
    )


def findings_in(world: World, draft: Draft) -> Findings:
    """Hold a draft against the limits."""
    checked = Checked(draft, world.snapshot, world.policy, world.baseline, NOW)
    return check(checked, world.overrides)


# The invariants: each raises AssertionError on a world where it does not hold


def reasons_are_those_of_the_design(case: Case) -> None:
    """Every verdict has the reason that the rules, written a second time, ask for."""
    assert [v.reason.value for v in case.verdicts] == case.expected


def nothing_protected_is_planned(case: Case) -> None:
    """No planned seat belongs to a person whom anything protects, or may protect."""
    for seat in case.planned_seats:
        person = oracle.person_behind(seat, case.world)
        assert oracle.is_protected(person, case.world) is False


def nobody_active_is_planned(case: Case) -> None:
    """No planned seat belongs to a person active within the threshold, anywhere."""
    for seat in case.planned_seats:
        latest = oracle.latest_activity(oracle.person_behind(seat, case.world), case.world)
        after = case.world.policy.of(seat.license_type).release_after
        assert latest is None or oracle.idle_for(latest, case.world) >= after
        assert latest is None or NOW - latest >= after >= timedelta(days=7)


def nothing_new_is_planned(case: Case) -> None:
    """No planned seat is younger than the grace, or of unknown age and never used."""
    for seat in case.planned_seats:
        created, used = oracle.real(seat.created), oracle.real(seat.last_used)
        since = created or used
        assert since is not None
        assert oracle.idle_for(since, case.world) >= case.world.policy.new_seat_grace


def nothing_but_live_seats_is_planned(case: Case) -> None:
    """No planned row is quarantined, excess, of a deleted or missing user, doubtful, disabled."""
    for seat in case.planned_seats:
        assert seat.quarantined is False
        assert (seat.excess, seat.deleted_user, seat.doubt) == (False, False, "")
        assert seat.user_id in case.world.snapshot.users
        assert case.world.policy.of(seat.license_type).enabled


def more_recent_use_never_releases(case: Case) -> None:
    """No later use, of any seat or elsewhere, turns a keep into a release."""
    random = Random(case.world.seed + 1)  # noqa: S311 - worlds, not secrets
    for _ in range(2):
        for before, after in zip(
            case.verdicts, verdicts_in(livelier(case.world, random)), strict=True
        ):
            assert before.releases or not after.releases


def order_does_not_matter(case: Case) -> None:
    """The same rows in another order give the same bytes and digest, and so does a second run."""
    random = Random(case.world.seed + 2)  # noqa: S311 - worlds, not secrets
    again = Case(shuffled(case.world, random)).plan
    assert again.canonical == case.plan.canonical
    assert (again.digest, again.plan_id) == (case.plan.digest, case.plan.plan_id)


def letter_case_does_not_matter(case: Case) -> None:
    """Other cases of letters, in data and exemptions, change no verdict, action or limit."""
    random = Random(case.world.seed + 3)  # noqa: S311 - worlds, not secrets
    other = Case(shouted(case.world, random))
    assert [v.reason for v in other.verdicts] == [v.reason for v in case.verdicts]
    assert facts_of(other.draft.actions) == facts_of(case.draft.actions)
    assert facts_of(other.draft.deferred) == facts_of(case.draft.deferred)
    assert limits_in(other.findings) == limits_in(case.findings)


def facts_of(actions: Iterable[Action]) -> list[tuple[object, ...]]:
    """Return everything about actions but the spelling of the name."""
    return [(a.allocation_id, a.reason, a.last_used, a.idle_days, a.user_id) for a in actions]


def limits_in(findings: Findings) -> tuple[list[Limit], list[Limit]]:
    """Return the limits that block, and those that were passed."""
    return [v.limit for v in findings.violations], [n.limit for n in findings.overridden]


def every_seat_has_one_verdict(case: Case) -> None:
    """Kept and eligible seats together are the rows, and no seat is planned twice."""
    rows = case.world.snapshot.allocations
    assert sum(case.draft.kept.values()) + case.draft.eligible == len(rows)
    assert len({a.allocation_id for a in case.planned}) == case.draft.eligible
    assert sum(c.rows for c in case.draft.counts) == len(rows)
    assert sum(c.eligible for c in case.draft.counts) == case.draft.eligible
    counted = Counter(v.reason.value for v in case.verdicts)
    kept = {r: n for r, n in counted.items() if r not in RELEASES}
    assert case.draft.kept == kept


def counts_are_limited(case: Case) -> None:
    """No plan has more actions than a run or what is left of a day allows."""
    limits, released = case.world.policy.limits, case.world.baseline.released_last_day
    allowed = min(limits.max_per_run, max(0, limits.max_per_day - released))
    assert len(case.draft.actions) == min(allowed, case.draft.eligible)


def the_longest_idle_go_first(case: Case) -> None:
    """What is deferred was not idle for longer than what goes now."""
    since = [a.last_used or a.created or a.seat_last_used for a in case.planned]
    assert all(at is not None for at in since)
    assert since == sorted(at for at in since if at is not None)


def limits_are_those_of_the_design(case: Case) -> None:
    """Every limit that the rules, written a second time, find broken blocks or was passed."""
    expected = oracle.expected_limits(case.world, dict(enumerate(case.expected)))
    blocking, passed = limits_in(case.findings)
    assert {limit.value for limit in (*blocking, *passed)} == expected
    assert not set(blocking) & set(passed)
    assert set(passed) == {Limit(name) for name in expected} & overridden(case)


def overridden(case: Case) -> set[Limit]:
    """Return the limits that a person validly passed, by rule 18."""
    return {
        o.limit
        for o in case.world.overrides
        if o.site == "prod"
        and o.policy_digest == case.world.policy.digest
        and o.until > NOW
        and o.until - o.at <= timedelta(days=90)
        and o.plan_id is None
        and o.limit is not Limit.PAUSE
    }


def a_share_is_never_passed_unseen(case: Case) -> None:
    """Whatever an unblocked plan may release over time is within the share, or very few seats."""
    blocking, passed = limits_in(case.findings)
    if Limit.MAX_SHARE in (*blocking, *passed):
        return
    for license_type in LicenseType:
        going = sum(s.license_type is license_type for s in case.planned_seats)
        live = sum(
            s.license_type is license_type and s.is_live for s in case.world.snapshot.allocations
        )
        few = going <= 3 and going * 2 <= live
        assert few or going / live <= case.world.policy.limits.max_share


INVARIANTS: tuple[Callable[[Case], None], ...] = (
    reasons_are_those_of_the_design,
    nothing_protected_is_planned,
    nobody_active_is_planned,
    nothing_new_is_planned,
    nothing_but_live_seats_is_planned,
    more_recent_use_never_releases,
    order_does_not_matter,
    letter_case_does_not_matter,
    every_seat_has_one_verdict,
    counts_are_limited,
    the_longest_idle_go_first,
    limits_are_those_of_the_design,
    a_share_is_never_passed_unseen,
)


# The run


EXPECTED = {
    "reasons": [r.value for r in Reason],
    "exemption kinds": [k.value for k in ExemptionKind],
    "mark rules": ["yes", "no"],
    "limits": [*(limit.value for limit in Limit), "max_per_run", "max_per_day"],
}
"""What the worlds must hold often enough for the invariants to mean something."""


@dataclass
class Met:
    """What the worlds held, and the first failure of each invariant."""

    worlds: int = 0
    counts: dict[str, Counter[str]] = field(
        default_factory=lambda: {what: Counter() for what in EXPECTED}
    )
    failures: dict[str, str] = field(default_factory=dict)

    def count(self, case: Case) -> None:
        """Count what decided in a world."""
        self.worlds += 1
        for verdict in case.verdicts:
            self.counts["reasons"][verdict.reason.value] += 1
            if verdict.exemption is not None:
                self.counts["exemption kinds"][verdict.exemption.kind.value] += 1
            elif verdict.reason is Reason.EXEMPT and ": " in verdict.note:
                self.counts["mark rules"][verdict.note.partition(": ")[2]] += 1
        blocking, passed = limits_in(case.findings)
        self.counts["limits"].update({limit.value for limit in (*blocking, *passed)})
        if case.draft.deferred:
            limits = case.world.policy.limits
            today = limits.max_per_day - case.world.baseline.released_last_day
            trimmed_by = "max_per_run" if limits.max_per_run <= today else "max_per_day"
            self.counts["limits"][trimmed_by] += 1

    def try_all(self, case: Case) -> None:
        """Try every invariant that has not failed yet."""
        for invariant in INVARIANTS:
            name = invariant.__name__
            if name not in self.failures and (said := failure(invariant, case)):
                self.failures[name] = explained(invariant, case, said)


def failure(invariant: Callable[[Case], None], case: Case) -> str:
    """Return what an invariant says of a world where it does not hold, empty where it does."""
    try:
        invariant(case)
    except AssertionError as error:
        return str(error) or "it does not hold"
    return ""


def explained(invariant: Callable[[Case], None], case: Case, said: str) -> str:
    """Make a failing world as small as it gets, and say how to look at it again."""
    world, made_smaller = case.world, True
    while made_smaller:
        made_smaller = False
        for less in smaller(world):
            if failure(invariant, Case(less)):
                world, made_smaller = less, True
                break
    seats = "\n".join(map(str, world.snapshot.allocations))
    users = "\n".join(map(str, world.snapshot.users.values()))
    return (
        f"SEATKEEPER_WORLD={case.world.seed}\n{said}\n\nsmallest world that fails:\n"
        f"{seats}\n{users}\n{world.policy}\n{world.partners}\n{world.snapshot.witness}"
    )


def seeds() -> Iterable[int]:
    """Return the seeds to look at: all, or the one asked for."""
    only = os.environ.get("SEATKEEPER_WORLD")
    return range(WORLDS) if only is None else [int(only)]


@pytest.fixture(scope="module")
def met(report: Callable[[str], None]) -> Met:
    """Go through every world once, trying every invariant on it."""
    found, began = Met(), perf_counter()
    for seed in seeds():
        try:
            case = Case(world_of(seed))
            found.count(case)
            found.try_all(case)
        except Exception as error:
            error.add_note(f"SEATKEEPER_WORLD={seed}")
            raise
    report(f"{found.worlds} worlds in {perf_counter() - began:.0f} s")
    for what, names in EXPECTED.items():
        report(f"{what}: " + ", ".join(f"{n} {found.counts[what][n]}" for n in names))
    return found


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda i: i.__name__)
def test_on_every_world(invariant: Callable[[Case], None], met: Met) -> None:
    if said := met.failures.get(invariant.__name__):
        pytest.fail(said, pytrace=False)


@pytest.mark.parametrize(
    ("what", "name"), [(what, name) for what, names in EXPECTED.items() for name in names]
)
def test_the_worlds_hold_enough_of(what: str, name: str, met: Met) -> None:
    needed = AT_LEAST * met.worlds // WORLDS

    assert met.counts[what][name] >= needed
