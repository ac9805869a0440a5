"""Incidents planted through the control door of a simulated site, read, judged and told for real.

The channel is down for some days in the middle: what it missed comes afterwards, in its order.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from direct_site import DirectSite
from fakes import FakeClock
from seatkeeper.core.alert_message import AlertMessage, message_from_bytes
from seatkeeper.core.alert_rules import default_rules
from seatkeeper.errors import NotTold
from seatkeeper.flow.alarm import Alarm, AlertChannel
from seatkeeper.flow.channels import ChannelSink
from seatkeeper.flow.context import Records
from seatkeeper.flow.monitor import Monitored
from seatkeeper.flow.tell import deliver
from seatkeeper.simulator.control import ControlDoor, Served
from seatkeeper.simulator.moments import iso, to_ms
from seatkeeper.simulator.switches import Switches
from seatkeeper.store import Store
from seatkeeper.wiring import readers
from simulated_days import UNTIL, simulated_days

DAYS = 20
BEGIN = UNTIL - timedelta(days=DAYS)
EVERY = timedelta(hours=8)
DOWN = range(9, 13)
"""On these days the channel takes nothing."""


@dataclass
class Door:
    """The control door of a site that is served without HTTP."""

    made: DirectSite

    @property
    def site(self) -> Any:
        """The site behind it."""
        return self.made.site

    def set_switches(self, switches: Switches) -> None:
        """Let the site show other behaviours."""
        self.made.site.set_switches(switches)
        self.made.resources.forget_all()

    def ask(self, call: str, **body: Any) -> None:
        """Knock at the door."""
        answer = ControlDoor(cast("Served", self)).answer("POST", [call], json.dumps(body).encode())
        assert answer.status == 200, answer.body

    def license_of(self, kind: str) -> None:
        """Let the license of the server be of another kind."""
        self.ask("switches", switches=[f"license_kind={kind}"])

    def ends_in(self, days: int) -> None:
        """Let the license end."""
        self.ask("license", valid_to=iso(to_ms(self.made.now + timedelta(days=days))))

    def grants(self, kind: str, seats: int) -> None:
        """Let the license grant so many seats of a type."""
        self.ask("excess", type=kind, total=seats)

    def mark(self, name: str, *, as_is: bool) -> None:
        """Mark a dozen people who hold an analyzer seat, or take the mark away."""
        records = self.made.site.records
        holders = sorted(
            {s.user for seats in records.seats.values() for s in seats.values() if s.user}
        )
        for user in holders[:12]:
            self.ask("user", user=user, **{name: as_is})


Act = Callable[[Door], None]
STORY: dict[int, Act] = {
    0: lambda door: door.grants("professional", 40),
    2: lambda door: door.grants("analyzer", 20),
    4: lambda door: door.grants("analyzer", 80),
    6: lambda door: door.ends_in(40),
    7: lambda door: door.ends_in(5),
    8: lambda door: door.ends_in(400),
    10: lambda door: door.license_of("blacklisted"),
    11: lambda door: door.license_of("signed"),
    13: lambda door: door.mark("blacklisted", as_is=True),
    15: lambda door: door.mark("blacklisted", as_is=False),
    16: lambda door: door.mark("removedExternally", as_is=True),
    18: lambda door: door.mark("removedExternally", as_is=False),
}


@dataclass
class Told:
    """A channel, and what it was told."""

    messages: list[AlertMessage] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)
    now: datetime = BEGIN

    async def tell(self, message: AlertMessage, _key: str) -> str:
        """Take a message, or not."""
        if day_of(self.now) in DOWN:
            raise NotTold("nobody there")
        self.messages.append(message)
        self.at.append(self.now)
        return "fine"


def day_of(moment: datetime) -> int:
    return (moment - BEGIN).days


async def lived(folder: Path) -> Told:
    told, acts, opened = Told(), dict(STORY), list[Store]()
    sink = ChannelSink(message_from_bytes, told.tell, attrgetter("key"))

    def before(made: DirectSite, moment: datetime) -> None:
        if (act := acts.pop(day_of(moment), None)) is not None:
            act(Door(made))

    def records_of(store: Store) -> Records:
        opened.append(store)
        alarm = Alarm(default_rules(), (AlertChannel("pager"),), store.alerts)
        return readers.records_of(store, (alarm,))

    async def each(now: datetime, _done: Monitored) -> None:
        told.now = now
        await deliver("alert:pager", sink, opened[0].outbox, FakeClock(now))

    async with simulated_days(
        f"sqlite:///{folder}/days.db",
        days=DAYS,
        users=80,
        analyzer=80,
        look_every=EVERY,
        clean_every=None,
        each=each,
        before_day=before,
        records_of=records_of,
    ):
        return told


async def test_what_is_planted_in_a_site_is_found_told_in_order_and_over(tmp_path: Path) -> None:
    told = await lived(tmp_path)

    events = defaultdict[str, list[tuple[str, float]]](list)
    for message in told.messages:
        days = (message.at - BEGIN) / timedelta(days=1)
        events[f"{message.rule} {message.key.rpartition('/')[2]}".strip()].append(
            (message.title.split(":")[0], round(days, 1))
        )
    assert events == {
        "low_availability analyzer": [("Critical", 2), ("Still critical", 3), ("Resolved", 4)],
        "high_utilization analyzer": [("Info", 2.3), ("Resolved", 4)],
        "excess_users": [("Warning", 2), ("Still warning", 3), ("Resolved", 4)],
        "above_entitlement": [("Warning", 2.3), ("Resolved", 4)],
        "license_expiry": [("Warning", 6), ("Now critical", 7), ("Resolved", 8)],
        "license_refused": [("Critical", 10), ("Still critical", 10.7), ("Resolved", 11)],
        "seats_of_gone_users blocked": [("Info", 14), ("Resolved", 15)],
        "seats_of_gone_users removed": [("Info", 17), ("Resolved", 18)],
    }


async def test_what_a_channel_missed_comes_when_it_is_back_each_once_and_in_its_order(
    tmp_path: Path,
) -> None:
    told = await lived(tmp_path)

    assert [m.at for m in told.messages] == sorted(m.at for m in told.messages)
    late = [m.rule for m, at in zip(told.messages, told.at, strict=True) if at != m.at]
    assert late == ["license_refused"] * 3
    assert {day_of(at) for m, at in zip(told.messages, told.at, strict=True) if at != m.at} == {13}
