"""What a plan may be: every limit, checked on numbers that were read, never on hope.

A violation blocks the plan; its message has the numbers and the way out. A warning blocks
nothing. Which limits are passed for now is decided by people and comes in as overrides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import median

from seatkeeper.core.blindness import blind_exemptions
from seatkeeper.core.draft import Draft, Findings
from seatkeeper.core.expiry import expiry_warnings
from seatkeeper.core.model import Snapshot
from seatkeeper.core.plan import Limit, Notice, OverrideNote, TypeCount, Violation
from seatkeeper.core.policy import MOST_OVERRIDE, Exemption, Mode, Policy, SharedKind
from seatkeeper.core.record import Baseline, Override
from seatkeeper.core.rules import AHEAD
from seatkeeper.core.wholeness import Reading, clock_skew, doubts, missing_rows, witness_gone

ALWAYS_ALLOWED = 3
"""So few seats, if at most half of the pool, are never blocked by a share."""

GROWN_AT_LEAST = 10


@dataclass(frozen=True)
class Checked:
    """What the limits look at: a draft, what it came from, and what was before."""

    draft: Draft
    snapshot: Snapshot
    policy: Policy
    baseline: Baseline
    now: datetime
    partners: tuple[Reading, ...] = ()
    """What tells of each site that shares the license whether it was read whole."""

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The same of the site itself, and of its partners; it counts every row, so once."""
        own = Reading.of(self.snapshot, self.baseline.usage_lists, self.now)
        return (own, *self.partners)

    @cached_property
    def blind(self) -> list[tuple[Exemption, str]]:
        """Exemptions that match nobody; looked up once, for it reads every user."""
        return blind_exemptions(self.policy, self.snapshot.users, self.now)


def check(checked: Checked, overrides: Sequence[Override] = ()) -> Findings:
    """Hold a draft against every limit; overridden violations become notes in the plan."""
    found = [v for limit in _LIMITS for v in limit(checked)]
    in_force = sorted((o for o in overrides if _holds(o, checked)), key=lambda o: o.until)
    passed = {o.limit: o for o in in_force}
    unused = [passed[limit] for limit in Limit if limit in passed.keys() - {v.limit for v in found}]
    return Findings(
        violations=tuple(v for v in found if v.limit not in passed),
        warnings=(*_warnings(checked), *map(_still_open, unused)),
        overridden=tuple(_note(passed[v.limit], v) for v in found if v.limit in passed),
    )


def _holds(override: Override, c: Checked) -> bool:
    """Tell whether it was given for this site and policy, is not over and not for ever (rule 18).

    One given for a single plan passes that plan and no new one.
    """
    return (
        override.limit.overridable
        and override.plan_id is None
        and override.site == c.snapshot.site
        and override.policy_digest == c.policy.digest
        and c.now < override.until <= override.at + MOST_OVERRIDE
    )


def _note(override: Override, violation: Violation) -> OverrideNote:
    return OverrideNote(
        limit=override.limit,
        by=override.by,
        reason=override.reason,
        until=override.until,
        message=violation.message,
    )


def _still_open(override: Override) -> Notice:
    """A limit that is passed is shown in every plan, broken or not (design rule 18)."""
    return Notice(
        code="override_in_force",
        message=f"{override.limit.value} would block nothing until {override.until:%F %H:%M} UTC: "
        f"passed by {override.by} ({override.reason})",
    )


def _pause(c: Checked) -> Iterable[Violation]:
    if pause := c.policy.pause_at(c.now):
        yield Violation(
            limit=Limit.PAUSE,
            message=f"releases pause until {pause.end:%Y-%m-%d %H:%M} UTC"
            + (f" ({pause.reason})" if pause.reason else ""),
            way_out="wait for the end of the pause, or change policy.pause in the configuration",
        )


def _max_share(c: Checked) -> Iterable[Violation]:
    return shares_above(c.draft.counts, c.policy.limits.max_share)


def shares_above(counts: Iterable[TypeCount], allowed: float) -> Iterable[Violation]:
    """Yield a violation for each type of which more than the allowed share may go."""
    for count in counts:
        few = count.eligible <= ALWAYS_ALLOWED and count.eligible * 2 <= count.live
        # Divided, not multiplied: 29 of 100 is 29 %, and 0.29 * 100 is less than 29.
        share = count.eligible / max(count.live, 1)
        if few or share <= allowed:
            continue
        yield Violation(
            limit=Limit.MAX_SHARE,
            license_type=count.license_type,
            value=round(share, 4),
            allowed=allowed,
            message=f"{count.eligible} of {count.live} {count.license_type.value} seats "
            f"({share:.0%}) may go, above max_share {allowed:.0%}",
            way_out="look at the plan; if it is right, override max_share for it, "
            "or lengthen release_after",
        )


def _directory_jump(c: Checked) -> Iterable[Violation]:
    users = len(c.snapshot.users)
    if c.baseline.first_seen is None or not users:
        return
    share, allowed = c.baseline.newly_marked / users, c.policy.limits.directory_jump
    if share > allowed:
        yield Violation(
            limit=Limit.DIRECTORY_JUMP,
            value=round(share, 4),
            allowed=allowed,
            message=f"{c.baseline.newly_marked} of {users} users ({share:.0%}) became inactive or "
            f"removed externally within 14 days, above directory_jump {allowed:.0%}",
            way_out="check the user directory connector and its last sync in the QMC; "
            "if these people really left, override directory_jump",
        )


def _grown(c: Checked) -> Iterable[Violation]:
    if not c.baseline.eligible_by_day:
        return
    usual = median(c.baseline.eligible_by_day)
    yield from grown_above(c.draft.eligible, usual, c.policy.limits.grown)


def grown_above(eligible: int, usual: float, factor: float) -> Iterable[Violation]:
    """Yield a violation when suspiciously more seats may go than usual."""
    if eligible > usual * factor and eligible - usual >= GROWN_AT_LEAST:
        yield Violation(
            limit=Limit.GROWN,
            value=float(eligible),
            allowed=usual * factor,
            message=f"{eligible} seats may go; plans of the last 14 days had {usual:g}, "
            f"and more than {factor:g} times as many is suspicious",
            way_out="find out why so many people stopped; if it is right, override grown",
        )


def _stale_activity(c: Checked) -> Iterable[Violation]:
    if not c.snapshot.allocations:
        return
    allowed = c.policy.limits.stale_activity
    newest = newest_activity(c.snapshot, c.now)
    if newest is not None and c.now - newest < allowed:
        return
    said = "nobody was ever active" if newest is None else f"nobody was active since {newest:%F}"
    yield Violation(
        limit=Limit.STALE_ACTIVITY,
        value=None if newest is None else round((c.now - newest) / timedelta(days=1), 1),
        allowed=allowed / timedelta(days=1),
        message=f"{said}, longer than stale_activity {allowed / timedelta(days=1):g} days: "
        "either the site is closed or it stopped recording activity",
        way_out="check that lastUsed still moves when somebody opens the hub",
    )


def newest_activity(snapshot: Snapshot, now: datetime) -> datetime | None:
    """Return when anybody on the site was last active; dates in the future do not count."""
    horizon = now + AHEAD
    times = [s.last_used for s in snapshot.allocations if s.last_used and s.last_used <= horizon]
    times += [at for at in snapshot.witness.by_person.values() if at <= horizon]
    return max(times, default=None)


def _incomplete(c: Checked) -> Iterable[Violation]:
    for reading in c.readings:
        yield from missing_rows(reading, c.policy)
        yield from witness_gone(reading, c.policy)


def _clock_skew(c: Checked) -> Iterable[Violation]:
    for reading in c.readings:
        yield from clock_skew(reading, c.policy)


def _blind_exemption(c: Checked) -> Iterable[Violation]:
    if c.policy.mode is not Mode.AUTO:
        return
    for exemption, message in c.blind:
        if exemption.carried:
            yield Violation(
                limit=Limit.BLIND_EXEMPTION,
                message=message,
                way_out="correct the spelling, or say allow_empty: true at the exemption",
            )


def _shared_license(c: Checked) -> Iterable[Violation]:
    if c.policy.mode is Mode.AUTO and (message := _sharing_doubt(c)):
        yield Violation(
            limit=Limit.SHARED_LICENSE,
            message=message,
            way_out="set license_shared_with to the names of the other sites, or to []",
        )


def _sharing_doubt(c: Checked) -> str:
    if c.policy.shared.kind is SharedKind.OTHERS:
        return (
            "the license is shared with deployments that Seatkeeper cannot see; "
            "somebody active there may lose a seat"
        )
    signed = c.snapshot.server_license is not None and c.snapshot.server_license.signed
    if signed and c.policy.shared.kind is SharedKind.UNKNOWN:
        return (
            "the site has a signed license key, which several deployments may share, and "
            "license_shared_with is not set"
        )
    return ""


_LIMITS = (
    _pause,
    _max_share,
    _directory_jump,
    _grown,
    _stale_activity,
    _incomplete,
    _clock_skew,
    _blind_exemption,
    _shared_license,
)


def _warnings(c: Checked) -> Iterable[Notice]:
    yield from expiry_warnings(c.policy, c.now)
    for reading in c.readings:
        yield from doubts(reading)
    if c.policy.mode is not Mode.AUTO and (doubt := _sharing_doubt(c)):
        yield Notice(code="shared_license", message=doubt)
    for exemption, message in c.blind:
        if not (exemption.carried and c.policy.mode is Mode.AUTO):
            yield Notice(code="blind_exemption", message=message)
    for text in c.draft.unclear:
        yield Notice(code="unclear", message=text)
    if c.draft.deferred:
        yield Notice(
            code="deferred",
            message=f"{len(c.draft.deferred)} more seats may go in later runs "
            f"(max_per_run {c.policy.limits.max_per_run}, "
            f"max_per_day {c.policy.limits.max_per_day}, "
            f"{c.baseline.released_last_day} released in the last 24 hours)",
        )
