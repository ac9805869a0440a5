r"""Random small sites with random policies, for the properties of deciding.

`world_of(seed)` always gives the same world. Worlds are small and full of coincidences: few
names in many spellings, dates on the very edge of thresholds, untold flags, rows that disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from builders import AGREEMENT, ANALYZER, NOW, PROFESSIONAL, changed, days_ago
from seatkeeper.core.facts import Elsewhere
from seatkeeper.core.model import (
    NAMED_LISTS,
    Allocation,
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
from seatkeeper.core.plan import Limit
from seatkeeper.core.policy import (
    Exemption,
    ExemptionKind,
    Limits,
    MarkRule,
    Mode,
    Pause,
    Policy,
    Shared,
    SharedKind,
    TypePolicy,
)
from seatkeeper.core.record import Baseline, Override

DIRECTORIES = ("CORP", "EXAMPLE", "Øst", "INTERNAL")
IDS = ("anna", "bo", "cleo", "svc_x", "straße", "d.e")
TAGS = ("Keep", "Große Halle", "Other")
PROPERTIES = (("License", "Keep"), ("License", "Take"), ("Team", "Keep"))
GROUPS = ("BI-Admins", "Éclair", "All")
PATTERNS = (r"CORP\*", r"*\svc_*", r"EXAMPLE\b?", r"*.e", r"?*\cleo", r"NOWHERE\*")
EDGES = (timedelta(0), timedelta(microseconds=1), -timedelta(microseconds=1), timedelta(hours=7))
NEVER = datetime(1753, 1, 1, tzinfo=UTC)
NO_LAST_USE = "lastUsed is no date"

Item = TypeVar("Item")


@dataclass(frozen=True)
class World:
    """Everything that deciding looks at."""

    seed: int
    snapshot: Snapshot
    policy: Policy
    partners: tuple[Elsewhere, ...]
    baseline: Baseline
    overrides: tuple[Override, ...]

    def with_rows(self, seats: list[Allocation], users: list[User]) -> World:
        """Return the world with these rows instead."""
        rows = replace(self.snapshot, allocations=seats, users={u.id: u for u in users})
        return replace(self, snapshot=rows)


def world_of(seed: int) -> World:
    """Return the world of this seed."""
    random = Random(seed)  # noqa: S311 - worlds, not secrets
    users = _users(random)
    policy = _policy(random, users)
    seats = [_seat(random, users, policy, n) for n in range(random.randint(0, 12))]
    known = 1.0
    if random.random() < 0.07:
        policy, seats, known = _forgotten(random, users, policy), _forgotten_seats(users), 0.0
    if seats and random.random() < 0.04:
        seats.append(changed(seats[0], holder=random.choice(seats).holder))
    told = [t for t in LicenseType if random.random() < 0.97]
    overview = Overview(tuple(_pool(random, t, seats) for t in told))
    snapshot = Snapshot(
        site="prod",
        taken_at=NOW,
        users={u.id: u for u in users},
        allocations=seats,
        overview=overview,
        server_license=_maybe(random, 0.9, ServerLicense("1", signed=random.random() < 0.5)),
        witness=Witness(_usage(random), _activity(random, policy, 0.25 * known)),
        skew=random.choice((None, timedelta(0), timedelta(minutes=5), timedelta(minutes=-6))),
    )
    return World(
        seed=seed,
        snapshot=snapshot,
        policy=policy,
        partners=tuple(_partner(random, policy, 0.1 * known) for _ in range(random.randint(0, 2))),
        baseline=_baseline(random, len(users)),
        overrides=tuple(_override(random, limit, policy) for limit in _some(random, Limit, 0.05)),
    )


def respelled(text: str, random: Random) -> str:
    """Return a text in another case, equal to the first when case is folded."""
    other = random.choice((str, str.lower, str.upper, str.swapcase, str.title))(text)
    return other if other.casefold() == text.casefold() else text


def shuffled(world: World, random: Random) -> World:
    """Return the same world with every list in another order."""
    users = [
        changed(
            u,
            tags=_mixed(u.tags, random),
            groups=_mixed(u.groups, random),
            properties=_mixed(u.properties, random),
            roles=_mixed(u.roles, random),
        )
        for u in _mixed(tuple(world.snapshot.users.values()), random) or ()
    ]
    seats = list(_mixed(tuple(world.snapshot.allocations), random) or ())
    return replace(world.with_rows(seats, users), partners=world.partners[::-1])


def shouted(world: World, random: Random) -> World:
    """Return the same world with its names, tags, exemptions, ... in other cases and orders."""

    def spell(text: str) -> str:
        return respelled(text, random)

    def spell_all(texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if texts is None else tuple(map(spell, texts))

    users = [
        changed(
            u,
            directory=spell(u.directory),
            user_id=spell(u.user_id),
            tags=spell_all(u.tags),
            groups=spell_all(u.groups),
            roles=spell_all(u.roles),
            properties=u.properties and tuple((spell(n), spell(v)) for n, v in u.properties),
        )
        for u in world.snapshot.users.values()
    ]
    seats = [changed(s, holder=spell(s.holder)) for s in world.snapshot.allocations]
    exemptions = tuple(
        replace(e, match=spell(e.match), value=spell(e.value)) for e in world.policy.exemptions
    )
    policy = replace(
        world.policy,
        exemptions=_mixed(exemptions, random) or (),
        own_user=spell(world.policy.own_user),
        pauses=_mixed(world.policy.pauses, random) or (),
    )
    overrides = tuple(
        replace(o, policy_digest=policy.digest) if o.policy_digest == world.policy.digest else o
        for o in world.overrides
    )
    return replace(world.with_rows(seats, users), policy=policy, overrides=overrides)


def livelier(world: World, random: Random) -> World:
    """Return the world in which somebody used something more recently.

    A first use of a seat without a date of creation is recent: an old one would tell the age of a
    seat of which nothing was known, and knowing more is not the same as more use.
    """
    snapshot = world.snapshot
    kind = random.choice(("seat", "seat", "usage", "partner"))
    # A date that becomes known ends a doubt, which is not more use either.
    told = [n for n, s in enumerate(snapshot.allocations) if not s.doubt]
    if kind == "seat" and told:
        n = random.choice(told)
        seat = snapshot.allocations[n]
        used = seat.last_used or NEVER
        least = used if used > NEVER else days_ago(6 if seat.created in (None, NEVER) else 200)
        later = _between(random, least, NOW + timedelta(minutes=9))
        seats = list(snapshot.allocations)
        seats[n] = changed(seat, last_used=max(used, later))
        return replace(world, snapshot=replace(snapshot, allocations=seats))
    names = [person_key(s.holder) for s in snapshot.allocations if s.holder] or ["corp\\anna"]
    name, more = random.choice(names), _between(random, days_ago(200), NOW + timedelta(minutes=9))
    if kind == "partner":
        return replace(world, partners=(*world.partners, Elsewhere({name: more})))
    known = snapshot.witness.by_person
    latest = max(more, known.get(name, more))
    witness = Witness(snapshot.witness.lists, {**known, name: latest})
    return replace(world, snapshot=replace(snapshot, witness=witness))


def smaller(world: World) -> list[World]:
    """Return the world without one thing, for each thing that can be left out."""
    seats, users = world.snapshot.allocations, list(world.snapshot.users.values())
    policy = world.policy
    less = [world.with_rows(seats[:n] + seats[n + 1 :], users) for n in range(len(seats))]
    less += [world.with_rows(seats, users[:n] + users[n + 1 :]) for n in range(len(users))]
    for name in ("exemptions", "pauses"):
        items = getattr(policy, name)
        for n in range(len(items)):
            part = replace(policy, **{name: items[:n] + items[n + 1 :]})
            less.append(replace(world, policy=part))
    less += [replace(world, partners=())] if world.partners else []
    return less


def _policy(random: Random, users: list[User]) -> Policy:
    def type_policy() -> TypePolicy:
        days = timedelta(days=random.choice((7, 10, 30, 90)))
        return TypePolicy(random.random() < 0.9, days)

    def rule() -> MarkRule:
        return random.choice((MarkRule.IGNORE,) * 8 + (MarkRule.YES, MarkRule.NO))

    return Policy(
        professional=type_policy(),
        analyzer=type_policy(),
        new_seat_grace=timedelta(days=random.choice((7, 30, 45))),
        mode=random.choice(list(Mode)),
        agreement=AGREEMENT,
        built_in_protection=random.random() < 0.5,
        own_user=random.choice(("", r"CORP\d.e")),
        exemptions=tuple(
            _exemption(random, users) for _ in range(random.choice((0, 0, 1, 1, 2, 3)))
        ),
        inactive=rule(),
        blocked=rule(),
        removed_externally=rule(),
        pauses=tuple(_pause(random) for _ in range(random.choice((0, 0, 0, 1, 2)))),
        limits=_limits(random),
        shared=random.choice(
            (
                Shared(),
                Shared(SharedKind.NOBODY),
                Shared(SharedKind.SITES, ("south",)),
                Shared(SharedKind.OTHERS),
            )
        ),
    )


def _limits(random: Random) -> Limits:
    return Limits(
        max_per_run=random.choice((0, 1, 2, 5, 50)),
        max_per_day=random.choice((0, 1, 3, 50)),
        max_share=random.choice((0.05, 0.2, 0.29, 0.5)),
        directory_jump=random.choice((0.1, 0.25, 1.0)),
        stale_activity=timedelta(days=random.choice((1, 5, 40))),
        grown=random.choice((1.0, 3.0)),
        incomplete=random.choice((0.0, 0.01, 0.5)),
    )


def _exemption(random: Random, users: list[User]) -> Exemption:
    kind = random.choice(list(ExemptionKind))
    name = random.choice(users).label if users and random.random() < 0.7 else _name(random)
    match, value = {
        ExemptionKind.USER: (name, ""),
        ExemptionKind.USER_DIRECTORY: (random.choice(DIRECTORIES), ""),
        ExemptionKind.TAG: (random.choice(TAGS), ""),
        ExemptionKind.CUSTOM_PROPERTY: random.choice(PROPERTIES),
        ExemptionKind.GROUP: (random.choice(GROUPS), ""),
        ExemptionKind.PATTERN: (random.choice(PATTERNS), ""),
    }[kind]
    return Exemption(
        kind=kind,
        match=respelled(match, random),
        value=respelled(value, random),
        expires=random.choice((None, None, None, NOW, days_ago(-9), days_ago(9))),
        allow_empty=random.random() < 0.2,
    )


def _pause(random: Random) -> Pause:
    start = days_ago(random.choice((100, 60, 30, 5, 0, -3)))
    return Pause(start, start + timedelta(days=random.choice((1, 14, 40))), "holidays")


def _name(random: Random) -> str:
    return rf"{random.choice(DIRECTORIES)}\{random.choice(IDS)}"


def _users(random: Random) -> list[User]:
    return [_user(random, n) for n in range(random.randint(0, 10))]


def _user(random: Random, number: int) -> User:
    def told(value: Item) -> Item | None:
        return _maybe(random, 0.97, value)

    directory, _, user_id = _name(random).partition("\\")
    return User(
        id=f"user-{number}",
        directory=respelled(directory, random),
        user_id=respelled(user_id, random),
        inactive=told(random.random() < 0.3),
        removed_externally=told(random.random() < 0.3),
        blocked=told(random.random() < 0.3),
        delete_prohibited=told(random.random() < 0.05),
        roles=told(_some(random, ("RootAdmin", "ContentAdmin"), 0.1)),
        tags=told(_some(random, TAGS, 0.25)),
        properties=told(_some(random, PROPERTIES, 0.25)),
        groups=told(_some(random, GROUPS, 0.25)),
    )


def _usage(random: Random) -> dict[UsageList, UsageState]:
    """Return what came of the lists of usage rows: mostly one answer for all, else each its own."""
    others = _some(random, (UsageList.CAPACITY, UsageList.TOKENS, UsageList.LOGIN), 0.2)
    states = [random.choice(list(UsageState)) for _ in UsageList]
    if random.random() < 0.7:
        states = [random.choice(list(UsageState))] * len(states)
    return dict(zip((*NAMED_LISTS, *others), states, strict=False))


def _partner(random: Random, policy: Policy, known: float) -> Elsewhere:
    """Return a site under the same license, often with somebody whose date cannot be read."""
    names = [person_key(_name(random))] if known and random.random() < 0.1 else []
    return Elsewhere(_activity(random, policy, known), frozenset(names))


def _seat(random: Random, users: list[User], policy: Policy, number: int) -> Allocation:
    user = random.choice(users) if users else None
    license_type = random.choice((PROFESSIONAL, ANALYZER))
    holder = user.label if user else _name(random)
    if random.random() < 0.06:
        holder = random.choice(("", _name(random)))
    user_id = user.id if user else "user-99"
    if random.random() < 0.04:
        user_id = random.choice(("user-98", "user-99"))
    last_used = _date(random, policy.of(license_type).release_after, 0.75, 150)
    doubt = random.choice(("",) * 60 + (NO_LAST_USE, "createdDate is no date"))
    return Allocation(
        id=f"seat-{number:02}",
        license_type=license_type,
        user_id=_maybe(random, 0.97, user_id),
        holder=respelled(holder, random),
        created=_date(random, policy.new_seat_grace, 0.93, 500),
        last_used=None if doubt == NO_LAST_USE else last_used,
        quarantined=random.choice((False,) * 28 + (True, None)),
        excess=random.random() < 0.04,
        deleted_user=random.random() < 0.03,
        doubt=doubt,
    )


def _forgotten(random: Random, users: list[User], policy: Policy) -> Policy:
    """Return the policy without what would protect the seats of a site that nobody uses."""
    while len(users) < 12:
        users.append(_user(random, len(users)))
    return replace(
        policy,
        professional=TypePolicy(enabled=True, release_after=timedelta(days=30)),
        analyzer=TypePolicy(enabled=True, release_after=timedelta(days=90)),
        exemptions=(),
        built_in_protection=False,
        inactive=MarkRule.IGNORE,
        blocked=MarkRule.IGNORE,
        removed_externally=MarkRule.IGNORE,
    )


def _forgotten_seats(users: list[User]) -> list[Allocation]:
    return [
        Allocation(
            id=f"seat-{n:02}",
            license_type=ANALYZER if n % 2 else PROFESSIONAL,
            user_id=user.id,
            holder=user.label,
            created=days_ago(400),
            last_used=days_ago(300 - n),
        )
        for n, user in enumerate(users)
    ]


def _date(random: Random, edge: timedelta, known: float, days: float) -> datetime | None:
    """Return a date up to so many days ago, often on the edge, or one that means "none"."""
    if random.random() > known:
        return random.choice((None, NEVER))
    kind = random.random()
    if kind < 0.2:
        return NOW - edge + random.choice(EDGES)
    if kind < 0.23:
        return NOW + timedelta(minutes=5) + random.choice(EDGES)
    return _between(random, days_ago(days), NOW)


def _between(random: Random, start: datetime, end: datetime) -> datetime:
    return start + (end - start) * random.random()


def _activity(random: Random, policy: Policy, known: float) -> dict[str, datetime]:
    edges = (policy.professional.release_after, policy.analyzer.release_after)
    found: dict[str, datetime] = {}
    for directory in DIRECTORIES:
        for user_id in IDS:
            if random.random() < known * 0.6:
                at = _date(random, random.choice(edges), 0.98, 150)
                if at is not None:
                    found[person_key(rf"{directory}\{user_id}")] = at
    return found


def _pool(random: Random, license_type: LicenseType, seats: list[Allocation]) -> Pool:
    rows = sum(s.license_type is license_type for s in seats)
    allocated = max(0, rows + random.choice((0, 0, 0, -2, 2, 3, 6)))
    return Pool(license_type, random.random() < 0.95, 50, allocated, 1, 1, 0)


def _baseline(random: Random, users: int) -> Baseline:
    return Baseline(
        first_seen=random.choice((None, days_ago(90))),
        newly_marked=random.randint(0, max(1, users // 2)),
        eligible_by_day=random.choice(((), (0,), (1, 0), (2, 9, 1))),
        released_last_day=random.choice((0, 0, 1, 2, 60)),
        usage_lists=frozenset(_some(random, UsageList, 0.4)),
    )


def _override(random: Random, limit: Limit, policy: Policy) -> Override:
    return Override(
        site=random.choice(("prod", "prod", "prod", "south")),
        limit=limit,
        by="Jane",
        reason="looked",
        at=days_ago(1),
        until=random.choice((days_ago(-1), days_ago(-20), NOW, days_ago(-89.5))),
        policy_digest=random.choice((policy.digest,) * 3 + ("another",)),
        plan_id=random.choice((None, None, None, "20261101-000000-abcdef12")),
    )


def _some(random: Random, items: Iterable[Item], chance: float) -> tuple[Item, ...]:
    return tuple(item for item in items if random.random() < chance)


def _maybe(random: Random, chance: float, value: Item) -> Item | None:
    return value if random.random() < chance else None


def _mixed(items: tuple[Item, ...] | None, random: Random) -> tuple[Item, ...] | None:
    return None if items is None else tuple(random.sample(items, len(items)))
