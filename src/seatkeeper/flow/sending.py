"""Send the DELETEs of one batch, a few at a time, each at most once and none too late.

With `apply` the only module that holds a LicenseReleaser. It judges nothing: what became of the
seats is told by reading them back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from seatkeeper.core.outcome import Answer, GrantResult
from seatkeeper.core.plan import Action
from seatkeeper.errors import Interrupted, LeaseLost
from seatkeeper.flow.context import Run
from seatkeeper.flow.ports import RELEASE_TURN, Held, LicenseReleaser
from seatkeeper.flow.stopping import until_stopped
from seatkeeper.flow.together import together

FRESH = timedelta(seconds=5)
"""A DELETE leaves within this time after its second look began, or it is not sent."""

SEND_WITHIN = FRESH - RELEASE_TURN
"""So a releaser is asked no later than this: it may still wait for its turn."""

FAILURES = 5
"""So many refused or unknown in a row, and the run ends."""

GRACE = 6.0
"""Seconds that requests in flight get when the run is asked to end."""

GiveBack = Callable[[str, Action, str], Awaitable[GrantResult]]
"""Gives the seat of a plan's action back at once, because of a reason."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What apply may do to the site, and under which lease."""

    releaser: LicenseReleaser
    give_back: GiveBack
    held: Held
    concurrency: int


@dataclass(slots=True)
class Sent:
    """What of one batch was sent, and how it was answered; filled while it is being sent.

    `answers` is keyed by allocation and in the order of the answers. What never left is not in
    it; what has no answer yet is, because nobody knows.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    bad: int = 0
    """Answers in a row that look like a failure; whether they are tells the reading back."""
    lost: LeaseLost | None = None
    cut: bool = False
    """Whether requests were given up because the run was asked to end."""
    never_left: str = ""
    """Why the last request that never left did not."""

    @property
    def is_over(self) -> bool:
        """Whether no further DELETE of this batch may be sent."""
        return self.lost is not None or self.bad >= FAILURES

    def begin(self, allocation_id: str) -> None:
        """Note that a DELETE is on its way."""
        self.answers[allocation_id] = Answer(status=None, text="interrupted")

    def note(self, allocation_id: str, answer: Answer) -> None:
        """Note its answer."""
        del self.answers[allocation_id]
        if answer.sent:
            self.answers[allocation_id] = answer
        else:
            self.never_left = answer.text
        if self.bad < FAILURES and answer.status != 404:
            self.bad = 0 if answer.is_success else self.bad + 1


def is_fresh(looked_at: datetime, now: datetime) -> bool:
    """Whether a look is young enough to act on; a clock set back proves nothing."""
    return timedelta(0) <= now - looked_at <= SEND_WITHIN


async def send(
    going: Sequence[Action], looked_at: datetime, hands: Hands, run: Run, sent: Sent
) -> None:
    """Send as many of these DELETEs as may be, and fill `sent`.

    Ends early when the look is no longer fresh, when too many fail in a row, or on request.
    Raises LeaseLost once what is on its way has been answered.
    """
    queue = deque(going)
    workers = (
        _work(queue, looked_at, hands, run, sent) for _ in range(min(hands.concurrency, len(queue)))
    )
    try:
        await until_stopped(together(*workers), run.stop, GRACE)
    except Interrupted:
        sent.cut = True
    if sent.lost is not None:
        raise sent.lost


async def _work(
    queue: deque[Action], looked_at: datetime, hands: Hands, run: Run, sent: Sent
) -> None:
    while queue and not sent.is_over and not run.stop.is_set():
        try:
            hands.held.check()
        except LeaseLost as error:
            sent.lost = error
            return
        if not is_fresh(looked_at, run.clock.now()):
            return
        action = queue.popleft()
        sent.begin(action.allocation_id)
        answer = await hands.releaser.release(action.license_type, action.allocation_id)
        sent.note(action.allocation_id, answer)
