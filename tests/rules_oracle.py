r"""The design rules 1 to 17 written a second time, naively, to hold the product against.

Nothing here uses the product's indexes, patterns, facts or limits: every question is answered
by looking through all rows again. Slow and plain on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from builders import NOW
from seatkeeper.core.model import Allocation, LicenseType, UsageState, User
from seatkeeper.core.policy import Exemption, ExemptionKind, MarkRule, Mode, SharedKind
from worlds import World

YEAR_1900 = datetime(1900, 1, 1, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)


def same(one: str, other: str) -> bool:
    """Compare two texts without regard to case or blanks around them."""
    return one.strip().casefold() == other.strip().casefold()


def glob(pattern: str, text: str) -> bool:
    """Match `*` and `?` by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[n:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and glob(pattern[1:], text[1:])


def real(at: datetime | None) -> datetime | None:
    """Return a date that is one."""
    return at if at is not None and at >= YEAR_1900 else None


@dataclass(frozen=True)
class Person:
    """Everything that belongs to the holder of one seat."""

    users: tuple[User, ...]
    names: frozenset[str]
    seats: tuple[Allocation, ...]


def person_behind(seat: Allocation, world: World) -> Person:
    """Gather what has the same id or the same name, and what has theirs, and so on."""
    ids = {seat.user_id} - {None}
    names = {seat.holder.casefold()} - {""}
    while True:
        before = len(ids), len(names)
        for user in world.snapshot.users.values():
            name = f"{user.directory}\\{user.user_id}".casefold()
            if user.id in ids or name in names:
                ids.add(user.id)
                names.add(name)
        for row in world.snapshot.allocations:
            if row.user_id in ids or row.holder.casefold() in names:
                ids |= {row.user_id} - {None}
                names |= {row.holder.casefold()} - {""}
        if before == (len(ids), len(names)):
            break
    return Person(
        users=tuple(u for u in world.snapshot.users.values() if u.id in ids),
        names=frozenset(names),
        seats=tuple(
            s
            for s in world.snapshot.allocations
            if s is seat or s.user_id in ids or s.holder.casefold() in names
        ),
    )


def latest_activity(person: Person, world: World) -> datetime | None:
    """Rules 3 and 4: the latest use of any seat, in usage rows, on any site of the license."""
    times = [s.last_used for s in person.seats]
    for known in (world.snapshot.witness.by_person, *(p.latest for p in world.partners)):
        times += [at for name, at in known.items() if name in person.names]
    return max((at for at in times if real(at) is not None and at is not None), default=None)


def idle_for(since: datetime, world: World) -> timedelta:
    """Rules 1 and 10: elapsed time outside pauses, summed over the pieces between all edges."""
    pauses = world.policy.pauses
    if since >= NOW:
        return NOW - since
    edges = {since, NOW, *(p.start for p in pauses), *(p.end for p in pauses)}
    inside = sorted(edge for edge in edges if since <= edge <= NOW)
    idle = timedelta(0)
    for start, end in pairwise(inside):
        if not any(p.start <= start and end <= p.end for p in pauses):
            idle += end - start
    return idle


def is_named(exemption: Exemption, name: str) -> bool:
    """Tell whether an exemption protects whoever is called so."""
    if exemption.kind is ExemptionKind.USER:
        return same(exemption.match, name)
    if exemption.kind is ExemptionKind.USER_DIRECTORY:
        return same(exemption.match, name.partition("\\")[0])
    if exemption.kind is ExemptionKind.PATTERN:
        return glob(exemption.match.strip().casefold(), name.strip().casefold())
    return False


def is_carried(exemption: Exemption, user: User) -> bool | None:
    """Tell whether a user carries what protects; None when the site did not say."""
    if exemption.kind is ExemptionKind.TAG:
        return None if user.tags is None else any(same(exemption.match, t) for t in user.tags)
    if exemption.kind is ExemptionKind.GROUP:
        return None if user.groups is None else any(same(exemption.match, g) for g in user.groups)
    if exemption.kind is ExemptionKind.CUSTOM_PROPERTY:
        if user.properties is None:
            return None
        return any(
            same(exemption.match, name) and same(exemption.value, value)
            for name, value in user.properties
        )
    return False


def is_built_in(user: User, world: World) -> bool | None:
    """Rule 8; None when the site did not say."""
    if not world.policy.built_in_protection:
        return False
    named = same(user.label, world.policy.own_user) or same(user.directory, "INTERNAL")
    admin = user.roles is not None and any(same(role, "RootAdmin") for role in user.roles)
    if named or admin or user.delete_prohibited:
        return True
    return None if user.roles is None or user.delete_prohibited is None else False


def is_marked(user: User, world: World) -> bool | None:
    """Rule 7; None when the site did not say what matters."""
    answers: list[bool | None] = []
    for rule, mark in (
        (world.policy.inactive, user.inactive),
        (world.policy.blocked, user.blocked),
        (world.policy.removed_externally, user.removed_externally),
    ):
        if rule is MarkRule.IGNORE:
            answers.append(False)
        elif mark is None:
            answers.append(None)
        else:
            answers.append(mark if rule is MarkRule.YES else not mark)
    return _any(answers)


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def is_protected(person: Person, world: World) -> bool | None:
    """Tell whether anything protects any row of a person; None when that cannot be told."""
    valid = [e for e in world.policy.exemptions if e.expires is None or e.expires > NOW]
    answers: list[bool | None] = []
    for user in person.users:
        answers += [is_built_in(user, world), is_marked(user, world)]
        answers += [is_carried(e, user) for e in valid]
    for name in person.names:
        answers += [is_named(e, name) for e in valid]
        if world.policy.built_in_protection:
            answers.append(same(name, world.policy.own_user))
            answers.append(same(name.partition("\\")[0], "INTERNAL"))
    return _any(answers)


def is_activity_unknown(person: Person, world: World) -> bool:
    """Rules 3 and 9: a date of use that cannot be read, on any seat of the person anywhere."""
    here = [s for s in person.seats if s.doubt and s.last_used is None]
    there = [name for p in world.partners for name in p.unclear if name in person.names]
    return bool(here or there)


def is_doubtful(seat: Allocation, person: Person, latest: datetime | None, world: World) -> bool:
    """Rule 9, as far as the row itself and its person's other rows are concerned."""
    created, used = real(seat.created), real(seat.last_used)
    return (
        bool(seat.doubt)
        or is_activity_unknown(person, world)
        or sum(s.id == seat.id for s in world.snapshot.allocations) > 1
        or seat.user_id not in world.snapshot.users
        or seat.quarantined is None
        or (latest is not None and latest > NOW + FIVE_MINUTES)
        or (created is not None and created > NOW + FIVE_MINUTES)
        or (created is None and used is None)
    )


def expected_reason(seat: Allocation, world: World) -> str:
    """Rules 1 to 10: the one reason of a seat."""
    policy = world.policy.of(seat.license_type)
    person = person_behind(seat, world)
    latest = latest_activity(person, world)
    if seat.deleted_user or seat.user_id is None:
        return "deleted_user"
    if seat.quarantined:
        return "quarantined"
    if seat.excess:
        return "excess"
    if not policy.enabled:
        return "type_disabled"
    if is_doubtful(seat, person, latest, world):
        return "unclear"
    protected = is_protected(person, world)
    if protected is not False:
        return "exempt" if protected else "unclear"
    return by_time(seat, latest, world)


def by_time(seat: Allocation, latest: datetime | None, world: World) -> str:
    """Rules 1 and 2, when nothing else decides."""
    after, grace = world.policy.of(seat.license_type).release_after, world.policy.new_seat_grace
    created, used = real(seat.created), real(seat.last_used)
    if created is not None and idle_for(created, world) < grace:
        return "new_seat"
    if used is not None and idle_for(used, world) < after:
        return "active"
    if created is None and used is not None and idle_for(used, world) < grace:
        return "unclear"
    if latest is not None and idle_for(latest, world) < after:
        return "active_elsewhere"
    return "never_used" if used is None else "idle"


def expected_limits(world: World, reasons: dict[int, str]) -> set[str]:
    """Rules 10 to 17: the limits a site breaks, before anybody overrides them."""
    policy, limits, baseline = world.policy, world.policy.limits, world.baseline
    eligible = [
        s for n, s in enumerate(world.snapshot.allocations) if reasons[n] in ("idle", "never_used")
    ]
    users = len(world.snapshot.users)
    broken = {
        "pause": any(p.start <= NOW < p.end for p in policy.pauses),
        "max_share": any(too_large_a_share(t, eligible, world) for t in LicenseType),
        "directory_jump": baseline.first_seen is not None
        and users > 0
        and Fraction(baseline.newly_marked, users) > as_written(limits.directory_jump),
        "grown": has_grown(len(eligible), world),
        "stale_activity": is_stale(world),
        "incomplete": is_incomplete(world),
        "clock_skew": world.snapshot.skew is not None
        and not -limits.clock_skew <= world.snapshot.skew <= limits.clock_skew,
        "blind_exemption": policy.mode is Mode.AUTO and bool(blind(world)),
        "shared_license": policy.mode is Mode.AUTO and sharing_unknown(world),
    }
    return {name for name, is_broken in broken.items() if is_broken}


def as_written(share: float) -> Fraction:
    """Return a share as a person wrote it: 0.29 is 29/100."""
    return Fraction(str(share))


def too_large_a_share(license_type: LicenseType, eligible: list[Allocation], world: World) -> bool:
    """Rule 11."""
    going = sum(s.license_type is license_type for s in eligible)
    live = sum(
        s.license_type is license_type and s.quarantined is not True and not s.deleted_user
        for s in world.snapshot.allocations
    )
    if going == 0 or (going <= 3 and 2 * going <= live):
        return False
    return Fraction(going, live) > as_written(world.policy.limits.max_share)


def has_grown(eligible: int, world: World) -> bool:
    """Rule 13: above so many times the median, and ten seats more."""
    days = sorted(world.baseline.eligible_by_day)
    if not days:
        return False
    middle = days[(len(days) - 1) // 2 : len(days) // 2 + 1]
    usual = Fraction(sum(middle), len(middle))
    return eligible > usual * as_written(world.policy.limits.grown) and eligible >= usual + 10


def is_stale(world: World) -> bool:
    """Rule 14: nobody in the whole site was active for so long."""
    if not world.snapshot.allocations:
        return False
    times = [s.last_used for s in world.snapshot.allocations if s.last_used is not None]
    times += list(world.snapshot.witness.by_person.values())
    return not any(
        at <= NOW + FIVE_MINUTES and NOW - at < world.policy.limits.stale_activity for at in times
    )


def is_incomplete(world: World) -> bool:
    """Rule 15: rows are missing against the overview, or a witness that was there before."""
    return any(is_short(t, world) for t in LicenseType) or any(
        state is UsageState.UNREADABLE or world.policy.mode is Mode.AUTO
        for _, state in vanished(world)
    )


def vanished(world: World) -> list[tuple[str, UsageState]]:
    """Rule 15: lists of usage rows that held some before, and are not there now.

    One without rows is not there when the seats of its type say that somebody used one.
    """
    found = []
    for name, state in world.snapshot.witness.lists.items():
        used = [s for s in world.snapshot.allocations if s.license_type.value == name.value]
        ages = [NOW - s.last_used for s in used if s.last_used is not None]
        in_use = any(-FIVE_MINUTES <= age < timedelta(days=28) for age in ages)
        missing = state in (UsageState.UNREADABLE, UsageState.NOT_GIVEN)
        if missing or (state is UsageState.EMPTY and in_use):
            found.append((name.value, state))
    return [(name, state) for name, state in found if name in world.baseline.usage_lists]


def is_short(license_type: LicenseType, world: World) -> bool:
    """Rule 15 of one type: rows are missing, or there are rows and nothing counts them."""
    rows = sum(s.license_type is license_type for s in world.snapshot.allocations)
    counted = [
        pool.allocated
        for pool in world.snapshot.overview.pools
        if pool.license_type is license_type and pool.enabled
    ]
    if not counted:
        return rows > 0 and world.policy.of(license_type).enabled
    share = counted[0] * as_written(world.policy.limits.incomplete)
    return counted[0] - rows > max(Fraction(2), share)


def blind(world: World) -> list[Exemption]:
    """Rule 17: tags, properties and groups that nobody in the whole site carries."""
    return [
        e
        for e in world.policy.exemptions
        if e.kind in (ExemptionKind.TAG, ExemptionKind.CUSTOM_PROPERTY, ExemptionKind.GROUP)
        and (e.expires is None or e.expires > NOW)
        and not e.allow_empty
        and not any(is_carried(e, user) for user in world.snapshot.users.values())
    ]


def sharing_unknown(world: World) -> bool:
    """Rule 4: a signed key, and nobody said who shares it; or it is shared with the unseen."""
    kind, license_ = world.policy.shared.kind, world.snapshot.server_license
    signed = license_ is not None and license_.signed
    return kind is SharedKind.OTHERS or (kind is SharedKind.UNKNOWN and signed)
