"""When jobs are due, as plain arithmetic."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from seatkeeper.core.schedule import Schedule
from seatkeeper.engine.daemon import timings_of
from seatkeeper.engine.engine import SLOTS
from seatkeeper.engine.jobs import JobKind
from seatkeeper.engine.timing import LATEST, RETRIES, START_WAIT, Timing, place_of
from seatkeeper.wiring.readers import OpenSite

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def timing(
    text: str,
    kind: JobKind = JobKind.RELEASE,
    *,
    zone: str = "UTC",
    spread: float | None = None,
) -> Timing:
    return Timing(kind, Schedule.parse(text), ZoneInfo(zone), spread)


def test_monitoring_is_due_at_every_start() -> None:
    monitoring = timing("every 6 hours", JobKind.MONITOR)

    assert monitoring.at_start(NOW + HOUR, NOW - HOUR, NOW) == NOW


@pytest.mark.parametrize("remembered", [None, NOW - HOUR, NOW + MINUTE, NOW + 20 * HOUR])
def test_a_cron_release_waits_for_its_next_time_at_a_start(remembered: datetime | None) -> None:
    due = timing("0 3 * * *").at_start(remembered, NOW - DAY, NOW)

    assert due == datetime(2026, 11, 3, 3, 0, tzinfo=UTC)


def test_a_release_by_elapsed_time_that_never_ran_waits_a_little() -> None:
    assert timing("every 14 days").at_start(None, None, NOW) == NOW + START_WAIT


def test_an_overdue_one_waits_a_little() -> None:
    due = timing("every 14 days").at_start(NOW - DAY, NOW - 15 * DAY, NOW)

    assert due == NOW + START_WAIT


def test_one_that_is_due_later_stays_due_then() -> None:
    due = timing("every 14 days").at_start(NOW + 4 * DAY, NOW - 10 * DAY, NOW)

    assert due == NOW + 4 * DAY


def test_one_whose_usual_time_is_near_does_not_move() -> None:
    due = timing("every 14 days").at_start(NOW + MINUTE, NOW - 14 * DAY + MINUTE, NOW)

    assert due == NOW + MINUTE


def test_a_further_try_that_is_near_is_no_release_at_the_start() -> None:
    due = timing("every 14 days").at_start(NOW + MINUTE, NOW - 20 * DAY, NOW)

    assert due == NOW + START_WAIT


def test_what_was_given_up_until_its_next_time_is_not_tried_at_a_start() -> None:
    due = timing("every 14 days").at_start(NOW + 13 * DAY, NOW - 20 * DAY, NOW)

    assert due == NOW + 13 * DAY


def test_a_time_of_day_is_kept_even_when_the_run_is_owed() -> None:
    due = timing("every 14 days at 02:30", zone="Europe/Stockholm").at_start(
        NOW - DAY, NOW - 15 * DAY, NOW
    )

    assert due == datetime(2026, 11, 3, 1, 30, tzinfo=UTC)


def test_a_long_run_does_not_pile_up_others() -> None:
    monitoring = timing("every 15 minutes", JobKind.MONITOR)

    assert monitoring.after_run(NOW - 50 * MINUTE, NOW) == NOW + 10 * MINUTE


def test_tries_again_are_never_later_than_the_usual_time() -> None:
    monitoring = timing("*/5 * * * *", JobKind.MONITOR)

    for failures in range(1, 20):
        due = monitoring.after_failure(failures, NOW, NOW + MINUTE)
        assert NOW + MINUTE < due <= NOW + 5 * MINUTE


def test_tries_again_become_rarer_until_a_bound() -> None:
    release = timing("every 14 days")
    waits = [release.after_failure(n, NOW, NOW) - NOW for n in range(1, 9)]

    assert waits == [*RETRIES, RETRIES[-1], RETRIES[-1]]


def test_a_cron_release_is_tried_again_for_a_few_hours_only() -> None:
    release = timing("0 3 * * *")
    began = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
    late = began + LATEST - MINUTE

    assert release.after_failure(3, began, began + HOUR) == began + HOUR + RETRIES[2]
    assert release.after_failure(9, began, late) == began + DAY


def test_a_release_by_elapsed_time_is_tried_again_without_end() -> None:
    release = timing("every 14 days")

    assert release.after_failure(99, NOW - 5 * DAY, NOW) == NOW + RETRIES[-1]


def test_a_release_waits_long_for_its_turn_but_not_for_ever() -> None:
    release = timing("0 3 * * *")

    assert not release.is_too_late(NOW - LATEST, NOW)
    assert release.is_too_late(NOW - LATEST - MINUTE, NOW)
    assert not release.is_too_late(None, NOW)


def test_monitoring_and_elapsed_time_are_never_too_late() -> None:
    assert not timing("every 1 hours").is_too_late(NOW - 9 * DAY, NOW)
    assert not timing("0 * * * *", JobKind.MONITOR).is_too_late(NOW - 9 * DAY, NOW)


def test_the_pace_of_monitoring_is_kept_at_the_place_of_the_site() -> None:
    monitoring = timing("every 15 minutes", JobKind.MONITOR, spread=0.5)

    first = monitoring.after_run(NOW, NOW + MINUTE)
    second = monitoring.after_run(first, first + 3 * MINUTE)

    assert NOW < first <= NOW + 16 * MINUTE
    assert second - first == 15 * MINUTE


def test_many_sites_are_spread_over_the_period() -> None:
    sites = [f"site-{n}" for n in range(1000)]
    timings = [timing("every 15 minutes", JobKind.MONITOR, spread=place_of(s)) for s in sites]

    due = Counter((one.after_run(NOW, NOW) - NOW) // MINUTE for one in timings)

    assert len(due) == 15
    assert max(due.values()) < 110


def test_a_site_keeps_its_place() -> None:
    assert place_of("prod") == place_of("PROD")
    assert 0 <= place_of("prod") < 1


@pytest.mark.parametrize("text", ["0 3 * * *", "every 14 days", "every 1 days at 02:30"])
def test_releases_are_never_spread(text: str) -> None:
    began = NOW - MINUTE

    assert timing(text, spread=0.3).after_run(began, NOW) == timing(text).after_run(began, NOW)


def opened(number: int) -> dict[str, OpenSite]:
    schedule = SimpleNamespace(
        monitor=Schedule.parse("every 15 minutes"), release=Schedule.parse("0 3 * * *")
    )
    settings = SimpleNamespace(schedule=schedule, zone=ZoneInfo("UTC"))
    return {f"s{n}": cast("OpenSite", SimpleNamespace(settings=settings)) for n in range(number)}


def test_only_more_sites_than_fit_at_once_are_spread() -> None:
    few, many = timings_of(opened(SLOTS)), timings_of(opened(SLOTS + 1))

    assert {one.spread for one in few.values()} == {None}
    assert len({many[f"s{n}", JobKind.MONITOR].spread for n in range(SLOTS + 1)}) == SLOTS + 1
