"""When people work: weekends, holidays, summer, quarter ends, and the days of each person.

Whether somebody is there on a day follows from the person and that day alone: no generator is
stepped, so a history lived in one stretch is the one lived day by day, and equal seeds (which
give equal ids) give equal days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from seatkeeper.simulator.moments import DAY, HOUR, NEVER
from seatkeeper.simulator.rows import Habit, User

HIRING = (1.5, 1.1, 1.0, 1.0, 0.9, 0.8, 0.4, 0.9, 1.6, 1.3, 0.9, 0.6)
"""How many join in a month of the year, against an average one."""
_ON_DUTY = 0.03
"""Share of those who come daily that come on weekends and holidays too."""
_LOADS = {1: 0.82, 2: 0.8, 3: 0.8, 4: 0.8, 5: 0.78, 6: 0.77, 7: 0.72, 8: 0.75, 12: 0.78}
_ORDINARY, _RUSH = 0.81, 0.93
_RUSH_BEFORE, _RUSH_AFTER = 8, 10
"""Days before and after the end of a quarter with more to do."""
_SEASONS = ((11, 3), (11, 3), (2, 3), (9, 3), (5, 4))
"""First month and number of months in which somebody seasonal comes: year end, audit, budget."""
_LONG_LEAVE = 0.035
"""Share of the people who are away for months in a year: parents, illness, sabbaticals."""
OPENS, OPEN = int(6.5 * HOUR), int(12.5 * HOUR)
"""When the first come in the morning, and how long people come."""
_OFTEN = frozenset({Habit.DAILY, Habit.SEASONAL})
_EPOCH = date(1970, 1, 1)
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class _Day:
    """What a day is for everybody."""

    year: int
    of_year: int
    working: bool
    load: float
    """Share of those who come daily that come on this day."""
    break_: bool
    """Between the years, when nearly everybody is away."""


@lru_cache(maxsize=4096)
def _day(number: int) -> _Day:
    day = _EPOCH + timedelta(days=number)
    working = day.weekday() < 5 and not is_holiday(day)
    load = _RUSH if _in_rush(number) else _LOADS.get(day.month, _ORDINARY)
    between = (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 4)
    return _Day(
        day.year,
        day.timetuple().tm_yday,
        working,
        load if working else _ON_DUTY,
        between,
    )


def is_holiday(day: date) -> bool:
    """Say whether most offices are closed on a day that may be a working day."""
    if (day.month, day.day) in {(1, 1), (1, 6), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31)}:
        return True
    return (day - _easter(day.year)).days in {-2, 1, 39, 50}


@lru_cache(maxsize=64)
def _easter(year: int) -> date:
    """Give Easter Sunday of a Gregorian year (Gauss, with Lichtenberg's additions)."""
    century = year // 100
    secular = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    moon = (19 * (year % 19) + secular) % 30
    limit = 21 + moon - (moon + (year % 19) // 11) // 29
    sunday = 7 - (year + year // 4 + 2 - (3 * century + 3) // 4) % 7
    return date(year, 3, 1) + timedelta(days=limit + 6 - (limit - sunday) % 7)


@lru_cache(maxsize=64)
def _quarter_start(quarter: int) -> int:
    """Give the first day of a quarter, counted from the first one of the year 0."""
    return (date(quarter // 4, quarter % 4 * 3 + 1, 1) - _EPOCH).days


def _quarter_of(number: int) -> int:
    day = _EPOCH + timedelta(days=number)
    return day.year * 4 + (day.month - 1) // 3


def _in_rush(number: int) -> bool:
    quarter = _quarter_of(number)
    since, until = number - _quarter_start(quarter), _quarter_start(quarter + 1) - number
    return since < _RUSH_AFTER or until <= _RUSH_BEFORE


def last_visit(user: User, until: int, after: int = NEVER) -> int:
    """Say when somebody was last there, at or before `until`; NEVER when not later than `after`.

    Of somebody without a habit of coming it is NEVER, of somebody who stopped the last time.
    """
    if user.habit is Habit.NEVER:
        return NEVER
    if user.habit is Habit.STOPPED:
        return user.stopped if after < user.stopped <= until else min(user.stopped, until)
    for moment in _moments(user, until, max(after, user.created - 1, until - 800 * DAY)):
        return moment
    return NEVER


def visits(user: User, after: int, until: int) -> list[int]:
    """List when somebody was there, later than `after` and not later than `until`, in order."""
    if user.habit in {Habit.NEVER, Habit.STOPPED}:
        return []
    return list(_moments(user, until, max(after, user.created)))[::-1]


def _moments(user: User, until: int, after: int) -> Iterator[int]:
    """Give the moments of visits from `until` back to `after`, the latest first."""
    key, habit = int(user.id[24:], 16), user.habit
    first, often = after // DAY, habit in _OFTEN
    for number in _APPOINTMENTS[habit](key, until // DAY):
        if number < first:
            return
        day, draw = _day(number), _mix(key, number, 1)
        if not day.working and habit is not Habit.DAILY:
            continue
        if (often and (draw >> 32) / 2**32 >= day.load) or _away(key, day):
            continue
        moment = number * DAY + OPENS + (draw & 0xFFFFFFFF) * OPEN // 2**32
        if after < moment <= until:
            yield moment


def _away(key: int, day: _Day) -> bool:
    """Say whether a person is on leave: in summer, between the years, a week, or for months."""
    draw = _mix(key, day.year, 4)
    if day.break_ and draw % 100 < 85:
        return True
    summer = 166 + draw % 60
    if summer <= day.of_year < summer + 12 + (draw >> 8) % 14:
        return True
    week = 10 + (draw >> 16) % 340
    if week <= day.of_year < week + 7:
        return True
    if (draw >> 40) / 2**24 >= _LONG_LEAVE:
        return False
    leave = (draw >> 24) % 250
    return leave <= day.of_year < leave + 70 + (draw >> 32) % 90


# The days on which somebody means to come, from a day backwards


def _every_day(_key: int, number: int) -> Iterator[int]:
    return iter(range(number, -1, -1))


def _once_a_week(key: int, number: int) -> Iterator[int]:
    week = (number + 3) // 7
    while True:
        monday = week * 7 - 3
        draw = _mix(key, week, 5)
        days = [monday + draw % 5]
        if _in_rush(monday):
            days.append(monday + (draw >> 8) % 5)
        yield from (day for day in sorted(set(days), reverse=True) if day <= number)
        week -= 1


def _once_a_month(key: int, number: int) -> Iterator[int]:
    day = _EPOCH + timedelta(days=number)
    year, month = day.year, day.month
    while True:
        draw = _mix(key, year * 12 + month, 6)
        early = min(draw % 20, (draw >> 8) % 20)
        chosen = _workday((date(year, month, 1) - _EPOCH).days + early)
        if chosen <= number:
            yield chosen
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _around_quarter_ends(key: int, number: int) -> Iterator[int]:
    quarter = _quarter_of(number) + 1
    while True:
        draw, start = _mix(key, quarter, 7), _quarter_start(quarter)
        span = _RUSH_BEFORE + _RUSH_AFTER
        days = {_workday(start - _RUSH_BEFORE + (draw >> shift) % span) for shift in (0, 8, 16)}
        yield from (day for day in sorted(days, reverse=True) if day <= number)
        quarter -= 1


def _in_season(key: int, number: int) -> Iterator[int]:
    month, length = _SEASONS[_mix(key, 0, 8) % len(_SEASONS)]
    year = (_EPOCH + timedelta(days=number)).year
    while True:
        begin = date(year, month, 1)
        after = month - 1 + length
        end = date(year + after // 12, after % 12 + 1, 1)
        last = min(number, (end - _EPOCH).days - 1)
        yield from range(last, (begin - _EPOCH).days - 1, -1)
        year -= 1


def _workday(number: int) -> int:
    """Give the day itself, or the Monday after a weekend."""
    weekday = (number + 3) % 7
    return number + 7 - weekday if weekday > 4 else number


_APPOINTMENTS = {
    Habit.DAILY: _every_day,
    Habit.WEEKLY: _once_a_week,
    Habit.MONTHLY: _once_a_month,
    Habit.QUARTERLY: _around_quarter_ends,
    Habit.SEASONAL: _in_season,
}


def _mix(key: int, number: int, salt: int) -> int:
    """Give 64 bits that follow from a person and a number (the finisher of SplitMix64)."""
    x = (key * 0x9E3779B97F4A7C15 + number * 0xD1342543DE82EF95 + salt) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
