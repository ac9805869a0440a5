"""The year of one person: what was used, what was not, and what nobody can know."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from builders import ANNA, NOW, PROFESSIONAL, a_snapshot, an_allocation
from console_world import SITES, World, a_console
from seatkeeper.core.measures import MeasuredType
from seatkeeper.core.outcome import Outcome
from seatkeeper.core.roster import RosterLine
from seatkeeper.core.rules import Reason
from seatkeeper.core.story import KnownSeat, PersonRecord, SeatRelease
from seatkeeper.web.charts.calendar import year_of
from seatkeeper.web.views.person import days_of_use

DAY = timedelta(days=1)
TODAY = NOW.date()


def ago(days: int) -> datetime:
    return NOW - days * DAY


def a_record(**changes: object) -> PersonRecord:
    """Return somebody seen for the first time 100 days ago, with one seat until 40 days ago."""
    told: dict[str, object] = {
        "site": "prod",
        "user": ANNA,
        "first_seen": ago(100),
        "seats": (KnownSeat("s", PROFESSIONAL, ago(40), ended=ago(40)),),
        "active_days": {MeasuredType.PROFESSIONAL: (ago(60).date(), ago(150).date())},
    }
    return PersonRecord(**{**told, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "look"),
    [
        (101, "day-unwatched"),
        (150, "day-on"),
        (100, "day-off"),
        (60, "day-on"),
        (40, "day-off"),
        (39, "day-none"),
        (0, "day-none"),
    ],
)
def test_a_day_that_nobody_watched_looks_unlike_one_without_use(days: int, look: str) -> None:
    assert days_of_use(a_record(), TODAY).look(ago(days).date()) == look


def test_who_was_never_seen_has_no_day_without_use() -> None:
    known = days_of_use(a_record(first_seen=None, seats=(), active_days={}), TODAY)

    assert {known.look(TODAY - n * DAY) for n in range(365)} == {"day-unwatched"}


def test_days_of_a_release_are_days_of_utc_as_those_of_use_are() -> None:
    late = datetime.fromisoformat("2026-10-02T01:30+02:00")
    gone = SeatRelease(late, "plan-1", "s", PROFESSIONAL, "idle", Outcome.RELEASED)
    known = days_of_use(a_record(releases=(gone,)), TODAY)

    assert known.released == {date(2026, 10, 1)}


def test_a_month_says_how_many_of_its_days_were_watched() -> None:
    known = days_of_use(a_record(active_days={}), TODAY)
    blocks = {block.title: str(block.block) for block in year_of(known, TODAY)}

    assert "June 2026: not watched yet" in blocks["Jun"]
    assert "July 2026: used on 0 of 7 watched days" in blocks["Jul"]
    assert "August 2026: used on 0 of 31 watched days" in blocks["Aug"]


async def opened(world: World) -> str:
    async with await world.signed_in() as browser:
        page = await browser.get("/users?site=prod")
        link = page.text.partition('<span class="who"><a href="')[2].partition('"')[0]
        return page.text + (await browser.get(link)).text


def a_line(used: datetime) -> RosterLine:
    return RosterLine(
        allocation_id="seat-1",
        license_type=PROFESSIONAL,
        user=ANNA,
        name="Anna",
        department="Sales",
        flags=0,
        created=ago(400),
        last_used=used,
        idle_since=used,
        reason=Reason.ACTIVE,
    )


async def test_a_person_s_page_counts_only_days_that_were_watched(tmp_path: Path) -> None:
    async with a_console(tmp_path) as world:
        for day in (9, 0):
            seat = an_allocation(ANNA, last_used=ago(9))
            await world.store.activity.observe(a_snapshot([seat], now=ago(day)), ago(day))
        await world.store.roster.keep("prod", NOW, [a_line(ago(9))])
        page = await opened(world)

    assert "1 <small>of 10 watched days in the last twelve months</small>" in page
    assert "Not watched yet" in page


async def test_idle_days_are_those_that_count_in_the_list_and_on_the_page(tmp_path: Path) -> None:
    pause = "pause: [{from: 2026-09-01, to: 2026-10-10, reason: works holiday}]"
    text = SITES.replace("policy: {mode: approve,", f"policy: {{{pause}, mode: approve,", 1)
    async with a_console(tmp_path, text=text) as world:
        await world.store.roster.keep("prod", NOW, [a_line(ago(100))])
        page = await opened(world)
        async with await world.signed_in() as browser:
            sheet = (await browser.get("/users.csv?site=prod")).text
        async with await world.with_token() as program:
            seat = (await program.get("/api/v1/sites/prod/users")).json()["items"][0]

    assert seat["idle_days"] == 60
    assert ",60," in sheet
    assert 'data-unit="days idle">60</td>' in page
    assert "60 days that count" in page
