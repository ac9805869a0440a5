from __future__ import annotations

from datetime import timedelta

import pytest

from builders import NOW
from seatkeeper.core.record import CycleSample
from seatkeeper.core.retention import Retention
from seatkeeper.store import Store
from seatkeeper.store.cycles import LONGEST

LATER = NOW + timedelta(days=1)


def a_cycle(
    minutes: float = 0, *, site: str = "prod", kind: str = "monitor", error: str = ""
) -> CycleSample:
    at = NOW + timedelta(minutes=minutes)
    return CycleSample(site, kind, at, seconds=1.5, requests=9, error=error)


async def keep(store: Store, *samples: CycleSample) -> None:
    for sample in samples:
        await store.cycles.add(sample)


async def test_cycles_come_back_as_they_were(store: Store) -> None:
    release = a_cycle(1, kind="release", error="the site does not answer")
    await keep(store, release, a_cycle(2), a_cycle(), a_cycle(site="test"), a_cycle(-5))

    assert await store.cycles.since("prod", NOW) == [a_cycle(), release, a_cycle(2)]


async def test_who_records_a_cycle_first_is_right(store: Store) -> None:
    await keep(store, a_cycle(error="the site does not answer"), a_cycle(error="something"))

    (kept,) = await store.cycles.since("prod", NOW)

    assert kept.error == "the site does not answer"


async def test_a_long_error_is_cut(store: Store) -> None:
    await keep(store, a_cycle(error="x" * 5000))

    assert (await store.cycles.since("prod", NOW))[0].error == "x" * LONGEST


async def test_the_state_of_a_job_tells_its_last_success_and_what_failed_since(
    store: Store,
) -> None:
    bad = a_cycle(30, error="the site does not answer")
    await keep(store, a_cycle(), a_cycle(15), bad, a_cycle(45, error="still not"))
    await keep(store, a_cycle(20, kind="release"), a_cycle(60, site="test"))

    found = await store.cycles.states(["prod", "unknown"], LATER)

    assert found.keys() == {("prod", "monitor"), ("prod", "release")}
    monitor, release = found["prod", "monitor"], found["prod", "release"]
    assert monitor.newest == a_cycle(45, error="still not")
    assert monitor.last_success == NOW + timedelta(minutes=15)
    assert (monitor.failures, monitor.failing_since) == (2, bad.at)
    assert (release.failures, release.failing_since) == (0, None)


async def test_a_job_that_never_succeeded_says_so(store: Store) -> None:
    await keep(store, a_cycle(error="no"), a_cycle(15, error="no"))

    state = (await store.cycles.states(["prod"], LATER))["prod", "monitor"]

    assert (state.last_success, state.failures, state.failing_since) == (None, 2, NOW)


async def test_a_good_cycle_of_a_clock_that_was_ahead_hides_no_failure(store: Store) -> None:
    ahead = a_cycle(60 * 24 * 30)
    await keep(store, a_cycle(), ahead, *(a_cycle(n, error="no answer") for n in (15, 30)))

    state = (await store.cycles.states(["prod"], NOW + timedelta(hours=1)))["prod", "monitor"]

    assert (state.last_success, state.failures) == (NOW, 2)
    assert state.newest == a_cycle(30, error="no answer")


@pytest.mark.parametrize("last", ["", "the site does not answer"])
async def test_old_cycles_go_but_the_newest_and_the_last_good_one_stay(
    store: Store, last: str
) -> None:
    newest = a_cycle(60, error=last)
    await keep(store, a_cycle(), a_cycle(15), a_cycle(30, error="no"), newest)
    before = (await store.cycles.states(["prod"], LATER))["prod", "monitor"]

    retention, now = Retention(raw=timedelta(days=7)), NOW + timedelta(days=8)
    told = (await store.pruning.count(retention, now)).rows["cycles"]
    gone = (await store.pruning.prune(retention, now)).rows["cycles"]

    good = [a_cycle(15)] if last else []
    assert await store.cycles.since("prod", NOW) == [*good, newest]
    assert told == gone == 3 - len(good)
    after = (await store.cycles.states(["prod"], LATER))["prod", "monitor"]
    assert after.last_success == before.last_success
    assert (await store.pruning.prune(retention, now)).rows["cycles"] == 0
