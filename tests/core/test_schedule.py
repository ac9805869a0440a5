from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatkeeper.core.schedule import Schedule, next_runs

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def due(
    text: str, last: datetime | None = None, now: datetime = NOW, zone: str = "UTC"
) -> datetime:
    return Schedule.parse(text).next_due(last, now, ZoneInfo(zone))


def at_stockholm(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=STOCKHOLM)


def wall_times(text: str, now: datetime, count: int = 3) -> list[str]:
    runs = next_runs(Schedule.parse(text), now, now, STOCKHOLM, count)
    return [f"{run.astimezone(STOCKHOLM):%d %H:%M %z}" for run in runs]


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("every 15 minutes", timedelta(minutes=15)),
        ("every 6 hours", timedelta(hours=6)),
        ("every 90 minutes", timedelta(minutes=90)),
        ("every 14 days", timedelta(days=14)),
        ("every 24 hours", timedelta(hours=24)),
        ("every 1 hour", timedelta(hours=1)),
        ("every day", timedelta(days=1)),
        ("every hour", timedelta(hours=1)),
        ("every minute", timedelta(minutes=1)),
        ("every 2 weeks", timedelta(weeks=2)),
        ("  Every  10   MINS ", timedelta(minutes=10)),
    ],
)
def test_the_texts_butler_users_have_mean_elapsed_time(text: str, every: timedelta) -> None:
    last = NOW - timedelta(seconds=1)

    assert due(text, last) == last + every
    assert Schedule.parse(text).is_elapsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every",
        "every day at noonish",
        "every day at 25:00",
        "every day at 13:00 pm",
        "every day at 00:30 am",
        "every weekday",
        "every 0 hours",
        "every -1 days",
        "every 1.5 hours",
        "every 30 seconds",
        "every 400 days",
        "every 6 hours at 02:30",
        "every 2 years",
        "at noon",
        "daily",
        "@daily",
        "60 * * * *",
        "* * * *",
        "0 0 3 * * *",
        "0 3 * * funday",
        "0 0 31 2 *",
        "0 0 30 2 *",
        "sometimes * * * *",
        "on the first day of the month",
    ],
)
def test_a_schedule_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|cron|time of day"):
        Schedule.parse(text)


def test_the_refusal_shows_good_schedules() -> None:
    with pytest.raises(ValueError, match=r"every 6 hours.*0 3 "):
        Schedule.parse("now and then")


def test_a_first_run_by_elapsed_time_is_due_at_once() -> None:
    assert due("every 14 days") == NOW


def test_elapsed_time_counts_from_the_last_run_not_from_the_calendar() -> None:
    last = datetime(2026, 12, 29, 8, 17, tzinfo=UTC)

    runs = next_runs(Schedule.parse("every 14 days"), last, last, UTC, 3)

    assert [f"{run:%m-%d %H:%M}" for run in runs] == ["01-12 08:17", "01-26 08:17", "02-09 08:17"]


def test_ninety_minutes_are_not_rounded_to_an_hour() -> None:
    assert due("every 90 minutes", NOW) == NOW + timedelta(minutes=90)


def test_a_long_run_or_down_time_does_not_pile_up_runs() -> None:
    last = NOW - timedelta(minutes=47)

    assert due("every 15 minutes", last) == last + timedelta(minutes=60)


def test_a_run_is_never_due_at_the_moment_it_was_asked() -> None:
    last = NOW - timedelta(minutes=15)

    assert due("every 15 minutes", last) == NOW + timedelta(minutes=15)


def test_a_clock_set_back_makes_nobody_wait_longer_than_one_step() -> None:
    last = NOW + timedelta(days=300)

    assert NOW < due("every 6 hours", last) <= NOW + timedelta(hours=6)


def test_a_release_owed_since_the_down_time_is_told() -> None:
    schedule = Schedule.parse("every 14 days")
    last = NOW - timedelta(days=15)

    assert schedule.missed_since(last, NOW, UTC) == NOW - timedelta(days=1)
    assert schedule.missed_since(NOW - timedelta(days=13), NOW, UTC) is None


def test_a_missed_cron_time_is_skipped() -> None:
    schedule = Schedule.parse("0 3 * * *")

    assert schedule.missed_since(NOW - timedelta(days=9), NOW, UTC) is None
    assert schedule.next_due(NOW - timedelta(days=9), NOW, UTC) == datetime(
        2026, 6, 11, 3, tzinfo=UTC
    )


def test_the_next_runs_begin_now_when_one_is_owed() -> None:
    runs = next_runs(Schedule.parse("every 6 hours"), NOW - timedelta(hours=20), NOW, UTC, 2)

    assert runs == (NOW, NOW + timedelta(hours=6))


def test_five_runs_are_shown_unless_told_otherwise() -> None:
    assert len(next_runs(Schedule.parse("0 3 * * *"), None, NOW, UTC)) == 5


def test_cron_is_read_on_the_wall_of_the_zone() -> None:
    assert due("0 3 * * *", zone="Europe/Stockholm") == at_stockholm(2026, 6, 11, 3)
    assert due("0 3 * * *") == datetime(2026, 6, 11, 3, tzinfo=UTC)


def test_a_cron_time_the_clock_skips_runs_right_after_the_gap() -> None:
    now = at_stockholm(2026, 3, 28, 12)

    assert wall_times("30 2 * * *", now, 2) == ["29 03:00 +0200", "30 02:30 +0200"]


def test_a_cron_time_that_comes_twice_runs_once() -> None:
    now = at_stockholm(2026, 10, 24, 12)

    assert wall_times("30 2 * * *", now, 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_in_the_repeated_hour_a_cron_time_is_not_looked_for_in_the_past() -> None:
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    assert wall_times("30 2 * * *", second_pass, 1) == ["26 02:30 +0100"]


def test_a_quarter_hourly_cron_goes_on_through_both_clock_changes() -> None:
    spring = datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
    autumn = datetime(2026, 10, 25, 0, 20, tzinfo=UTC)

    assert wall_times("*/15 * * * *", spring, 2) == ["29 03:00 +0200", "29 03:15 +0200"]
    assert wall_times("*/15 * * * *", autumn, 7) == [
        "25 02:30 +0200",
        "25 02:45 +0200",
        "25 02:00 +0100",
        "25 02:15 +0100",
        "25 02:30 +0100",
        "25 02:45 +0100",
        "25 03:00 +0100",
    ]


def test_a_day_with_a_time_keeps_its_time_over_both_clock_changes() -> None:
    spring, autumn = at_stockholm(2026, 3, 27, 2, 30), at_stockholm(2026, 10, 23, 2, 30)

    assert wall_times("every day at 02:30", spring) == [
        "28 02:30 +0100",
        "29 03:00 +0200",
        "30 02:30 +0200",
    ]
    assert wall_times("every day at 02:30", autumn) == [
        "24 02:30 +0200",
        "25 02:30 +0200",
        "26 02:30 +0100",
    ]


def test_elapsed_days_are_24_hours_over_a_clock_change() -> None:
    assert wall_times("every day", at_stockholm(2026, 3, 28, 12), 1) == ["29 13:00 +0200"]


def test_a_first_run_with_a_time_waits_for_that_time() -> None:
    assert due("every 14 days at 02:30") == datetime(2026, 6, 11, 2, 30, tzinfo=UTC)
    assert due("every 14 days at 22:30") == datetime(2026, 6, 10, 22, 30, tzinfo=UTC)


def test_days_with_a_time_count_from_the_day_of_the_last_run() -> None:
    last = datetime(2026, 6, 1, 2, 30, tzinfo=UTC)

    assert due("every 14 days at 02:30", last) == datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
    assert due("every 2 days at 02:30", last) == datetime(2026, 6, 11, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("at 10:15 am", 10),
        ("at 10:15pm", 22),
        ("every day at 12:15 am", 0),
        ("every day at 12:15 PM", 12),
    ],
)
def test_a_time_of_day_may_be_written_with_am_and_pm(text: str, hour: int) -> None:
    midnight = datetime(2026, 6, 10, tzinfo=UTC)

    assert due(text, now=midnight) == midnight.replace(hour=hour, minute=15)


@settings(deadline=None)
@given(
    st.sampled_from(["every 15 minutes", "every 14 days", "every 2 days at 02:30", "0 3 * * *"]),
    st.integers(0, 366 * 86_400).map(
        lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
    ),
    st.timedeltas(timedelta(0), timedelta(days=60)),
)
def test_the_next_run_is_always_ahead_and_in_utc(text: str, now: datetime, ago: timedelta) -> None:
    found = Schedule.parse(text).next_due(now - ago, now, STOCKHOLM)

    assert found > now
    assert found.utcoffset() == timedelta(0)
