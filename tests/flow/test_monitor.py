from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from builders import a_snapshot, days_ago
from fakes import fail_with
from flow_world import World, a_world
from seatkeeper.core.model import ServerLicense, Snapshot, person_key
from seatkeeper.core.policy import Shared, SharedKind
from seatkeeper.core.summary import IdleBucket, Summary
from seatkeeper.errors import IncompleteRead, Interrupted, StoreError, Unreachable
from seatkeeper.flow.monitor import Monitored, monitor
from seatkeeper.flow.ports import Follower, Observed
from seatkeeper.flow.sampling import sampled
from seatkeeper.flow.steps import Trouble


@dataclass
class Listener:
    """Notes what it is told, or fails."""

    step: str
    error: Exception | None = None
    told: list[Summary] = field(default_factory=list)
    changes: object = None

    async def follow(self, observed: Observed) -> None:
        if self.error is not None:
            raise self.error
        self.told.append(observed.summary)
        self.changes = observed.changes


@dataclass
class Watcher:
    """Notes the snapshots it sees."""

    seen: list[Snapshot] = field(default_factory=list)
    elsewhere: dict[str, dict[str, datetime]] = field(default_factory=dict)
    """When people were last active, by site."""

    async def latest(self, sites: Sequence[str]) -> dict[str, datetime]:
        return {person: at for site in sites for person, at in self.elsewhere[site].items()}

    async def observe(self, snapshot: Snapshot, now: datetime) -> str:  # noqa: ARG002 - a port
        self.seen.append(snapshot)
        return "what changed"


async def cycle(world: World, *followers: Follower, watcher: Watcher | None = None) -> Monitored:
    hand = world.process()
    records = replace(hand.records, followers=followers, activity=watcher)
    async with sampled("monitor", hand.site, records, hand.run) as sample:
        done = await monitor(hand.site, records, hand.run)
        sample.troubles = done.troubles
    return done


async def test_a_cycle_reads_remembers_counts_and_tells() -> None:
    world, points, alerts, watcher = a_world(), Listener("points"), Listener("alerts"), Watcher()
    plan = await world.plan()

    done = await cycle(world, points, alerts, watcher=watcher)

    assert done.troubles == ()
    assert done.summary is not None
    assert world.store.summaries["prod"] == done.summary
    assert points.told == alerts.told == [done.summary]
    assert len(watcher.seen) == 1
    assert points.changes == "what changed"
    assert world.store.snapshots["prod"].taken_at == done.summary.at
    professional, _analyzer = done.summary.seats
    assert (professional.rows, professional.releasable) == (20, 5)
    assert professional.idle[IdleBucket.HALF_YEAR] == 5
    assert (done.users, done.seats) == (done.summary.reading.users, 30)
    assert done.summary.plan is not None
    assert done.summary.plan.plan_id == plan.plan.plan_id
    assert done.summary.plan.status == "approved"


@pytest.mark.parametrize(
    ("number", "named", "is_shared"),
    [("0000 1111", (), True), ("9999", ("Partner",), True), ("9999", (), False)],
)
async def test_activity_on_sites_that_share_the_license_counts(
    number: str, named: tuple[str, ...], is_shared: bool
) -> None:
    world = a_world(2)
    world.policy = replace(world.policy, shared=Shared(SharedKind.SITES, named))
    partner = a_snapshot(site="partner")
    license_ = ServerLicense(number=number, signed=False)
    world.store.snapshots["partner"] = replace(partner, server_license=license_)
    watcher = Watcher(elsewhere={"partner": {person_key(r"EXAMPLE\u0"): days_ago(2)}})

    done = await cycle(world, watcher=watcher)

    assert done.summary is not None
    assert done.summary.seats[0].releasable == (1 if is_shared else 2)


async def test_the_summary_tells_what_the_reading_took() -> None:
    world = a_world()
    await cycle(world)
    asked = world.fake.asked
    world.fake.on("users", lambda: world.clock.advance(seconds=3))

    done = await cycle(world)

    assert done.summary is not None
    assert done.summary.reading.seconds == pytest.approx(3)
    assert done.summary.reading.requests == world.fake.asked - asked
    sample = world.store.cycles[-1]
    assert (sample.seconds, sample.requests) == (pytest.approx(3), world.fake.asked - asked)
    assert (sample.kind, sample.error, sample.trouble) == ("monitor", "", "")


async def test_monitoring_changes_nothing_at_the_site() -> None:
    world = a_world()

    await cycle(world)

    assert not world.fake.left
    assert not world.fake.posted
    assert not world.store.plans


async def test_a_step_that_fails_is_told_and_keeps_the_others_going() -> None:
    world, alerts = a_world(), Listener("alerts")
    points = Listener("points", StoreError("the store is full"))

    with capture_logs() as logs:
        done = await cycle(world, points, alerts)

    assert done.troubles == (Trouble("points", "the store is full"),)
    assert alerts.told == [done.summary]
    (event,) = logs
    assert (event["event"], event["step"]) == ("cycle.step_failed", "points")
    assert event["error"] == "the store is full"
    assert world.store.cycles[-1].trouble == "points failed: the store is full"
    assert world.store.cycles[-1].error == ""


async def test_a_fault_of_a_step_is_told_without_its_text() -> None:
    world = a_world()

    with capture_logs():
        done = await cycle(world, Listener("points", ValueError(r"bad user EXAMPLE\anna.berg")))

    assert [t.error for t in done.troubles] == [
        "a fault of Seatkeeper (ValueError); its log tells more"
    ]


@pytest.mark.parametrize(
    ("part", "step"),
    [("observe", "history"), ("lines", "counting"), ("keep", "keeping the summary")],
)
async def test_no_step_after_the_reading_is_needed_by_the_rest(part: str, step: str) -> None:
    world, points = a_world(), Listener("points")
    world.store.broken[part] = StoreError("the disk is full")

    with capture_logs():
        done = await cycle(world, points)

    assert [t.step for t in done.troubles] == [step]
    assert len(points.told) == (step != "counting")


async def test_a_cycle_that_cannot_be_recorded_has_still_been_done() -> None:
    world, points = a_world(), Listener("points")
    world.store.broken["add"] = StoreError("the disk is full")

    with capture_logs() as logs:
        await cycle(world, points)

    assert len(points.told) == 1
    assert [event["step"] for event in logs] == ["recording the cycle"]


@pytest.mark.parametrize("error", [Unreachable("no answer"), IncompleteRead("not whole")])
async def test_a_site_that_cannot_be_read_whole_is_a_failed_cycle(error: Exception) -> None:
    world, points = a_world(), Listener("points")
    world.fake.on("users", fail_with(error))

    with pytest.raises(type(error)):
        await cycle(world, points)

    assert not world.store.summaries
    assert not points.told
    (sample,) = world.store.cycles
    assert (sample.error, sample.site) == (str(error), "prod")
    assert sample.requests > 0


async def test_the_error_of_a_cycle_outlives_a_store_that_is_gone() -> None:
    world = a_world()
    world.fake.on("users", fail_with(Unreachable("no answer")))
    world.store.broken["add"] = StoreError("the disk is full")

    with pytest.raises(Unreachable):
        await cycle(world)


async def test_a_cycle_put_off_on_request_is_no_failure() -> None:
    world = a_world()
    hand = world.process()
    hand.run.stop.set()
    world.fake.latency = 1

    with pytest.raises(Interrupted):
        async with sampled("monitor", hand.site, hand.records, hand.run):
            await monitor(hand.site, hand.records, hand.run)

    assert not world.store.cycles


async def test_a_release_cycle_keeps_the_summary_of_its_snapshot_too() -> None:
    world = a_world()

    await world.cycle()

    summary = world.store.summaries["prod"]
    assert summary.seats[0].releasable == 5
    assert summary.plan is not None
    assert (summary.plan.status, summary.plan.actions) == ("open", 5)
    assert summary.reading.requests > 0


async def test_numbers_that_cannot_be_kept_do_not_stop_a_release() -> None:
    world = a_world()
    world.store.broken["keep"] = StoreError("the disk is full")

    with capture_logs() as logs:
        done = await world.cycle()

    assert len(done.stored.plan.actions) == 5
    assert [event["event"] for event in logs] == ["cycle.step_failed"]
