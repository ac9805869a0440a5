"""Exit codes, and which error leads to which: the only place that knows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from seatkeeper.core.outcome import GrantOutcome, GrantResult, Outcome, RunResult
from seatkeeper.errors import (
    ConfigError,
    Interrupted,
    NotAllowed,
    PlanStale,
    SeatkeeperError,
    UsageError,
)


class Exit(IntEnum):
    """What the exit code of every command means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BLOCKED = 3
    CHANGES = 4
    STALE = 5
    PARTLY = 6
    INTERRUPTED = 130

    @property
    def words(self) -> str:
        """The code in a sentence, as the command reference shows it."""
        return _WORDS[self]


_WORDS = {
    Exit.DONE: "done, or nothing to do; a plan was made (blocked or not); "
    "only the mode holds `run` back",
    Exit.FAILED: "it failed, or another process holds the site (it says who, since when)",
    Exit.USAGE: "the command or the configuration makes no sense; nothing was done",
    Exit.BLOCKED: "blocked by a limit, frozen, or against the site's mode",
    Exit.CHANGES: "seats may go (only with `--detailed-exitcode`)",
    Exit.STALE: "the plan is over: expired, superseded, rejected or applied already",
    Exit.PARTLY: "something was done, and something failed, was refused, unknown or not attempted",
    Exit.INTERRUPTED: "interrupted; what was begun is recorded",
}


def exit_of_error(error: SeatkeeperError) -> Exit:
    """Say which exit code an error means."""
    if isinstance(error, ConfigError | UsageError):
        return Exit.USAGE
    if isinstance(error, NotAllowed):
        return Exit.BLOCKED
    if isinstance(error, PlanStale):
        return Exit.STALE
    if isinstance(error, Interrupted):
        return Exit.INTERRUPTED
    return Exit.FAILED


def exit_of_run(result: RunResult) -> Exit:
    """Say how a run of a plan ended."""
    if result.interrupted:
        return Exit.INTERRUPTED
    outcomes = [o.outcome for o in result.outcomes]
    bad = any(o.is_failure or o is Outcome.NOT_ATTEMPTED for o in outcomes)
    return _mixed(bad=bad, good=any(o.took_effect and not o.is_failure for o in outcomes))


def exit_of_grants(results: Iterable[GrantResult]) -> Exit:
    """Say how giving seats back ended; a seat held already is as good as restored."""
    outcomes = [r.outcome for r in results]
    fine = (GrantOutcome.RESTORED, GrantOutcome.ALREADY_HELD)
    return _mixed(bad=any(o not in fine for o in outcomes), good=any(o in fine for o in outcomes))


def _mixed(*, bad: bool, good: bool) -> Exit:
    if not bad:
        return Exit.DONE
    return Exit.PARTLY if good else Exit.FAILED
