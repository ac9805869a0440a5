"""Whatever happens while a plan is applied: nothing outside it, nothing twice, nothing stale."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import ANALYZER, a_policy, an_allocation, an_exemption, days_ago, id_of, some_limits
from fakes import Delete, fail_with, virtual_run
from flow_world import Hand, World, a_world, idle_seats
from seatkeeper.core.model import Allocation, person_key
from seatkeeper.core.outcome import Outcome, RunResult
from seatkeeper.core.plan import PlanStatus
from seatkeeper.core.policy import ExemptionKind, Mode
from seatkeeper.core.record import StoredPlan
from seatkeeper.errors import LeaseLost, NoAnswer, NotAllowed, PlanStale
from seatkeeper.flow.sending import FRESH

MOST_SEATS = 45
SEEN: Counter[str] = Counter()


@dataclass(frozen=True)
class Event:
    """Something that happens so many seconds after the application began."""

    after: float
    what: str
    who: int


@dataclass(frozen=True)
class Story:
    """One application: how many seats, how fast the site is, what goes wrong and when."""

    seats: int
    latency: float
    concurrency: int
    max_per_run: int
    deletes: dict[int, Delete]
    every_delete: Delete
    events: list[Event]


@dataclass(frozen=True)
class Seen:
    """A second look that began: when, after how many DELETEs, and who must not lose a seat."""

    at: datetime
    sent: int
    protected: frozenset[str]


@dataclass
class Watched:
    """The world of a story, and what was protected when each second look began."""

    world: World
    stored: StoredPlan
    looks: list[Seen] = field(default_factory=list)

    def watch(self) -> None:
        """Note at each second look who must not lose a seat."""
        self.world.fake.on("users_by_id", self._note)

    def _note(self) -> None:
        fake = self.world.fake
        self.looks.append(Seen(fake.clock.now(), len(fake.left), frozenset(self._protected())))

    def _protected(self) -> list[str]:
        return [a.allocation_id for a in self.stored.plan.actions if self._keeps(a.allocation_id)]

    def _keeps(self, allocation_id: str) -> bool:
        """Decide anew, and differently from the product, whether a seat must stay."""
        fake = self.world.fake
        seat = fake.seats.get(allocation_id)
        if seat is None or seat.quarantined or seat.user_id not in fake.users:
            return True
        planned = next(a for a in self.stored.plan.actions if a.allocation_id == allocation_id)
        if seat.user_id != planned.user_id or fake.users[seat.user_id].tags:
            return True
        key = person_key(planned.user)
        used = [s.last_used for s in fake.seats.values() if person_key(s.holder) == key]
        used.append(fake.usage.get(key))
        return any(at is not None and self.world.clock.now() - at < WEEK for at in used)


WEEK = timedelta(days=7)


async def _prepare(story: Story) -> Watched:
    seats: list[Allocation] = idle_seats(story.seats)
    others = [an_allocation(s.holder, license_type=ANALYZER, last_used=days_ago(20)) for s in seats]
    policy = a_policy(
        an_exemption(ExemptionKind.TAG, "keep"),
        mode=Mode.APPROVE,
        limits=some_limits(max_per_run=story.max_per_run),
        professional=15,
    )
    world = a_world([*seats, *others], policy=policy)
    for seat in others:
        world.fake.change_seat(seat.id, last_used=days_ago(20))
    stored = await world.plan()
    world.fake.latency = story.latency
    world.fake.every_delete = story.every_delete
    for n, how in story.deletes.items():
        world.fake.deletes[idle_seats(MOST_SEATS)[n].id] = how
    return Watched(world, stored)


def _schedule(story: Story, world: World, hand: Hand) -> list[asyncio.TimerHandle]:
    loop = asyncio.get_running_loop()
    for event in story.events:
        SEEN[event.what] += 1
    coming = [
        loop.call_later(event.after, _happen, event, world, hand, story.seats)
        for event in story.events
    ]
    # Something always ends it: a DELETE that hangs would wait for ever.
    return [*coming, loop.call_later(40.0, hand.run.stop.set)]


def _happen(event: Event, world: World, hand: Hand, seats: int) -> None:
    seat = idle_seats(MOST_SEATS)[event.who % seats]
    if event.what in _TO_THE_RUN:
        _TO_THE_RUN[event.what](world, hand)
    elif event.what in _TO_THE_PERSON:
        _TO_THE_PERSON[event.what](world, seat)
    elif seat.id in world.fake.seats:
        _TO_THE_SEAT[event.what](world, seat)


def _uses_another_seat(world: World, seat: Allocation) -> None:
    other = an_allocation(seat.holder, license_type=ANALYZER).id
    if other in world.fake.seats:
        world.fake.use(other)


_TO_THE_RUN: dict[str, Callable[[World, Hand], object]] = {
    "freeze": lambda world, _: world.freeze(),
    "stop": lambda _, hand: hand.run.stop.set(),
    "lease lost": lambda _, hand: setattr(hand.held, "is_lost", True),
    "taken over": lambda world, _: world.process(),
    "reading fails": lambda world, _: world.fake.on(
        "allocations_by_id", fail_with(NoAnswer("down")), times=2
    ),
    "clock wrong": lambda world, _: setattr(world.fake, "skew", timedelta(hours=1)),
}
_TO_THE_PERSON: dict[str, Callable[[World, Allocation], object]] = {
    "has a usage row": lambda world, seat: world.fake.usage.update(
        {person_key(seat.holder): world.clock.now()}
    ),
    "gets a tag": lambda world, seat: world.fake.change_user(id_of(seat.holder), tags=("KEEP",)),
    "uses another seat": _uses_another_seat,
}
_TO_THE_SEAT: dict[str, Callable[[World, Allocation], object]] = {
    "uses the seat": lambda world, seat: world.fake.use(seat.id),
    "loses the seat": lambda world, seat: world.fake.seats.pop(seat.id),
    "hands the seat over": lambda world, seat: world.fake.change_seat(
        seat.id, user_id=id_of(r"EXAMPLE\busy1"), holder=r"EXAMPLE\busy1"
    ),
    "is quarantined": lambda world, seat: world.fake.change_seat(seat.id, quarantined=True),
}


EVENTS = (*_TO_THE_RUN, *_TO_THE_PERSON, *_TO_THE_SEAT)
EVENT = st.builds(
    Event,
    after=st.floats(0, 12, allow_nan=False),
    what=st.sampled_from(EVENTS),
    who=st.integers(0, MOST_SEATS - 1),
)
FAULTS = [how for how in Delete if how is not Delete.HANGS]
STORY = st.builds(
    Story,
    seats=st.integers(1, MOST_SEATS),
    latency=st.sampled_from([0.0, 0.02, 0.3, 0.9, 2.5]),
    concurrency=st.integers(1, 8),
    max_per_run=st.sampled_from([3, 20, 1000]),
    deletes=st.dictionaries(
        st.integers(0, MOST_SEATS - 1), st.sampled_from(list(Delete)), max_size=8
    ),
    every_delete=st.sampled_from([Delete.DONE] * 6 + FAULTS),
    events=st.lists(EVENT, max_size=6),
)


def test_whatever_happens_an_application_keeps_every_promise() -> None:
    SEEN.clear()

    _any_story()

    print("events in the stories:", dict(SEEN))  # noqa: T201 - shown when the test fails
    assert all(SEEN[what] >= 20 for what in EVENTS)


@settings(max_examples=500, deadline=None, database=None)
@given(story=STORY)
def _any_story(story: Story) -> None:
    virtual_run(_tell(story))


async def _tell(story: Story) -> None:
    watched = await _prepare(story)
    world, stored = watched.world, watched.stored
    hand = world.process(concurrency=story.concurrency)
    watched.watch()
    coming = _schedule(story, world, hand)
    begun = world.clock.now()

    try:
        result = await world.apply(stored, hand)
    except (NotAllowed, LeaseLost):
        result = None
    ended = world.clock.now()
    for handle in coming:
        handle.cancel()
    stops = [e.after for e in story.events if e.what == "stop"] + [40.0]
    stopped = begun + timedelta(seconds=min(stops))
    assert ended <= stopped + timedelta(seconds=13)
    assert all(at <= stopped for at, _ in world.fake.left)
    await asyncio.sleep(story.latency)
    _check_sent(watched, story)
    if world.store.plans[stored.plan.plan_id].status is PlanStatus.APPROVED:
        assert not world.fake.left
        assert not world.store.intents
        return
    assert result is not None
    _check_result(world, stored, result)
    await _check_afterwards(world, stored, _lost_to_others(story))


def _lost_to_others(story: Story) -> set[str]:
    """Give the seats that somebody else took away at some time, also after the reading back."""
    seats = idle_seats(MOST_SEATS)
    losses = [event for event in story.events if event.what == "loses the seat"]
    return {seats[event.who % story.seats].id for event in losses}


def _check_sent(watched: Watched, story: Story) -> None:
    world, stored = watched.world, watched.stored
    planned = [a.allocation_id for a in stored.plan.actions]
    sent = [allocation_id for _, allocation_id in world.fake.left]
    assert len(sent) == len(set(sent))
    assert set(sent) <= set(planned[: story.max_per_run])
    assert world.fake.most_in_flight <= story.concurrency
    for n, (at, allocation_id) in enumerate(world.fake.left):
        look = [look for look in watched.looks if look.sent <= n][-1]
        assert at - look.at <= FRESH
        assert allocation_id not in look.protected
        intent = world.store.intents[stored.plan.plan_id, allocation_id]
        assert look.at <= intent.at <= at


def _check_result(world: World, stored: StoredPlan, result: RunResult) -> None:
    planned = [a.allocation_id for a in stored.plan.actions]
    assert [o.allocation_id for o in result.outcomes] == planned
    sent = {allocation_id for _, allocation_id in world.fake.left}
    for told in result.outcomes:
        if told.outcome is Outcome.NOT_ATTEMPTED:
            assert told.allocation_id not in sent
            assert told.detail
        if told.outcome in (Outcome.RELEASED, Outcome.REFUSED, Outcome.UNKNOWN):
            assert told.allocation_id in sent
        if told.outcome is Outcome.RELEASED:
            assert told.allocation_id not in world.fake.seats
    known = world.store.outcomes(stored.plan.plan_id)
    assert known == {o.allocation_id: o.outcome for o in result.outcomes}


async def _check_afterwards(world: World, stored: StoredPlan, lost: set[str]) -> None:
    """Applying again is refused; recovering leaves nothing open and sends nothing."""
    sent = len(world.fake.left)
    world.store.freeze = None
    world.fake._hooks.clear()
    with pytest.raises(PlanStale):
        await world.apply(stored)
    await world.recover()
    world.clock.advance(minutes=2)
    await world.recover()
    assert len(world.fake.left) == sent
    known = world.store.outcomes(stored.plan.plan_id)
    assert Outcome.UNKNOWN not in known.values()
    for allocation_id, outcome in known.items():
        if outcome is Outcome.RELEASED:
            assert allocation_id not in world.fake.seats
        if outcome is Outcome.REFUSED:
            assert allocation_id in world.fake.seats or allocation_id in lost
