"""The bound of the outbox: what goes, what stays, and that it is said."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from seatkeeper.core.outbox import Loss, OutboxEntry, OutboxState
from seatkeeper.core.retention import Retention
from seatkeeper.store import Store
from seatkeeper.store.losses import Losses
from stored import NOW

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BOUND = Retention(outbox=30 * DAY, outbox_rows=10)


async def fill(store: Store, ages: list[timedelta], target: str = "influx:main") -> None:
    """Let something of each age wait, in the order given."""
    ats = [NOW - age for age in ages]
    await store.outbox.put(
        target, [OutboxEntry("point", b"x", f"key-{n}-{at}", at) for n, at in enumerate(ats)]
    )


async def ages(store: Store, target: str = "influx:main") -> list[timedelta]:
    """How old is what waits, in order."""
    return [NOW - row.entry.at for row in await store.outbox.take(target, 1000, NOW)]


@pytest.fixture(params=[5_000, 3], ids=["one turn", "turns of three"])
def losses(store: Store, request: pytest.FixtureRequest) -> Losses:
    """What looks after the bound, whatever fits one transaction."""
    return Losses(store._db, request.param)


async def test_what_waited_too_long_goes_and_is_counted(store: Store, losses: Losses) -> None:
    await fill(store, [40 * DAY, 35 * DAY, 31 * DAY, 31 * DAY, 30 * DAY, 2 * HOUR])

    assert await losses.keep_within(BOUND, NOW) == {"influx:main": 4}
    assert await losses.keep_within(BOUND, NOW) == {}

    assert await ages(store) == [30 * DAY, 2 * HOUR]
    assert await losses.all() == {"influx:main": Loss(4, NOW - 31 * DAY, NOW)}


async def test_of_too_many_the_oldest_go(store: Store, losses: Losses) -> None:
    old = [(20 - n) * DAY for n in range(17)]
    await fill(store, old)

    assert await losses.keep_within(BOUND, NOW) == {"influx:main": 7}

    assert await ages(store) == old[7:]
    assert await losses.all() == {"influx:main": Loss(7, NOW - old[6], NOW)}


async def test_nothing_of_the_last_day_goes_however_much_there_is(
    store: Store, losses: Losses
) -> None:
    await fill(store, [25 * HOUR] * 3 + [24 * HOUR] * 40)

    assert await losses.keep_within(BOUND, NOW) == {"influx:main": 3}

    assert await ages(store) == [24 * HOUR] * 40


async def test_one_target_takes_nothing_from_another(store: Store, losses: Losses) -> None:
    await fill(store, [40 * DAY] * 2)
    await fill(store, [40 * DAY, DAY], "alert:mail")
    await fill(store, [DAY] * 3, "influx:other")

    assert await losses.keep_within(BOUND, NOW) == {"influx:main": 2, "alert:mail": 1}

    assert await ages(store, "influx:other") == [DAY] * 3
    assert set(await losses.all()) == {"alert:mail", "influx:main"}


async def test_what_was_refused_for_good_is_bounded_too(store: Store, losses: Losses) -> None:
    await fill(store, [5 * DAY] * 30)
    refused = [row.id for row in await store.outbox.take("influx:main", 100, NOW)][:25]
    await store.outbox.set_aside(refused, "field type conflict", NOW)

    assert await losses.keep_within(BOUND, NOW) == {"influx:main": 15}

    depth = await store.outbox.depth()
    assert depth["influx:main", OutboxState.SET_ASIDE] == 10
    assert depth["influx:main", OutboxState.WAITING] == 5


async def test_the_count_only_grows_until_a_person_drops_the_target(
    store: Store, losses: Losses
) -> None:
    for days in (0, 10):
        now = NOW + days * DAY
        await fill(store, [40 * DAY - days * DAY] * 2)
        await losses.keep_within(BOUND, now)
    (loss,) = (await losses.all()).values()
    assert loss == Loss(4, NOW - 30 * DAY, NOW + 10 * DAY)

    await store.outbox.drop("influx:main")
    assert await losses.all() == {}


async def test_an_alert_can_tell_what_was_dropped_although_nothing_waits(
    store: Store, losses: Losses
) -> None:
    await fill(store, [40 * DAY])
    await losses.keep_within(BOUND, NOW)

    (queue,) = await store.alerts.queues()

    assert (queue.target, queue.rows, queue.loss) == ("influx:main", 0, Loss(1, days(40), NOW))


def days(number: int) -> datetime:
    """Return so many days ago."""
    return NOW - number * DAY
