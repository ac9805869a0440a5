"""From options to an approval."""

from __future__ import annotations

from collections.abc import Sequence

from seatkeeper.core.durations import parse_duration
from seatkeeper.core.plan import Limit
from seatkeeper.errors import UsageError
from seatkeeper.flow.approve import Approval
from seatkeeper.wiring.clock import this_actor


def approval_of(
    by: str | None,
    reason: str,
    override: Sequence[str] | None,
    lasting: str | None,
    without: Sequence[str] | None,
) -> Approval:
    """Return who approves what; raises UsageError for a limit or time that makes no sense."""
    passing = tuple(_limit(text) for text in override or ())
    if passing and not by:
        raise UsageError("--override needs --by: a person passes a limit, not an account")
    try:
        length = parse_duration(lasting) if lasting is not None else None
    except ValueError as error:
        raise UsageError(f"--for {lasting}: {error}") from error
    return Approval(this_actor(by), reason, passing, length, tuple(without or ()))


def _limit(text: str) -> Limit:
    try:
        return Limit(text)
    except ValueError:
        known = ", ".join(limit.value for limit in Limit if limit.overridable)
        raise UsageError(f"--override {text}: there is no such limit; there are {known}") from None
