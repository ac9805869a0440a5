"""The moments at which a releasing process is killed, found from outside: site log and store.

No crash hook in the product: faults of the simulated site and a relay that holds connections
stop the process where a test wants it, and the log or the store tells when it is there.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from e2e_desk import Desk
from e2e_processes import Running, wait_until
from e2e_truth import everything_adds_up, the_rest_returns

Plan = dict[str, Any]
Act = Callable[[Desk, Plan], None]

HANG_BEFORE = "hang=before:method=DELETE"
HANG_AFTER = "hang=after:method=DELETE"
SLOW_DELETES = "latency=150:method=DELETE"


@dataclass(frozen=True)
class Step:
    """A named moment: what is arranged, how it is recognised, what must be so just then."""

    name: str
    arrange: Act
    reached: Act
    so_it_is: Act


def _faults(*texts: str) -> Act:
    return lambda desk, _: desk.site.faults(*texts)


def _asked(number: int) -> Act:
    """The site has got so many DELETEs."""
    return lambda desk, _: _wait_for(lambda: len(desk.site.deletes()) >= number, "DELETEs arrive")


def _wait_for(happened: Callable[[], Any], what: str) -> None:
    wait_until(happened, what, 40)


def _all_of(*checks: Act) -> Act:
    def check_all(desk: Desk, plan: Plan) -> None:
        for check in checks:
            check(desk, plan)

    return check_all


def _hold_writes(desk: Desk, _plan: Plan) -> None:
    """Writes have connections of their own: with one reading connection, the second is theirs."""
    desk.site.faults()
    assert desk.place.concurrency == 1
    desk.place.relay.hold_after(1)


def _intended(desk: Desk, plan: Plan) -> None:
    _wait_for(lambda: desk.intents(plan["plan_id"]), "intents are written")


def _recorded(desk: Desk, plan: Plan) -> None:
    _wait_for(lambda: desk.outcomes(plan["plan_id"]), "outcomes are written")


def _hold_the_read_back(desk: Desk, plan: Plan) -> None:
    _asked(1)(desk, plan)
    desk.site.faults(SLOW_DELETES, "hang=before:method=GET:path=accesstype")
    _wait_for(lambda: _reads_after_deletes(desk), "the seats are read back")


def _reads_after_deletes(desk: Desk) -> bool:
    methods = [entry["method"] for entry in desk.site.log()]
    return "GET" in methods[methods.index("DELETE") :]


def _nothing_asked(desk: Desk, _plan: Plan) -> None:
    assert not desk.site.deletes()


def _nothing_lost(desk: Desk, _plan: Plan) -> None:
    assert desk.site.deletes()
    assert not any(d.effective for d in desk.site.deletes())


def _lost(least: int) -> Act:
    def check(desk: Desk, _plan: Plan) -> None:
        assert sum(d.effective for d in desk.site.deletes()) >= least

    return check


def _open(desk: Desk, plan: Plan) -> None:
    assert desk.intents(plan["plan_id"])
    assert not desk.outcomes(plan["plan_id"])
    assert desk.status_of(plan["plan_id"]) == "applying"


def _partly_recorded(desk: Desk, plan: Plan) -> None:
    assert 0 < len(desk.outcomes(plan["plan_id"])) < len(plan["actions"])
    assert desk.status_of(plan["plan_id"]) == "applying"


STEPS = (
    Step("intent written", _hold_writes, _intended, _all_of(_nothing_asked, _open)),
    Step("DELETE sent", _faults(HANG_BEFORE), _asked(1), _all_of(_nothing_lost, _open)),
    Step(
        # The site carries it out 1.5 s after the process died.
        "DELETE on the wire",
        _faults("latency=1500:method=DELETE"),
        _asked(1),
        _all_of(_nothing_lost, _open),
    ),
    Step("DELETE done, no answer", _faults(HANG_AFTER), _asked(1), _all_of(_lost(1), _open)),
    Step("answer received", _faults(f"{HANG_BEFORE}:after=2"), _asked(3), _all_of(_lost(2), _open)),
    Step(
        "read-back under way",
        _faults(SLOW_DELETES),
        _hold_the_read_back,
        _all_of(_lost(1), _open),
    ),
    Step(
        # So slow that the seats of one plan need two batches.
        "outcome written",
        _faults("latency=800:method=DELETE"),
        _recorded,
        _all_of(_lost(1), _partly_recorded),
    ),
    Step(
        "answers lost",
        _faults("lost:method=DELETE:first=3", f"{HANG_BEFORE}:after=3"),
        _asked(4),
        _all_of(_lost(3), _open),
    ),
)


def at_random(seed: int, span: float) -> Step:
    """A moment drawn from the seconds after the process took the site."""

    def reached(desk: Desk, _plan: Plan) -> None:
        _wait_for(desk.holder, "the site is taken")
        time.sleep(random.Random(seed).uniform(0.0, span))  # noqa: S311 - a moment, no secret

    return Step(
        "random moment",
        _faults("latency=60:method=DELETE", "latency=25:method=GET"),
        reached,
        lambda _desk, _plan: None,
    )


@dataclass
class Tally:
    """What the kills came to, step by step."""

    kills: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, step: str, status: str, outcomes: dict[str, str]) -> None:
        """Count one kill."""
        self.kills[step] += 1
        self.statuses.setdefault(step, Counter())[status] += 1
        self.outcomes.setdefault(step, Counter()).update(outcomes.values())

    def __add__(self, other: Tally) -> Tally:
        """Add up two tallies."""
        both = Tally(self.kills + other.kills)
        for tally in (self, other):
            for step in tally.kills:
                both.statuses.setdefault(step, Counter()).update(tally.statuses[step])
                both.outcomes.setdefault(step, Counter()).update(tally.outcomes[step])
        return both

    def table(self, title: str) -> str:
        """The counts as a table."""
        lines = [f"{title:<28} kills  plan afterwards              seats"]
        for step, number in self.kills.items():
            plans, seats = _counts(self.statuses[step]), _counts(self.outcomes[step])
            lines.append(f"{step:<28} {number:>5}  {plans:<28} {seats}")
        return "\n".join(lines)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counter.items()))


def kill_apply(desk: Desk, plan: Plan, step: Step, tally: Tally, *, again: bool) -> Plan:
    """Kill `apply` of this plan at a step, start again, check everything, give the next plan.

    `again`: what is started first is `apply` of the same plan, else `run`.
    """
    desk.site.forget()
    step.arrange(desk, plan)
    process = desk.start("apply", plan["plan_id"], "--yes", "--by", "Jane Doe")
    try:
        step.reached(desk, plan)
    except AssertionError as error:
        raise AssertionError(f"{step.name}: {error}\n{process.errors()}") from error
    process.kill()
    step.so_it_is(desk, plan)
    heal(desk)
    begun = desk.status_of(plan["plan_id"]) not in {"open", "approved"}
    if again or not begun:
        # What an administrator does after a crash; a plan once begun is never applied again.
        desk.apply(plan["plan_id"]).expect(5 if begun else 0)
    else:
        next_plan(desk)
    everything_adds_up(desk, plan, open_too=True)
    following = _settled(desk, plan)
    the_rest_returns(desk, plan, following)
    if not begun:
        desk.apply(plan["plan_id"]).expect(5)
    status = desk.status_of(plan["plan_id"])
    assert status in {"partly_applied", "applied"}, status
    tally.note(step.name, status, desk.outcomes(plan["plan_id"]))
    return following


def heal(desk: Desk) -> None:
    """Let the site answer again; what the relay held never arrives."""
    desk.place.relay.cut()
    desk.place.relay.hold_after(None)
    desk.site.faults()


def _settled(desk: Desk, plan: Plan) -> Plan:
    """Once nothing can be on its way any more, a cycle settles the rest; give the next plan."""
    desk.age_what_is_open()
    following = next_plan(desk)
    everything_adds_up(desk, plan)
    return following


def next_plan(desk: Desk) -> Plan:
    """Run a cycle, which settles what was left and makes the next plan."""
    cycle = desk.run("run", "--site", "prod", "-o", "json").expect(0).json
    assert cycle["result"] is None
    made: Plan = cycle["plan"]
    return made


def kill_serve(desk: Desk, daemon: Running, step: Step, tally: Tally) -> Running:
    """Kill the daemon while it applies an approved plan; give the daemon started after it."""
    desk.site.forget()
    plan = desk.plan()
    step.arrange(desk, plan)
    desk.run("approve", plan["plan_id"], "--by", "Jane Doe").expect(0)
    step.reached(desk, plan)
    daemon.kill()
    step.so_it_is(desk, plan)
    heal(desk)
    again = desk.serve()
    _wait_for(lambda: desk.status_of(plan["plan_id"]) == "partly_applied", "the plan is closed")
    everything_adds_up(desk, plan, open_too=True)
    desk.apply(plan["plan_id"]).expect(1, 5)
    _wait_for(lambda: not desk.holder(), "the daemon has read the site")
    _settled(desk, plan)
    tally.note(step.name, "partly_applied", desk.outcomes(plan["plan_id"]))
    return again
