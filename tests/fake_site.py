"""A site in memory: people, seats and usage rows, with scripted faults, and ports onto it.

It is not the simulated site of the product: no HTTP, no filters, only what the flow can see.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from seatkeeper.core.model import (
    NAMED_LISTS,
    Allocation,
    LicenseType,
    Overview,
    Pool,
    ServerLicense,
    UsageList,
    UsageState,
    User,
    Witness,
)
from seatkeeper.core.outcome import Answer
from virtual_time import FakeClock

IDS_A_REQUEST = 35
QUARANTINE = timedelta(days=7)
FREE_SEATS = 10


class Crash(BaseException):
    """The process ends here, without another word."""


@dataclass(slots=True)
class Process:
    """One process: may be ended at any of its steps, and does nothing afterwards."""

    crash_at: int | None = None
    steps: list[str] = field(default_factory=list)
    is_dead: bool = False

    def step(self, name: str) -> None:
        """Take a step, or end."""
        if self.is_dead:
            raise Crash(name)
        self.steps.append(name)
        if self.crash_at is not None and len(self.steps) > self.crash_at:
            self.is_dead = True
            raise Crash(name)


class Delete(Enum):
    """How the site takes a DELETE."""

    DONE = "carried out, answered 204"
    NOTHING = "answered 204, nothing happened"
    LOST = "carried out, the answer was lost"
    FORBIDDEN = "answered 403"
    BROKEN = "answered 500, nothing happened"
    SWALLOWED = "no answer, nothing happened"
    HANGS = "carried out, never answered"
    UNSENT = "the connection was refused"


Hook = Callable[[], object]
"""Run when a call takes place; what it returns is awaited if it can be."""


async def hang() -> None:
    """Never come back."""
    await asyncio.Event().wait()


def fail_with(error: Exception) -> Hook:
    """Make a hook that raises."""

    def raising() -> None:
        raise error

    return raising


@dataclass
class FakeSite:
    """The state of a site, what was asked of it, and what happens when."""

    clock: FakeClock
    users: dict[str, User] = field(default_factory=dict)
    seats: dict[str, Allocation] = field(default_factory=dict)
    usage: dict[str, datetime] = field(default_factory=dict)
    usage_state: UsageState = UsageState.GIVEN
    """What comes of both lists of usage rows of named seats, unless `usage_lists` says more."""
    usage_lists: dict[UsageList, UsageState] = field(default_factory=dict)
    hides_seats: bool = False
    """The QRS user may not read seats: lists and counts are empty, the overview is not."""
    number: str | None = "0000 1111"
    signed: bool = False
    tokens_enabled: bool = False
    skew: timedelta | None = timedelta(0)
    totals: dict[LicenseType, int] = field(default_factory=dict)
    latency: float = 0.0
    deletes: dict[str, Delete] = field(default_factory=dict)
    every_delete: Delete = Delete.DONE
    every_post: int = 201
    post_answers_lost: bool = False
    posts_leave: bool = True
    requests: Counter[str] = field(default_factory=Counter)
    left: list[tuple[datetime, str]] = field(default_factory=list)
    """Every DELETE that was sent, with its time."""
    deleted: list[tuple[datetime, str]] = field(default_factory=list)
    """Every DELETE that arrived, with its time."""
    posted: list[tuple[datetime, str]] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    _hooks: list[tuple[str, int, int, Hook]] = field(default_factory=list)

    @classmethod
    def of(cls, clock: FakeClock, seats: Iterable[Allocation], users: Iterable[User]) -> FakeSite:
        """Build a site from rows."""
        return cls(clock, {u.id: u for u in users}, {s.id: s for s in seats})

    def on(self, call: str, hook: Hook, *, nth: int = 1, times: int = 1_000_000) -> None:
        """Run `hook` at the nth call of this name and the following, `times` in all."""
        self._hooks.append((call, self.calls[call] + nth, times, hook))

    async def arrive(self, call: str, cost: int = 1, lanes: int = 1) -> None:
        """Let a reading take place: count it, run its hooks, let its time pass."""
        await self.meet(call, cost)
        if self.latency:
            await asyncio.sleep(self.latency * -(-cost // lanes))

    async def meet(self, call: str, cost: int = 1) -> None:
        """Count a call and run its hooks."""
        self.calls[call] += 1
        self.requests[call] += cost
        number = self.calls[call]
        for name, first, times, hook in list(self._hooks):
            if name == call and first <= number < first + times:
                waiting = hook()
                if inspect.isawaitable(waiting):
                    await waiting

    def how(self, allocation_id: str) -> Delete:
        """Tell how a DELETE of this seat is taken."""
        return self.deletes.get(allocation_id, self.every_delete)

    @property
    def asked(self) -> int:
        """Requests of readers so far."""
        return sum(n for call, n in self.requests.items() if call not in ("release", "grant"))

    def change_seat(self, seat_id: str, **changes: Any) -> None:
        """Change a row."""
        self.seats[seat_id] = msgspec.structs.replace(self.seats[seat_id], **changes)

    def change_user(self, user_id: str, **changes: Any) -> None:
        """Change a user."""
        self.users[user_id] = msgspec.structs.replace(self.users[user_id], **changes)

    def use(self, seat_id: str) -> None:
        """Let the holder use a seat now."""
        self.change_seat(seat_id, last_used=self.clock.now())

    def live(self, license_type: LicenseType) -> list[Allocation]:
        """Return the seats of a type that somebody holds."""
        return [s for s in self.seats.values() if s.license_type is license_type and s.is_live]

    def overview(self) -> Overview:
        """Count the pools."""
        pools = []
        for license_type in LicenseType:
            live = len(self.live(license_type))
            blocked = sum(s.license_type is license_type for s in self.seats.values()) - live
            total = self.totals.get(license_type, live + blocked + FREE_SEATS)
            pools.append(
                Pool(
                    license_type=license_type,
                    enabled=True,
                    total=total,
                    allocated=live,
                    available=max(0, total - live - blocked),
                    used=0,
                    quarantined=blocked,
                    excess=0,
                )
            )
        return Overview(pools=tuple(pools), tokens_enabled=self.tokens_enabled)

    def remove(self, seat_id: str) -> None:
        """Take a seat away, as Qlik does: used within 7 days it is quarantined."""
        seat = self.seats.get(seat_id)
        if seat is None:
            return
        if seat.last_used is not None and self.clock.now() - seat.last_used < QUARANTINE:
            self.change_seat(seat_id, quarantined=True, quarantine_end=seat.last_used + QUARANTINE)
        else:
            del self.seats[seat_id]


class FakeReader:
    """Reads a FakeSite from one process; a call by ids costs one request for 35 of them."""

    def __init__(self, site: FakeSite, process: Process, lanes: int = 8) -> None:
        """Read this site."""
        self._site = site
        self._process = process
        self._lanes = lanes

    @property
    def requests(self) -> int:
        return self._site.asked

    @property
    def skew(self) -> timedelta | None:
        return self._site.skew

    async def _arrive(self, call: str, cost: int = 1) -> None:
        self._process.step(call)
        await self._site.arrive(call, cost, self._lanes)

    async def server_license(self) -> ServerLicense | None:
        await self._arrive("server_license")
        return ServerLicense(number=self._site.number, signed=self._site.signed)

    async def overview(self) -> Overview:
        await self._arrive("overview")
        return self._site.overview()

    async def users(self) -> dict[str, User]:
        await self._arrive("users")
        return dict(self._site.users)

    async def count_users(self) -> int:
        await self._arrive("count_users")
        return len(self._site.users)

    async def allocations(self, license_type: LicenseType) -> list[Allocation]:
        await self._arrive("allocations")
        return self._of(license_type)

    async def count_allocations(self, license_type: LicenseType) -> int:
        await self._arrive("count_allocations")
        return len(self._of(license_type))

    def _of(self, license_type: LicenseType) -> list[Allocation]:
        if self._site.hides_seats:
            return []
        return [s for s in self._site.seats.values() if s.license_type is license_type]

    async def witness(
        self,
        users: dict[str, User],  # noqa: ARG002 - the fake knows everybody
        allocations: Sequence[Allocation],  # noqa: ARG002 - as above
        overview: Overview,  # noqa: ARG002 - as above
        since: datetime | None = None,
    ) -> Witness:
        await self._arrive("witness", cost=3)
        lists = dict.fromkeys(NAMED_LISTS, self._site.usage_state) | self._site.usage_lists
        if UsageState.GIVEN not in lists.values():
            return Witness(lists)
        usage = self._site.usage
        return Witness(lists, {k: at for k, at in usage.items() if since is None or at >= since})

    async def allocations_by_id(
        self, license_type: LicenseType, ids: Sequence[str]
    ) -> list[Allocation]:
        await self._arrive("allocations_by_id", cost=-(-len(ids) // IDS_A_REQUEST))
        seats = self._site.seats
        return [seats[i] for i in ids if i in seats and seats[i].license_type is license_type]

    async def allocations_of_users(
        self, license_type: LicenseType, user_ids: Sequence[str]
    ) -> list[Allocation]:
        await self._arrive("allocations_of_users", cost=-(-len(user_ids) // IDS_A_REQUEST))
        return [s for s in self._of(license_type) if s.user_id in user_ids]

    async def active_since(self, license_type: LicenseType, since: datetime) -> list[Allocation]:
        await self._arrive("active_since")
        return [
            s for s in self._of(license_type) if s.doubt or (s.last_used and s.last_used >= since)
        ]

    async def users_by_id(self, ids: Sequence[str]) -> dict[str, User]:
        await self._arrive("users_by_id", cost=-(-len(ids) // IDS_A_REQUEST))
        return {i: self._site.users[i] for i in ids if i in self._site.users}


class FakeReleaser:
    """Sends DELETEs to a FakeSite; what has left is carried out even if nobody waits for it."""

    def __init__(self, site: FakeSite, process: Process) -> None:
        """Release seats of this site."""
        self._site = site
        self._process = process

    async def release(self, license_type: LicenseType, allocation_id: str) -> Answer:
        """Send one DELETE."""
        site = self._site
        self._process.step("release")
        if site.how(allocation_id) is Delete.UNSENT:
            return Answer(status=None, sent=False, text="connection refused")
        site.left.append((site.clock.now(), allocation_id))
        site.in_flight += 1
        site.most_in_flight = max(site.most_in_flight, site.in_flight)
        try:
            await site.meet("release")
            answer = await _travel(site, license_type, allocation_id)
        finally:
            site.in_flight -= 1
        self._process.step("release answered")
        return answer


async def _travel(site: FakeSite, license_type: LicenseType, allocation_id: str) -> Answer:
    """Let a request land after half the latency, and its answer arrive after the other half."""
    loop = asyncio.get_running_loop()
    landed: asyncio.Future[Answer] = loop.create_future()
    how = site.how(allocation_id)

    def land() -> None:
        site.deleted.append((site.clock.now(), allocation_id))
        answer = _carry_out(site, how, license_type, allocation_id)
        if not landed.done():
            landed.set_result(answer)

    loop.call_later(site.latency / 2, land)
    answer = await landed
    if how is Delete.HANGS:
        await hang()
    await asyncio.sleep(site.latency / 2)
    return answer


def _carry_out(
    site: FakeSite, how: Delete, license_type: LicenseType, allocation_id: str
) -> Answer:
    seat = site.seats.get(allocation_id)
    if how is Delete.FORBIDDEN:
        return Answer(status=403, text="Forbidden")
    if how is Delete.BROKEN:
        return Answer(status=500, text="Internal Server Error")
    if how is Delete.NOTHING:
        return Answer(status=204)
    if how is Delete.SWALLOWED:
        return Answer(status=None, text="connection lost")
    if seat is None or seat.license_type is not license_type:
        return Answer(status=404, text="not found")
    site.remove(allocation_id)
    return Answer(status=None, text="connection lost") if how is Delete.LOST else Answer(status=204)


class FakeGranter:
    """Sends POSTs to a FakeSite; a quarantined seat of the same user comes back to life."""

    def __init__(self, site: FakeSite, process: Process) -> None:
        """Grant seats of this site."""
        self._site = site
        self._process = process

    async def grant(self, license_type: LicenseType, user_id: str) -> Answer:
        """Send one POST."""
        site = self._site
        self._process.step("grant")
        if not site.posts_leave:
            return Answer(status=None, sent=False, text="connection refused")
        await site.arrive("grant")
        site.posted.append((site.clock.now(), user_id))
        if site.every_post != 201:
            return Answer(status=site.every_post, text="Bad Request")
        seat = _granted(site, license_type, user_id)
        self._process.step("grant answered")
        if site.post_answers_lost:
            return Answer(status=None, text="connection lost")
        return Answer(status=201, created_id=seat.id)


def _granted(site: FakeSite, license_type: LicenseType, user_id: str) -> Allocation:
    user = site.users[user_id]
    for seat in site.seats.values():
        if seat.user_id == user_id and seat.license_type is license_type and seat.quarantined:
            site.change_seat(seat.id, quarantined=False, quarantine_end=None)
            return seat
    seat = Allocation(
        id=f"granted-{len(site.posted)}",
        license_type=license_type,
        user_id=user_id,
        holder=user.label,
        created=site.clock.now(),
        last_used=None,
    )
    site.seats[seat.id] = seat
    return seat
