"""What `check` finds in a reading of a site: rights, clock, license, exemptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from seatkeeper.core.blindness import blind_exemptions
from seatkeeper.core.durations import format_duration
from seatkeeper.core.exemptions import ExemptionIndex
from seatkeeper.core.expiry import expiry_warnings
from seatkeeper.core.findings import Area, Finding, failed, ok, warning
from seatkeeper.core.model import Pool, ServerLicense, Snapshot, UsageState, User
from seatkeeper.core.policy import MarkRule, Mode, Policy, SharedKind
from seatkeeper.core.reach import reach_of
from seatkeeper.core.wholeness import ROWS_MAY_DIFFER, Reading, missing_rows

LICENSE_AHEAD = timedelta(days=30)
_RULE = (
    "let it be INTERNAL\\sa_api, or give it the security rule of the documentation, which lets it "
    "read users and licenses"
)


def rights_findings(snapshot: Snapshot, policy: Policy) -> Iterator[Finding]:
    """Can the account see everything? QRS leaves out what one may not read, it never refuses."""
    who = policy.own_user
    if not snapshot.users:
        yield failed(
            Area.RIGHTS,
            f"{who} sees no user at all: an account without rights sees an empty site, no error",
            _RULE,
        )
    else:
        seats = len(snapshot.allocations)
        yield ok(Area.RIGHTS, f"{who} sees {len(snapshot.users)} users and {seats} seats")
    pools = [pool for pool in snapshot.overview.pools if pool.enabled]
    for pool in pools:
        yield from _all_listed(pool, snapshot, policy)
    for uncounted in missing_rows(Reading.of(snapshot, (), snapshot.taken_at), policy):
        if uncounted.license_type not in {pool.license_type for pool in pools}:
            yield failed(Area.RIGHTS, uncounted.message, uncounted.way_out)
    if not pools:
        yield warning(
            Area.RIGHTS,
            "the overview shows neither professional nor analyzer seats",
            "look whether the site's license has them; without, there is nothing to release",
        )
    yield _witness(snapshot)


def _all_listed(pool: Pool, snapshot: Snapshot, policy: Policy) -> Iterator[Finding]:
    listed = sum(1 for a in snapshot.allocations if a.license_type is pool.license_type)
    allowed = max(ROWS_MAY_DIFFER, policy.limits.incomplete * pool.allocated)
    if pool.allocated - listed > allowed:
        yield failed(
            Area.RIGHTS,
            f"the site counts {pool.allocated} {pool.license_type.value} seats, but "
            f"{policy.own_user} sees {listed} of them",
            _RULE,
        )


def _witness(snapshot: Snapshot) -> Finding:
    state = snapshot.witness.state
    if state is UsageState.UNREADABLE:
        return warning(
            Area.RIGHTS,
            "the usage rows, a second witness of activity, could not be read",
            "look at the site's health; without them the last use of each seat decides alone",
        )
    known = len(snapshot.witness.by_person)
    said = {
        UsageState.GIVEN: f"usage rows are read as a second witness of activity: {known} people",
        UsageState.EMPTY: "the site has no usage rows: the last use of each seat decides alone",
    }
    return ok(
        Area.RIGHTS,
        said.get(state, "the site gives no usage rows: the last use of each seat decides alone"),
    )


def clock_finding(skew: timedelta | None, policy: Policy) -> Finding:
    """Compare the site's clock with ours."""
    if skew is None:
        return warning(
            Area.CLOCK,
            "the site sent no date, so its clock could not be compared",
            "compare it by hand; a wrong clock makes people look idle",
        )
    seconds, side = abs(skew).total_seconds(), "ahead of" if skew > timedelta(0) else "behind"
    text = f"the site's clock is {seconds:.0f} s {side} ours"
    if abs(skew) > policy.limits.clock_skew:
        allowed = format_duration(policy.limits.clock_skew)
        return failed(
            Area.CLOCK, f"{text}, more than clock_skew {allowed}", "synchronise both clocks (NTP)"
        )
    return ok(Area.CLOCK, text if seconds >= 1 else "the site's clock agrees with ours")


def license_finding(found: ServerLicense | None, now: datetime) -> Finding:
    """Judge the license of the site itself."""
    renew = "talk to your Qlik account manager; an expired license locks everybody out"
    if found is None:
        return failed(Area.LICENSE, "no license is installed on the site", "install it in the QMC")
    for is_bad, what in (
        (found.expired, "has expired"),
        (found.blacklisted, "is denylisted by Qlik"),
        (found.invalid, "is invalid"),
    ):
        if is_bad:
            return failed(Area.LICENSE, f"the license of the site {what}", renew)
    if found.expired is None:
        return warning(
            Area.LICENSE,
            "whether the license of the site has expired cannot be told",
            "look at the license in the QMC",
        )
    if found.valid_to is None:
        return ok(Area.LICENSE, "the license has not expired; it does not tell its last day")
    days = (found.valid_to - now.date()).days
    text = f"the license is valid until {found.valid_to}, {days} days"
    if days <= LICENSE_AHEAD.days:
        return warning(Area.LICENSE, text, renew)
    return ok(Area.LICENSE, text)


def sharing_findings(
    policy: Policy, license_: ServerLicense | None, same_number: Sequence[str]
) -> Iterator[Finding]:
    """Say who shares the license; `same_number` are other sites of the file with this license."""
    shared = policy.shared
    setting = "set license_shared_with to the names of the other sites, or to []"
    bad = failed if policy.mode is Mode.AUTO else warning
    unnamed = [name for name in same_number if name not in shared.sites]
    if unnamed:
        yield warning(
            Area.SHARING,
            f"{', '.join(unnamed)} has the same license number and is not named in "
            "license_shared_with; its activity counts all the same",
            f"name it: license_shared_with: [{', '.join(same_number)}]",
        )
    elif shared.kind is SharedKind.OTHERS:
        text = "the license is shared with deployments that Seatkeeper cannot see"
        yield bad(Area.SHARING, f"{text}; somebody active there may lose a seat", setting)
    elif shared.kind is SharedKind.UNKNOWN and (license_ is None or license_.signed):
        text = "license_shared_with is not set, and a signed license key may serve several sites"
        yield bad(Area.SHARING, text, setting)
    elif shared.kind is SharedKind.SITES:
        yield ok(Area.SHARING, f"the license is shared with {', '.join(shared.sites)}")
    else:
        yield ok(Area.SHARING, "nobody shares the license")


def exemption_findings(snapshot: Snapshot, policy: Policy, now: datetime) -> Iterator[Finding]:
    """Say whom each exemption protects, and which protect nobody (any more)."""
    users = list(snapshot.users.values())
    yield from _built_in(policy, users, now)
    yield from _marks(policy, users, now)
    blind = dict(blind_exemptions(policy, snapshot.users, now))
    for exemption, people in reach_of(policy.exemptions, users):
        if exemption in blind:
            bad = failed if exemption.carried and policy.mode is Mode.AUTO else warning
            cure = "correct the spelling, or say allow_empty: true at the exemption"
            yield bad(Area.EXEMPTIONS, blind[exemption], cure)
        elif exemption.protects_at(now):
            yield ok(Area.EXEMPTIONS, f"{exemption.text}: {protected(people)}")
    for notice in expiry_warnings(policy, now):
        what, _, cure = notice.message.partition(". ")
        yield warning(Area.EXEMPTIONS, what, cure[:1].lower() + cure[1:])


def protected(people: Sequence[User], most: int = 3) -> str:
    """Say how many people, with the first few names."""
    names = [user.label for user in people[:most]]
    more = ", …" if len(people) > most else ""
    count = "1 user" if len(people) == 1 else f"{len(people)} users"
    return f"{count} ({', '.join(names)}{more})" if names else count


def _built_in(policy: Policy, users: Sequence[User], now: datetime) -> Iterator[Finding]:
    if not policy.built_in_protection:
        yield warning(
            Area.EXEMPTIONS,
            "built_in_protection is off: Seatkeeper's own user, internal users and root "
            "administrators can lose their seats",
            "take built_in_protection: false out unless you are certain",
        )
        return
    people = _protected_by(_only(policy, built_in=True), users, now)
    yield ok(Area.EXEMPTIONS, f"built-in protection: {protected(people)}")


def _marks(policy: Policy, users: Sequence[User], now: datetime) -> Iterator[Finding]:
    none = _only(policy, built_in=False)
    for name, rule, alone in (
        ("inactive", policy.inactive, replace(none, inactive=policy.inactive)),
        ("blocked", policy.blocked, replace(none, blocked=policy.blocked)),
        (
            "removed_externally",
            policy.removed_externally,
            replace(none, removed_externally=policy.removed_externally),
        ),
    ):
        if rule is not MarkRule.IGNORE:
            people = _protected_by(alone, users, now)
            yield ok(Area.EXEMPTIONS, f"{name}: {rule.value}: {protected(people)}")


def _only(policy: Policy, *, built_in: bool) -> Policy:
    return Policy(own_user=policy.own_user, built_in_protection=built_in)


def _protected_by(policy: Policy, users: Sequence[User], now: datetime) -> list[User]:
    index = ExemptionIndex(policy, now)
    return [u for u in users if (p := index.protection(u)) is not None and not p.unclear]
