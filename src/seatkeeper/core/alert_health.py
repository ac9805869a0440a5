"""Rules on releasing and on Seatkeeper itself: does it read, does it tell, can it go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from seatkeeper.core.alert_facts import Known, Queue
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
    setting,
)
from seatkeeper.core.channel import channel_of
from seatkeeper.core.durations import format_duration
from seatkeeper.core.hook import hook_of
from seatkeeper.core.plan import PlanStatus, is_quiet

REFUSED_FOR = timedelta(hours=24)
"""What was refused for good, or dropped, speaks so long against its channel or target."""

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ReleaseFailures:
    """Releases were refused, or nobody knows what became of them."""

    about: ClassVar[About] = About(
        name="release_failures",
        title="Releases failed",
        means="releases were refused by the site, or have no clear outcome, within a while",
        todo="See the outcomes (`seatkeeper ledger show`) and the rights of the user at the site.",
        needs=Needs.SITE,
    )
    at_least: int = setting(1, Unit.COUNT, "Fires at so many failed releases.")
    clear_below: int = below(1, Unit.COUNT, "Over when there are fewer.", "at_least")
    within: timedelta = setting(timedelta(hours=24), Unit.DURATION, "Within so long.")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the failed releases."""
        number = known.facts.releases.failed
        yield Reading(
            "",
            Status.of(bad=number >= self.at_least, fine=number < self.clear_below),
            f"{counted(number, 'release')} failed within {format_duration(self.within)}",
            {"count": number},
        )


@dataclass(frozen=True, slots=True)
class BlockedPlan:
    """The newest plan breaks a limit."""

    about: ClassVar[About] = About(
        name="blocked_plan",
        title="Plan blocked",
        means="the newest plan breaks a limit, so that nothing is released; told once where"
        " `stale_activity` alone blocks, as on a site that is closed",
        todo="Look at the plan (`seatkeeper plan`); mend the cause, or override with a reason.",
        needs=Needs.READING,
        repeat=timedelta(days=3),
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the newest plan."""
        plan = known.summary.plan if known.summary else None
        if plan is None:
            return
        quiet = is_quiet(plan.violations)
        blocked = plan.status == PlanStatus.BLOCKED
        # Between two runs of a rare schedule such a plan expires: that is not the end of it.
        waits = quiet and plan.status == PlanStatus.EXPIRED
        limits = ", ".join(plan.violations)
        says = f"plan {plan.plan_id} is blocked by {limits}"
        yield Reading(
            "",
            Status.of(bad=blocked, fine=not waits),
            says if blocked or waits else "no plan is blocked",
            {"violations": len(plan.violations)},
            step=0 if quiet else 1,
            quiet=quiet,
        )


@dataclass(frozen=True, slots=True)
class StaleData:
    """The newest whole reading is old."""

    about: ClassVar[About] = About(
        name="stale_data",
        title="Stale data",
        means="the newest whole reading of a site is older than this, and than two and a half of"
        " its cycles",
        todo="See why no reading succeeds (`seatkeeper status`, `seatkeeper check`, the log).",
        needs=Needs.SITE,
        repeat=timedelta(hours=12),
    )
    older_than: timedelta = setting(
        timedelta(hours=3), Unit.DURATION, "Fires when the newest reading is older."
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the age of the newest reading; a site never read has none."""
        good, period = known.facts.cycles.last_good, known.facts.cycles.period or timedelta(0)
        if good is None:
            return
        age = known.now - good
        limit = max(self.older_than, 2.5 * period)
        yield Reading(
            "",
            Status.BAD if age > limit else Status.FINE,
            f"the newest whole reading is of {good:%Y-%m-%d %H:%M} UTC, {_rough(age)} ago",
            {"age_seconds": round(age.total_seconds())},
        )


@dataclass(frozen=True, slots=True)
class CycleLate:
    """A monitoring cycle is due and does not end."""

    about: ClassVar[About] = About(
        name="cycle_late",
        title="Monitoring cycle late",
        means="a monitoring cycle of the daemon has been due for longer and has not ended",
        todo="See what runs (`seatkeeper status`): a slow site, a busy machine, too many sites?",
        needs=Needs.SITE,
        repeat=timedelta(hours=12),
    )
    late_by: timedelta = setting(
        timedelta(minutes=30), Unit.DURATION, "Fires when it is late by more."
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge how late the cycle is."""
        due = known.facts.cycles.due
        if due is None:
            return
        late = max(known.now - due, timedelta(0))
        yield Reading(
            "",
            Status.BAD if late > self.late_by else Status.FINE,
            f"the monitoring cycle was due at {due:%Y-%m-%d %H:%M} UTC"
            if late
            else "the monitoring cycle is on time",
            {"late_seconds": round(late.total_seconds())},
        )


@dataclass(frozen=True, slots=True)
class SiteUnreachable:
    """The site cannot be read."""

    about: ClassVar[About] = About(
        name="site_unreachable",
        title="Site cannot be read",
        means="so many monitoring cycles in a row failed: no answer, refused, or not whole",
        todo="Run `seatkeeper check`: it names the first step that fails and the cure.",
        needs=Needs.SITE,
        severity=Severity.CRITICAL,
        repeat=timedelta(hours=12),
    )
    failures: int = setting(2, Unit.COUNT, "Fires after so many failed cycles in a row.")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge the cycles since the last good one."""
        cycles = known.facts.cycles
        number = cycles.failures
        since = f" since {cycles.failing_since:%Y-%m-%d %H:%M} UTC" if cycles.failing_since else ""
        why = f": {cycles.error}" if cycles.error else ""
        failed = f"{counted(number, 'cycle')} {'in a row ' if number > 1 else ''}failed"
        says = f"{failed}{since}{why}" if number else "the site is read"
        # One failure begins nothing; it does not end anything either.
        status = Status.of(bad=number >= self.failures, fine=number == 0)
        yield Reading("", status, says, {"failures": number})


@dataclass(frozen=True, slots=True)
class CertificateExpiring:
    """A certificate that is needed to reach the site ends soon."""

    about: ClassVar[About] = About(
        name="certificate_expiring",
        title="Certificate expires",
        means="a certificate with which the site is reached ends within days; critical at the end",
        todo="Export new certificates in the QMC and put them where the configuration says.",
        needs=Needs.SITE,
        repeat=timedelta(days=7),
    )
    days: int = setting(30, Unit.DAYS, "Fires when so many days, or fewer, are left.")
    critical_days: int = below(7, Unit.DAYS, "Critical when so few are left.", "days")

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each certificate."""
        for one in known.certificates:
            left = (one.ends - known.now) / timedelta(days=1)
            urgent = left <= self.critical_days
            ends = "ended" if left < 0 else "ends"
            yield Reading(
                one.name,
                Status.BAD if left <= self.days else Status.FINE,
                f"the {one.name} {ends} at {one.ends:%Y-%m-%d %H:%M} UTC",
                {"days_left": round(left, 1)},
                step=2 if urgent else 1,
                severity=Severity.CRITICAL if urgent else None,
            )


@dataclass(frozen=True, slots=True)
class OutboxGrowing:
    """Points wait to be delivered."""

    about: ClassVar[About] = About(
        name="outbox_growing",
        title="Outbox growing",
        means="points for a target have waited for long, or there are very many of them; critical"
        " when some were dropped within a day, because they waited longer than `retention.outbox`,"
        " or were more than `retention.outbox_rows`",
        todo="See whether the target answers: what still waits is sent when it does.",
        needs=Needs.ALL,
        repeat=timedelta(hours=12),
    )
    older_than: timedelta = setting(
        timedelta(minutes=30), Unit.DURATION, "Fires when the first has waited longer."
    )
    clear: timedelta = below(
        timedelta(minutes=10), Unit.DURATION, "Over when it has waited shorter.", "older_than"
    )
    rows: int = setting(
        50_000,
        Unit.COUNT,
        "Fires at so many, unless they were put within `clear`; over at half of them.",
    )

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each target that is no channel."""
        for queue in known.queues:
            if _teller(queue.target) is None:
                age = _age(queue, known.now)
                # A reading of a large site puts as many at once, and none was sent yet.
                many = queue.rows >= self.rows and age >= self.clear
                few = queue.rows < self.rows / 2
                late, lost = many or age > self.older_than, _lost(queue, known.now)
                yield Reading(
                    queue.target,
                    Status.of(bad=late or lost, fine=few and age < self.clear),
                    _waiting(queue, "point") + _nobodys(queue, known) + _dropped(queue, "point"),
                    _waits(queue, age),
                    step=2 if lost else 1,
                    severity=Severity.CRITICAL if lost else None,
                )


@dataclass(frozen=True, slots=True)
class ChannelFailing:
    """A channel of alerts or a webhook of events does not deliver; the other channels are told."""

    about: ClassVar[About] = About(
        name="channel_failing",
        title="Channel failing",
        means="messages for a channel, or events for a webhook, wait longer than"
        " `alerts.failing_after`, or were refused for good or dropped (`retention.outbox`) within a"
        " day; told on the other channels",
        todo="Try it with `seatkeeper alerts test`; mend its address, password or server. What it"
        " refused: `seatkeeper outbox show`, then `seatkeeper outbox retry`.",
        needs=Needs.ALL,
        repeat=timedelta(hours=12),
    )
    failing_after: timedelta = timedelta(minutes=15)

    def read(self, known: Known) -> Iterator[Reading]:
        """Judge each channel, and each webhook of events."""
        for queue in known.queues:
            teller = _teller(queue.target)
            if teller is not None:
                age = _age(queue, known.now)
                refused = queue.refused_at
                no = refused is not None and known.now - refused < REFUSED_FOR
                late = age > self.failing_after
                lost = _lost(queue, known.now)
                refuses = f"{teller.words} refused {teller.one} for good"
                says = refuses if no and not late else _waiting(queue, teller.what)
                yield Reading(
                    teller.subject,
                    Status.of(bad=late or no or lost, fine=age < self.failing_after / 2),
                    says + _nobodys(queue, known) + _dropped(queue, teller.what),
                    _waits(queue, age),
                )


@dataclass(frozen=True, slots=True)
class _Teller:
    """What tells one thing after the other: a channel, or a webhook of events."""

    subject: str
    words: str
    what: str
    one: str


def _teller(target: str) -> _Teller | None:
    """Return what a target of the outbox is, None for a database of points."""
    if (channel := channel_of(target)) is not None:
        return _Teller(channel, f"channel {channel}", "message", "a message")
    if (hook := hook_of(target)) is not None:
        return _Teller(target, f"webhook {hook}", "event", "an event")
    return None


def _waiting(queue: Queue, what: str) -> str:
    name = channel_of(queue.target) or queue.target
    if queue.oldest is None or not queue.rows:
        return f"nothing waits for {name}"
    why = f": {queue.error}" if queue.error else ""
    waits = f"{counted(queue.rows, what)} {'waits' if queue.rows == 1 else 'wait'}"
    return f"{waits} for {name} since {queue.oldest:%Y-%m-%d %H:%M} UTC{why}"


def _nobodys(queue: Queue, known: Known) -> str:
    """Say what to do where the configuration does not name the target any more."""
    if known.targets is None or queue.target in known.targets:
        return ""
    return (
        "; the configuration names it no more: name it again, or forget what waits with"
        f" `seatkeeper outbox drop {queue.target}`"
    )


def _lost(queue: Queue, now: datetime) -> bool:
    """Whether something was dropped lately."""
    return queue.loss is not None and now - queue.loss.dropped_at < REFUSED_FOR


def _dropped(queue: Queue, what: str) -> str:
    if (loss := queue.loss) is None:
        return ""
    were = "was" if loss.rows == 1 else "were"
    dropped = f"{counted(loss.rows, what)} {were} dropped in all"
    return f"; {dropped}, the newest of {loss.newest:%F %H:%M} UTC"


def _age(queue: Queue, now: datetime) -> timedelta:
    return timedelta(0) if queue.oldest is None else now - queue.oldest


def _waits(queue: Queue, age: timedelta) -> dict[str, Value]:
    return {"waiting": queue.rows, "oldest_seconds": round(age.total_seconds())}


def _rough(length: timedelta) -> str:
    """Return a length to the minute."""
    return format_duration(length - length % _MINUTE)
