"""Deliver the outbox before a command ends; what is left stays queued and is said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from seatkeeper.cli import render
from seatkeeper.errors import SeatkeeperError, UsageError
from seatkeeper.flow.tell import Told, deliver
from seatkeeper.wiring.alarms import alarm_of
from seatkeeper.wiring.telling import open_sinks, point_keeper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping
    from datetime import datetime

    from seatkeeper.cli.exits import Exit
    from seatkeeper.cli.session import Session
    from seatkeeper.core.outbox import Waiting
    from seatkeeper.flow.telling_ports import Sink

LONGEST = timedelta(seconds=15)
"""How long one target may take; all are told at the same time."""

IN_A_HURRY = timedelta(seconds=2)
"""The same once the command was asked to end."""


async def and_deliver(work: Awaitable[Exit], session: Session, stop: asyncio.Event) -> Exit:
    """Do the work of a command, then deliver the outbox, also when a site has failed."""
    try:
        code = await work
    except UsageError:
        raise
    except SeatkeeperError:
        await deliver_before_the_end(session, stop)
        raise
    await deliver_before_the_end(session, stop)
    return code


async def deliver_before_the_end(session: Session, stop: asyncio.Event) -> None:
    """Tell every target what waits for it; that some cannot be told is no failure of a command.

    What no reading can tell, because it failed, is judged before.
    """
    try:
        sites = [site.name for site in session.settings.sites]
        await alarm_of(session.settings, session.store).watch(sites, session.clock.now())
        async with open_sinks(session.settings, session.clock) as sinks:
            await deliver_to(sinks, session, IN_A_HURRY if stop.is_set() else LONGEST)
    except SeatkeeperError as error:
        render.say(f"warning: what is to be told stays queued: {error}")


async def put_releases(session: Session) -> None:
    """Put the points of seats just released into the outbox; no monitoring cycle has to come."""
    keeper = point_keeper(session.settings, session.store)
    if keeper is None:
        return
    try:
        for one in session.opened:
            await keeper.released(one.site.name, session.clock.now())
    except SeatkeeperError as error:
        render.say(f"warning: the releases are told by the next monitoring cycle: {error}")


async def deliver_to(sinks: Mapping[str, Sink], session: Session, limit: timedelta) -> None:
    """Tell these targets, each for so long at most, and say on stderr what is left."""
    outbox, clock = session.store.outbox, session.clock
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(deliver(target, sink, outbox, clock, limit=limit), name=target)
            for target, sink in sinks.items()
        ]
    waiting = {one.target: one for one in await outbox.waiting()} if tasks else {}
    for told in [task.result() for task in tasks]:
        _say(told, waiting.get(told.target), clock.now())


def _say(told: Told, left: Waiting | None, now: datetime) -> None:
    if told.set_aside:
        render.say(f"warning: {told.target} refuses {told.set_aside} for good; they were set aside")
    if left is not None:
        render.say(f"warning: {left.rows} for {told.target} stay queued: {_why(told, left, now)}")


def _why(told: Told, left: Waiting, now: datetime) -> str:
    """Say why this go did not deliver: its own error, one from before, or somebody else does."""
    if told.error:
        return told.error
    if left.not_before is not None and left.not_before > now:
        return f"not tried again before {render.moment(left.not_before)} UTC: {left.error}"
    return "another process delivers it"
