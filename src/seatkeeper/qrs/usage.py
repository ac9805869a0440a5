"""The second witness: what usage rows and token seats know about people's latest activity.

Which of these lists a site offers depends on its version, license and rights; a site that clearly
says no is believed, a site that gives no clear answer is told apart from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from seatkeeper.core.model import (
    NAMED_LISTS,
    Allocation,
    Overview,
    UsageList,
    UsageState,
    User,
    Witness,
    person_key,
)
from seatkeeper.errors import QrsError, Refused
from seatkeeper.qrs import translate, wire
from seatkeeper.qrs.body import Rows, Sink
from seatkeeper.qrs.client import QrsClient
from seatkeeper.qrs.dates import moment
from seatkeeper.qrs.faults import NothingThere
from seatkeeper.qrs.filters import where
from seatkeeper.qrs.reading import FilteredReading

MINUTE = timedelta(minutes=1)
UNIT = timedelta(minutes=6)

NOT_OFFERED = frozenset({400, 403, 404, 405, 410, 501})
"""Statuses that clearly say: not this list, or not for you."""


@dataclass(frozen=True, slots=True)
class Source:
    """One list that tells activity, and the property that holds the moment."""

    name: UsageList
    path: str
    moment: str = "latestActivity"


NAMED = tuple(Source(name, f"/license/{name.value}accessusage/full") for name in NAMED_LISTS)
CAPACITY = Source(UsageList.CAPACITY, "/license/analyzertimeaccessusage/full")
TOKENS = (
    Source(UsageList.TOKENS, "/license/useraccesstype/full", "lastUsed"),
    Source(UsageList.LOGIN, "/license/loginaccessusage/full"),
)


class People:
    """Tells whose a usage row is."""

    def __init__(self, users: Mapping[str, User], seats: Sequence[Allocation]) -> None:
        """Know these users and the holders of these seats."""
        self._users = users
        self._holders = {seat.id: seat for seat in seats}

    def key(self, row: wire.UsageRow) -> str | None:
        """Return the key of the person; None for somebody unknown, anonymous or deleted."""
        user_id = translate.user_id_of(row.user)
        if row.user is not None and user_id is not None:
            return self._key(user_id, row.user.label)
        seat = self._holders.get(_seat_id(row))
        if seat is None:
            return None
        # Under another name in the user list the facts find the person by the seat's own id.
        return person_key(seat.holder) if seat.holder else self._key(seat.user_id, "")

    def _key(self, user_id: str | None, label: str) -> str | None:
        user = self._users.get(user_id or "")
        if user is not None:
            return user.key
        return person_key(label) if label else None


def _seat_id(row: wire.UsageRow) -> str:
    for seat in (row.professional_access_type, row.analyzer_access_type):
        if seat is not None and seat.id:
            return translate.guid(seat.id)
    return ""


class Activity:
    """The latest activity of each person, as far as the rows of one list tell it."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.rows = 0
        self.by_person: dict[str, datetime] = {}
        self.minutes: dict[tuple[str, date], int] = {}

    def remember(self, key: str, at: datetime) -> None:
        """Keep the later moment."""
        known = self.by_person.get(key)
        if known is None or known < at:
            self.by_person[key] = at

    def add_minutes(self, key: str, row: wire.UsageRow) -> None:
        """Count the minutes of a row of analyzer capacity on the day it began.

        Capacity is spent in units of six minutes, and a unit that has begun counts whole. A row
        whose times cannot be read tells nothing.
        """
        try:
            start = moment(row.use_start_time)
            end = moment(row.use_stop_time) or moment(row.latest_activity)
        except ValueError:
            return
        if start is not None and end is not None:
            units = max(1, -(-(end - start) // UNIT))
            day = (key, start.date())
            self.minutes[day] = self.minutes.get(day, 0) + units * (UNIT // MINUTE)


class UsageReading:
    """Reads every list of activity that a site may offer."""

    def __init__(self, client: QrsClient, parts: FilteredReading) -> None:
        """Read through an open client; `parts` knows which filters the site takes."""
        self._client = client
        self._parts = parts

    async def witness(
        self,
        users: Mapping[str, User],
        seats: Sequence[Allocation],
        overview: Overview,
        since: datetime | None,
    ) -> Witness:
        """Read the lists at once; one that cannot be read does not hide the others."""
        people = People(users, seats)
        sources = _offered(overview)
        async with asyncio.TaskGroup() as group:
            tasks = {s.name: group.create_task(self._read(s, people, since)) for s in sources}
        total = Activity()
        for task in tasks.values():
            for key, at in task.result()[1].by_person.items():
                total.remember(key, at)
        lists = {name: task.result()[0] for name, task in tasks.items()}
        told = {name: task.result()[1].by_person for name, task in tasks.items()}
        by_list = {name: by for name, by in told.items() if by}
        capacity = tasks.get(UsageList.CAPACITY)
        minutes = capacity.result()[1].minutes if capacity else {}
        return Witness(lists, total.by_person, by_list, minutes)

    async def _read(
        self, source: Source, people: People, since: datetime | None
    ) -> tuple[UsageState, Activity]:
        def sink() -> Sink[Activity]:
            return _activity_sink(source, people)

        try:
            if since is None:
                activity = await self._client.read(source.path, sink, long=True)
            else:
                filter_ = where(source.moment, "ge", since)
                activity = await self._parts.narrowed(source.path, source.moment, filter_, sink)
        except NothingThere:
            return UsageState.NOT_GIVEN, Activity()
        except Refused as error:
            clear = error.status in NOT_OFFERED
            return UsageState.NOT_GIVEN if clear else UsageState.UNREADABLE, Activity()
        except QrsError:
            return UsageState.UNREADABLE, Activity()
        return UsageState.GIVEN if activity.rows else UsageState.EMPTY, activity


def _offered(overview: Overview) -> list[Source]:
    """Name the lists worth asking for under this license."""
    sources = list(NAMED)
    if overview.capacity is not None and overview.capacity.enabled:
        sources.append(CAPACITY)
    if overview.tokens_enabled:
        sources += TOKENS
    return sources


def _activity_sink(source: Source, people: People) -> Sink[Activity]:
    activity = Activity()

    def take(row: wire.UsageRow) -> None:
        activity.rows += 1
        text = row.last_used if source.moment == "lastUsed" else row.latest_activity
        at = moment(text)
        key = people.key(row)
        if at is not None and key is not None:
            activity.remember(key, at)
        if source is CAPACITY and key is not None:
            activity.add_minutes(key, row)

    return Rows(source.path, wire.USAGE, take, activity)
