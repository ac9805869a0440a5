"""What pages of users draw: seats by idle time, and the active days of those on a page."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from builders import ANALYZER, NOW, PROFESSIONAL, a_snapshot, an_allocation
from seatkeeper.core.roster import Flag, RosterLine, RosterQuery
from seatkeeper.core.rules import Reason
from seatkeeper.errors import UsageError
from seatkeeper.store import Store

DAY = timedelta(days=1)
ANNA, BEN = r"EXAMPLE\Anna", r"EXAMPLE\ben"


def a_line(number: int, days: float | None, **changes: object) -> RosterLine:
    """Return a seat that is idle for so many days, None for nobody can tell."""
    since = None if days is None else NOW - days * DAY
    told: dict[str, object] = {
        "allocation_id": f"seat-{number}",
        "license_type": PROFESSIONAL,
        "user": rf"EXAMPLE\u{number}",
        "name": f"U {number}",
        "department": "Sales",
        "flags": 0,
        "created": NOW - 400 * DAY,
        "last_used": since,
        "idle_since": since,
        "reason": Reason.ACTIVE,
    }
    return RosterLine(**{**told, **changes})  # type: ignore[arg-type]


IDLE = (0, 6.9, 7, 29, 30, 89, 90, 179, 180, 4000)


async def filled(store: Store) -> None:
    lines = [a_line(number, days) for number, days in enumerate(IDLE)]
    lines.append(a_line(90, 200, flags=int(Flag.NEVER_USED), license_type=ANALYZER))
    lines.append(a_line(91, None, department="R&D"))
    await store.roster.keep("prod", NOW, lines)
    await store.roster.keep("test", NOW, [a_line(0, 40)])


async def test_seats_are_counted_by_idle_time(store: Store) -> None:
    await filled(store)
    found = await store.roster.bands(RosterQuery(sites=("prod",)), NOW)
    everywhere = await store.roster.bands(RosterQuery(), NOW)

    assert [band.seats for band in found.bands] == [2, 2, 2, 2, 3]
    assert (found.never, found.unclear) == (1, 1)
    assert [band.seats for band in everywhere.bands] == [2, 2, 3, 2, 3]


async def test_what_narrows_a_list_narrows_its_bands_but_for_idle_time(store: Store) -> None:
    await filled(store)
    query = RosterQuery(sites=("prod",), license_type=ANALYZER, idle=500 * DAY)
    found = await store.roster.bands(query, NOW)
    elsewhere = await store.roster.bands(RosterQuery(department="R&D"), NOW)

    assert [band.seats for band in found.bands] == [0, 0, 0, 0, 1]
    assert (elsewhere.most, elsewhere.unclear) == (0, 1)


async def test_a_list_narrowed_to_a_band_holds_as_many_seats_as_it_says(store: Store) -> None:
    await filled(store)
    found = await store.roster.bands(RosterQuery(sites=("prod",)), NOW)
    for band in found.bands:
        below = None if band.below is None else band.below * DAY
        query = RosterQuery(sites=("prod",), idle=band.at_least * DAY or None, idle_below=below)
        page = await store.roster.page(query, NOW)

        assert (page.total, len(page.rows)) == (band.seats, band.seats)


async def test_a_new_reading_is_counted_anew(store: Store) -> None:
    await filled(store)
    query = RosterQuery(sites=("prod",))
    await store.roster.bands(query, NOW)
    await store.roster.keep("prod", NOW + DAY / 24, [a_line(1, 1)])

    assert (await store.roster.bands(query, NOW)).bands[0].seats == 1


def test_less_than_no_time_is_refused() -> None:
    with pytest.raises(UsageError):
        RosterQuery(idle_below=-DAY)


async def test_active_days_of_a_year_are_those_of_the_people_on_the_page(store: Store) -> None:
    # One day of use in August, two in November, on two license types one of them.
    for day, who in ((date(2026, 8, 3), ANNA), (date(2026, 11, 1), ANNA), (date(2026, 11, 2), BEN)):
        at = NOW.replace(month=day.month, day=day.day)
        seats = [
            an_allocation(who, last_used=at, license_type=kind, id=f"{who}-{kind}")
            for kind in (PROFESSIONAL, ANALYZER)
        ]
        await store.activity.observe(a_snapshot(seats, now=at), at)
    rows = (a_line(1, 1, user=ANNA), a_line(2, 1, user=BEN), a_line(3, 1, user=r"EXAMPLE\nobody"))
    await store.roster.keep("prod", NOW, rows)
    page = await store.roster.page(RosterQuery(), NOW)
    found = await store.roster.active_years(page.rows, NOW)

    assert found["prod", ANNA].months == (None,) * 8 + (1, 0, 0, 1)
    assert found["prod", ANNA].days == 2
    assert found["prod", BEN].months == (None,) * 11 + (1,)
    assert len(found) == 2
