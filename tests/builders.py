r"""Builders of the values that rules judge: a test names only what it is about.

`NOW` is the moment of every example. A seat is held by a user of the same number:
`an_allocation(holder=r"EXAMPLE\anna")` belongs to `a_user(r"EXAMPLE\anna")` by QRS id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from seatkeeper.core.draft import Draft, draft_plan, seal
from seatkeeper.core.facts import Elsewhere, Facts, Sources
from seatkeeper.core.guard import Checked, check
from seatkeeper.core.judged import Judged
from seatkeeper.core.model import (
    NAMED_LISTS,
    Allocation,
    Capacity,
    LicenseType,
    Overview,
    Pool,
    ServerLicense,
    Snapshot,
    UsageList,
    UsageState,
    User,
    Witness,
    person_key,
)
from seatkeeper.core.plan import Limit, Plan
from seatkeeper.core.policy import (
    Agreement,
    Exemption,
    ExemptionKind,
    Limits,
    Mode,
    Policy,
    Shared,
    SharedKind,
    TypePolicy,
)
from seatkeeper.core.record import Baseline, Override
from seatkeeper.core.rules import Verdict, judge
from seatkeeper.core.summary import (
    ComplianceSummary,
    IdleBucket,
    LicenseState,
    LicenseSummary,
    PlanSummary,
    ReadingSummary,
    SeatSummary,
    Summary,
)

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
ANNA = r"EXAMPLE\anna.berg"
AGREEMENT = Agreement(by="Jane Doe", on=date(2026, 11, 1))
PROFESSIONAL, ANALYZER = LicenseType.PROFESSIONAL, LicenseType.ANALYZER


def days_ago(days: float, now: datetime = NOW) -> datetime:
    """Return the moment so many days before `now`."""
    return now - timedelta(days=days)


def id_of(label: str) -> str:
    r"""Return the QRS id that builders give to `DIR\id`."""
    return f"id-of-{person_key(label)}"


def a_user(label: str = ANNA, **changes: Any) -> User:
    r"""Return a user `DIR\id` of whom the site told everything, and nothing special."""
    directory, _, user_id = label.partition("\\")
    told: dict[str, Any] = {
        "id": id_of(label),
        "directory": directory,
        "user_id": user_id,
        "name": user_id,
        "inactive": False,
        "removed_externally": False,
        "blocked": False,
        "delete_prohibited": False,
        "roles": (),
        "tags": (),
        "properties": (),
        "groups": (),
    }
    return User(**{**told, **changes})


def an_allocation(
    holder: str = ANNA,
    *,
    last_used: datetime | None = None,
    created: datetime | None = NOW - timedelta(days=400),
    license_type: LicenseType = PROFESSIONAL,
    **changes: Any,
) -> Allocation:
    """Return a seat that was granted 400 days ago and never used, unless told otherwise."""
    told: dict[str, Any] = {
        "id": f"{license_type.value}-of-{person_key(holder)}",
        "license_type": license_type,
        "user_id": id_of(holder),
        "holder": holder,
        "created": created,
        "last_used": last_used,
    }
    return Allocation(**{**told, **changes})


def a_pool(
    license_type: LicenseType = PROFESSIONAL, *, allocated: int = 0, enabled: bool = True
) -> Pool:
    """Return a pool with ten free seats."""
    return Pool(
        license_type=license_type,
        enabled=enabled,
        total=allocated + 10,
        allocated=allocated,
        available=10,
        used=0,
        quarantined=0,
        excess=0,
    )


def a_snapshot(
    seats: Iterable[Allocation] = (),
    users: Iterable[User] | None = None,
    *,
    pools: Iterable[Pool] | None = None,
    witness: Mapping[str, datetime] | None = None,
    usage: UsageState = UsageState.GIVEN,
    skew: timedelta | None = timedelta(0),
    signed: bool = False,
    site: str = "prod",
    now: datetime = NOW,
) -> Snapshot:
    r"""Return a whole snapshot; without `users`, one plain user for each holder of a seat.

    `witness` maps `DIR\id` to the latest activity in the usage rows.
    """
    rows = list(seats)
    people = [a_user(s.holder) for s in rows if s.holder] if users is None else list(users)
    if pools is None:
        pools = [
            a_pool(t, allocated=sum(s.license_type is t and s.is_live for s in rows))
            for t in LicenseType
        ]
    return Snapshot(
        site=site,
        taken_at=now,
        users={user.id: user for user in people},
        allocations=rows,
        overview=Overview(pools=tuple(pools)),
        server_license=ServerLicense(number="0000 1111", signed=signed),
        witness=a_witness(usage, witness),
        skew=skew,
    )


def a_witness(
    state: UsageState = UsageState.GIVEN,
    active: Mapping[str, datetime] | None = None,
    **lists: UsageState,
) -> Witness:
    r"""Return usage rows: `state` for both lists of named seats, `lists` for others or instead.

    `active` maps `DIR\id` to the latest activity.
    """
    states = dict.fromkeys(NAMED_LISTS, state) | {UsageList(k): v for k, v in lists.items()}
    return Witness(states, {person_key(k): at for k, at in (active or {}).items()})


def a_policy(
    *exemptions: Exemption,
    professional: float = 90,
    analyzer: float = 90,
    off: LicenseType | None = None,
    **changes: Any,
) -> Policy:
    """Return a policy without built-in protection, thresholds in days, limits wide open.

    Seats of the type `off` are not released.
    """
    told: dict[str, Any] = {
        "professional": TypePolicy(off is not PROFESSIONAL, timedelta(days=professional)),
        "analyzer": TypePolicy(off is not ANALYZER, timedelta(days=analyzer)),
        "built_in_protection": False,
        "exemptions": exemptions,
        "agreement": AGREEMENT,
        "shared": Shared(SharedKind.NOBODY),
        "limits": some_limits(),
    }
    return Policy(**{**told, **changes})


def some_limits(**changes: Any) -> Limits:
    """Return limits that hardly limit anything, unless told otherwise."""
    wide: dict[str, Any] = {
        "max_per_run": 1000,
        "max_per_day": 1000,
        "max_share": 0.5,
        "directory_jump": 1.0,
        "stale_activity": timedelta(days=5),
        "incomplete": 0.01,
    }
    return Limits(**{**wide, **changes})


def an_exemption(kind: ExemptionKind, match: str, value: str = "", **more: Any) -> Exemption:
    """Return an exemption."""
    return Exemption(kind=kind, match=match, value=value, **more)


def an_override(limit: Limit, policy: Policy, **changes: Any) -> Override:
    """Return an override of a limit for this site and policy, given yesterday for 30 days."""
    told: dict[str, Any] = {
        "site": "prod",
        "limit": limit,
        "by": "Jane Doe",
        "reason": "looked at it",
        "at": days_ago(1),
        "until": days_ago(-29),
        "policy_digest": policy.digest,
    }
    return Override(**{**told, **changes})


def facts_of(
    snapshot: Snapshot,
    policy: Policy,
    *partners: Elsewhere,
    now: datetime = NOW,
) -> Facts:
    """Gather the facts of a snapshot, as a plan does."""
    return Facts(Sources.of(snapshot, *partners), policy, now)


def judged_of(snapshot: Snapshot, policy: Policy, *, now: datetime = NOW) -> Judged:
    """Judge every seat of a snapshot."""
    return Judged.of(snapshot, facts_of(snapshot, policy, now=now), policy, now)


def verdict_on(
    seat: Allocation,
    policy: Policy | None = None,
    *,
    among: Snapshot | None = None,
    partners: Iterable[Elsewhere] = (),
    now: datetime = NOW,
) -> Verdict:
    """Judge one seat, alone on its site or `among` others."""
    policy = policy or a_policy()
    snapshot = among or a_snapshot([seat])
    return judge(seat, facts_of(snapshot, policy, *partners, now=now), policy, now)


def a_draft(
    snapshot: Snapshot, policy: Policy, *, released_last_day: int = 0, now: datetime = NOW
) -> Draft:
    """Judge a whole snapshot."""
    facts = facts_of(snapshot, policy, now=now)
    return draft_plan(snapshot, facts, policy, now, released_last_day=released_last_day)


def a_check(
    snapshot: Snapshot, policy: Policy, baseline: Baseline | None = None, *, now: datetime = NOW
) -> Checked:
    """Return what the limits look at."""
    baseline = baseline or Baseline()
    draft = a_draft(snapshot, policy, released_last_day=baseline.released_last_day, now=now)
    return Checked(draft, snapshot, policy, baseline, now)


def a_plan(
    snapshot: Snapshot,
    policy: Policy,
    baseline: Baseline | None = None,
    overrides: Iterable[Override] = (),
    *,
    now: datetime = NOW,
) -> Plan:
    """Make a plan from a snapshot, through every step of deciding."""
    checked = a_check(snapshot, policy, baseline, now=now)
    return seal(checked.draft, check(checked, tuple(overrides)), snapshot, policy, now)


def changed(value: Any, **changes: Any) -> Any:
    """Return a struct with other fields."""
    return msgspec.structs.replace(value, **changes)


def some_seats(
    number: int,
    *,
    last_used: datetime | None = None,
    license_type: LicenseType = PROFESSIONAL,
    prefix: str = "u",
) -> list[Allocation]:
    r"""Return so many seats of `EXAMPLE\u0`, `EXAMPLE\u1`, and so on, all used at one time."""
    return [
        an_allocation(rf"EXAMPLE\{prefix}{n}", last_used=last_used, license_type=license_type)
        for n in range(number)
    ]


def in_mode(mode: Mode, *exemptions: Exemption, **changes: Any) -> Policy:
    """Return the wide policy in this mode."""
    return a_policy(*exemptions, mode=mode, **changes)


def a_summary(**changes: Any) -> Summary:
    """Return the numbers of a healthy site: 40 of 50 professional, 100 of 200 analyzer seats."""
    told: dict[str, Any] = {
        "site": "prod",
        "at": NOW,
        "pools": (
            changed_pool(a_pool(PROFESSIONAL, allocated=40), used=35),
            changed_pool(a_pool(ANALYZER, allocated=100), total=200, available=100, used=80),
        ),
        "seats": (
            a_seat_summary(PROFESSIONAL, week=20, month=8, quarter=6, half_year=4, never=2),
            a_seat_summary(ANALYZER, week=60, month=20, longer=15, never=5),
        ),
        "license": LicenseSummary(
            state=LicenseState.VALID,
            valid_to=date(2027, 6, 30),
            days_left=240,
            allotments=(("professional", 50), ("analyzer", 200), ("analyzer_time", 20000)),
        ),
        "compliance": ComplianceSummary(),
        "reading": ReadingSummary(seconds=1.5, requests=12, users=150, skew_seconds=0.5),
        "capacity": Capacity(
            enabled=True, allocated_minutes=20000, used_minutes=5000, unavailable_minutes=0
        ),
        "plan": PlanSummary(
            plan_id="20261102-030000-0a1b2c3d",
            status="open",
            created_at=NOW,
            actions=6,
            deferred=0,
        ),
    }
    return Summary(**{**told, **changes})


def a_seat_summary(license_type: LicenseType = PROFESSIONAL, **live: int) -> SeatSummary:
    """Return seats by idle bucket (`week=3, never=1`); those idle longer than a quarter may go."""
    idle = {bucket: live.pop(bucket.name.lower(), 0) for bucket in IdleBucket}
    if live:
        raise ValueError(f"no idle bucket is called {sorted(live)}")
    goes = (IdleBucket.HALF_YEAR, IdleBucket.LONGER, IdleBucket.NEVER)
    releasable, rows = sum(idle[b] for b in goes), sum(idle.values())
    return SeatSummary(
        license_type=license_type,
        rows=rows,
        live=rows,
        quarantined=0,
        excess=0,
        idle=idle,
        releasable=releasable,
        kept={"active": rows - releasable},
    )


def changed_pool(pool: Pool, **changes: Any) -> Pool:
    """Return a pool with other numbers."""
    return replace(pool, **changes)
